"""The score table of lifetime value: what each customer is worth at a snapshot, with an interval."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from crm_ml.errors import InputError
from crm_ml.monitoring.training_profile import Profile
from crm_ml.snapshots import Snapshot
from crm_ml.storage import parquet
from crm_ml.storage.stage_cache import code_sum, stage
from crm_ml.tables import Tables

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from crm_ml.clv.clv_model import ClvModel

log = logging.getLogger(__name__)
CHUNK_ROWS = 200_000
_CODE = (
    "crm_ml.clv",
    "crm_ml.score_tables.clv",
    "crm_ml.snapshots",
    "crm_ml.tables.bundle",
    "crm_ml.tables.contract",
)
_REAL = ("p_alive", "expected_purchases", "expected_value")
_MONEY = ("clv", "clv_low", "clv_high")
CLV = "clv_cents"


@dataclass(frozen=True, eq=False)
class Valuation:
    """A lifetime-value model as scoring needs it: its name, the hash of its files, model and profile."""

    name: str
    sums: str
    model: "ClvModel"
    profile: Profile | None = None


def values_of(work: Path, tables: Tables, snapshot: Snapshot, valuation: Valuation) -> Path:
    """Return the score table (Parquet), made now or found whole.

    One row for each customer with a purchase before the snapshot, ordered by customer_id: p_alive,
    expected_purchases and expected_value (major unit) within the model's horizon, clv_cents with
    clv_low_cents and clv_high_cents (95 % interval of the expected value), model, and the summary that the
    value rests on: frequency, recency, T (in the model's unit of time) and monetary_value.
    """
    ingredients = {
        "as_of": snapshot.as_of.isoformat(),
        "code": code_sum(*_CODE),
        "data": tables.fingerprint,
        "model": valuation.sums,
    }

    def fill(path: Path) -> None:
        rows = write_values(tables, snapshot, valuation, path)
        log.info("valued %s customers with %s", f"{rows:,}", valuation.name)

    return stage(work, valuation.name, ingredients, fill)


def write_values(tables: Tables, snapshot: Snapshot, valuation: Valuation, path: Path) -> int:
    """Value all customers of a snapshot and return their number; see `values_of`.

    Raises
    ------
    InputError
        If a value is missing, infinite or negative.
    """
    from crm_ml.clv import summarize

    unit = valuation.model.time_unit
    summary = summarize(tables, snapshot.as_of, unit, with_first_value=True)
    return parquet.write(_chunks(summary, valuation), schema(), path)


def schema() -> "pa.Schema":
    """Return the columns of the score table with their Arrow types."""
    import pyarrow as pa

    from crm_ml.clv.summary import SUMMARY

    real, known = ({name: pa.float64() for name in names} for names in (_REAL, SUMMARY))
    money = {f"{name}_cents": pa.int64() for name in _MONEY}
    return pa.schema({"customer_id": pa.string(), **real, **money, "model": pa.string(), **known})


def _chunks(summary: "pd.DataFrame", valuation: Valuation) -> "Iterator[pa.Table]":
    import pyarrow as pa

    from crm_ml.clv.summary import SUMMARY, in_cents

    named = f"{valuation.name}@{valuation.sums[:12]}"
    for start in range(0, len(summary), CHUNK_ROWS):
        part = summary.iloc[start : start + CHUNK_ROWS]
        found = _checked(valuation, valuation.model.predict(part))
        columns = {name: found[name].to_numpy() for name in _REAL}
        columns |= {f"{name}_cents": in_cents(found[name]) for name in _MONEY}
        columns |= {name: part[name].to_numpy(dtype=float) for name in SUMMARY}
        ids = pa.array(part.index.astype(str), pa.string())
        yield pa.table({"customer_id": ids, **columns, "model": pa.repeat(named, len(part))}, schema=schema())


def _checked(valuation: Valuation, found: "pd.DataFrame") -> "pd.DataFrame":
    import numpy as np

    needed = found[[*_REAL, *_MONEY]]
    if valuation.model.terms.horizon is None:
        needed = needed.drop(columns="expected_purchases")  # infinitely many, kept as NaN
    wrong = {column: int((~(np.isfinite(values) & (values >= 0))).sum()) for column, values in needed.items()}
    breaches = [f"{column} in {count:,}" for column, count in wrong.items() if count]
    if breaches:
        raise InputError(
            f"{valuation.name}: missing, infinite or negative: {', '.join(breaches)} of {len(found):,} rows"
        )
    return found
