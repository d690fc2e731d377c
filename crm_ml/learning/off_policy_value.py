"""Off-policy value: what another policy would have earned on the day of a list, from the list's own log."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import narwhals as nw
import numpy as np

from crm_ml.errors import InputError
from crm_ml.evaluation.detectable_effect import smallest_effect
from crm_ml.evaluation.direct_outcomes import direct_outcomes
from crm_ml.evaluation.off_policy import OffPolicy, off_policy
from crm_ml.learning.list_outcomes import Published
from crm_ml.learning.numbered_customers import numbered_customers
from crm_ml.lists.read_list import LIST_FILE
from crm_ml.score_tables.source import scan
from crm_ml.storage.private_scratch import private_scratch
from crm_ml.tables.bundle import write_parquet
from crm_ml.tables.engine import connect

if TYPE_CHECKING:
    import pandas as pd

FOLDS = 5
NOTHING = 0
_NONE = ""  # the first of the names in their order
_CERTAIN = 1 - 1e-12
_LOGGED = ("treat", "explore", "none")
_TEXTS = ("done", "arm", "wanted")
_NUMBERS = ("propensity", "cost_cents", "paid_cents", "before_cents")


def check_same_day(published: Published, other: Published) -> None:
    """Refuse a list of another day or of other tables.

    Raises
    ------
    InputError
        With everything that differs.
    """
    mine, its = published.manifest["ingredients"], other.manifest["ingredients"]
    words = {"as_of": "day", "data": "fingerprint of the tables"}
    breaches = [
        f"{word} {str(its.get(name))[:19]}, not {str(mine.get(name))[:19]}"
        for name, word in words.items()
        if its.get(name) != mine.get(name)
    ]
    if breaches:
        raise InputError(
            f"--against {other.folder}: {'; '.join(breaches)}; make a list of the same day and tables "
            "by the other policy"
        )


def policy_value(outcomes: Path, other: Published, margin: float) -> dict[str, Any]:
    """Estimate what the policy of another list earns a customer, net of costs.

    The log are the customers with an open action-channel who were not held out: those listed, with the
    propensity of their action-channel, and those who got none. Hold-outs are the same for every policy and
    are left out. The target policy gives what the other list holds, and nothing to customers outside of it.

    Parameters
    ----------
    outcomes : Path
        Of `crm_ml.learning.list_outcomes.write_outcomes`.
    other : Published
        List of the target policy.
    margin : float
        Share of what is paid that is earned.

    Returns
    -------
    dict
        Values in cents a customer (logged, ips, snips, dr, gain over logged, each with low and high; smallest
        of the gain is what would have been found in 80 % of repetitions), how far they can be relied on, and
        warnings in words.

    Raises
    ------
    InputError
        If a customer has several rows, or a propensity is none.
    """
    rows, outside = _joined(outcomes, other)
    twice = rows["customer"][rows["customer"].duplicated()].nunique()
    if twice:
        raise InputError(
            f"--against: {twice:,} customers have several rows; off-policy values are of lists with one "
            "action a customer"
        )
    figures: dict[str, Any] = {"against": other.list_id, "customers": len(rows), "outside_the_log": outside}
    matched = int((rows["done"] == rows["wanted"]).sum())
    if matched < 2 or len(rows) < 2:
        warning = f"{matched} of {len(rows):,} customers got what the other policy gives: nothing can be told"
        return figures | {"matched": matched, "warnings": [warning]}
    value = _value(rows, margin)
    warnings = list(value.warnings)
    if outside:
        warnings.append(
            f"{outside:,} rows of the other list ({outside / (outside + len(rows)):.1%} of all) are of "
            "customers without an open offering here: of these nothing is known and they are left out"
        )
    if np.isinf(value.ips.high):
        return figures | {"matched": matched, "events": value.events, "warnings": warnings}
    return figures | _figures(value) | {"warnings": warnings}


def _value(rows: "pd.DataFrame", margin: float) -> OffPolicy:
    done, wanted = rows["done"].to_numpy(), rows["wanted"].to_numpy()
    reward = (margin * rows["paid_cents"] - rows["cost_cents"]).to_numpy(dtype=float)
    before = rows[["before_cents"]].to_numpy(dtype=float)
    p = rows["propensity"].to_numpy(dtype=float)
    same = done == wanted
    never = ~np.isin(wanted, np.unique(done))
    listed_else_nothing = (rows["arm"] == "treat").to_numpy() & (wanted == NOTHING)
    impossible = ~same & ((p >= _CERTAIN) | never | listed_else_nothing)
    direct = direct_outcomes(reward, done, wanted, before, rows["fold"].to_numpy())
    return off_policy(reward, done, p, same.astype(float), direct, impossible)


def _figures(value: OffPolicy) -> dict[str, Any]:
    figures: dict[str, Any] = {"matched": value.matched, "events": value.events}
    figures["no_overlap"] = value.no_overlap
    figures["no_overlap_share"] = round(value.no_overlap / value.rows, 6)
    for name in ("effective_rows", "largest_weight", "mean_weight"):
        figures[name] = round(getattr(value, name), 4)
    for name in ("logged", "ips", "snips", "dr", "gain"):
        interval = getattr(value, name)
        ends = {"value": interval.value, "low": interval.low, "high": interval.high}
        if name == "gain":
            ends["smallest"] = smallest_effect(interval)
        figures[name] = {key: round(end, 2) for key, end in ends.items()}
    return figures


def _joined(outcomes: Path, other: Published) -> "tuple[pd.DataFrame, int]":
    """Return the log with the target's action-channel, and how many rows of the target lie outside of it.

    Of a row there are about 50 bytes: the numbers of the customer, of the fold, and of the action-channels
    (`NOTHING` for none) in the order of their names.
    """
    with connect() as connection, private_scratch() as scratch:
        rows = scan(connection, outcomes)
        what = nw.concat_str(nw.col("action_id"), nw.col("channel"), separator="/")
        log = rows.filter(nw.col("arm").is_in(_LOGGED)).with_columns(
            done=nw.when(nw.col("arm") == "none").then(nw.lit(_NONE)).otherwise(what),
            cost_cents=nw.col("cost_cents").fill_null(0),
        )
        wanted = scan(connection, other.folder / LIST_FILE).select("customer_id", wanted=what)
        joined = log.select("customer_id", "done", "arm", *_NUMBERS).join(
            wanted, on="customer_id", how="left"
        )
        joined = joined.with_columns(nw.col("wanted").fill_null(_NONE)).sort("customer_id", "done", "wanted")
        write_parquet(joined, scratch / "joined.parquet")
        beyond = wanted.join(rows.select("customer_id").unique(), on="customer_id", how="anti")
        outside = int(beyond.select(nw.len()).collect(backend="pyarrow").rows()[0][0])
        return _numbered(scratch / "joined.parquet"), outside


def _numbered(joined: Path) -> "pd.DataFrame":
    """Read the log with numbers in place of customers and action-channels."""
    rows = numbered_customers(joined, _TEXTS, _NUMBERS, _LOGGED, FOLDS)
    names = sorted({_NONE, *rows["done"].cat.categories, *rows["wanted"].cat.categories})
    for name in ("done", "wanted"):
        rows[name] = rows[name].cat.set_categories(names).cat.codes
    return rows
