"""The sets of records whose persons are known, and which of their columns are compared."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from crm_ml.datasets import simulated
from crm_ml.identity import Comparison

NAME, DATE, TEXT, EXACT = "name", "date", "text", "exact"
SHOP = {"customers": 10_000, "days": 364, "campaigns": 0, "seed": 11}


@dataclass(frozen=True, eq=False)
class RecordSet:
    """Records and their true persons.

    Parameters
    ----------
    records : pandas.DataFrame
        profile_id and columns; in order of profile_id.
    truth : pandas.Series
        True person by profile_id.
    comparisons : tuple of Comparison
    """

    records: pd.DataFrame
    truth: "pd.Series[str]"
    comparisons: Sequence[Comparison]


def _comparisons(**kinds: str) -> tuple[Comparison, ...]:
    """Return how columns are compared: all but dates and what hardly repeats by the frequency of values."""
    rare = (DATE, TEXT)
    return tuple(
        Comparison.model_validate({"column": name, "kind": kind, "frequency": kind not in rare})
        for name, kind in kinds.items()
    )


def _of_frame(frame: pd.DataFrame, identity: str, person: str, **kinds: str) -> RecordSet:
    frame = frame.rename(columns={identity: "profile_id"}).sort_values("profile_id", ignore_index=True)
    truth = frame.set_index("profile_id")[person].astype("str")
    return RecordSet(frame.drop(columns=person), truth, _comparisons(**kinds))


def _fake_1000(folder: Path) -> RecordSet:
    frame = pd.read_csv(folder / "fake_1000.csv", dtype=str)
    return _of_frame(frame, "unique_id", "cluster", first_name=NAME, surname=NAME, dob=DATE, city=NAME,
                     email=TEXT)  # fmt: skip


def _febrl3(folder: Path) -> RecordSet:
    frame = pd.read_csv(folder / "febrl3.csv", dtype=str, skipinitialspace=True)
    frame["person"] = frame["rec_id"].str.extract(r"rec-(\d+)-")[0]
    return _of_frame(frame, "rec_id", "person", given_name=NAME, surname=NAME, date_of_birth=DATE,
                     soc_sec_id=TEXT, postcode=TEXT, address_1=NAME, suburb=NAME,
                     street_number=EXACT)  # fmt: skip


def _historical_50k(folder: Path) -> RecordSet:
    frame = pd.read_parquet(folder / "historical_50k.parquet")
    return _of_frame(frame, "unique_id", "cluster", first_name=NAME, surname=NAME, dob=DATE, birth_place=NAME,
                     postcode_fake=TEXT, occupation=EXACT)  # fmt: skip


def _simulated(_folder: Path) -> RecordSet:
    made = simulated.profiles(**SHOP)
    kinds = {"phone": TEXT, "email": TEXT, "device": EXACT, "open_id": EXACT, "card": EXACT, "name": NAME,
             "birth_date": DATE, "address": NAME}  # fmt: skip
    return RecordSet(made.profiles, made.truth, _comparisons(**kinds))


LOADERS: Mapping[str, Callable[[Path], RecordSet]] = {
    "fake_1000": _fake_1000,
    "febrl3": _febrl3,
    "historical_50k": _historical_50k,
    "simulated shop": _simulated,
}
