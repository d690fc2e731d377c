"""What each action of a list brought beside the customers who were held out."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from crm_ml.evaluation.incremental import FEWEST, increment
from crm_ml.evaluation.significance import Interval

if TYPE_CHECKING:
    import pandas as pd

FEW = 30
_COLUMNS = (
    "customer_id", "action_id", "channel", "arm", "held_out", "expected_value_cents", "cost_cents",
    "p_response", "paid_cents", "before_cents", "answered",
)  # fmt: skip


def compared_rows(outcomes: Path, by_offering: Mapping[str, Any]) -> "pd.DataFrame":
    """Read the rows that are compared: treated, and held out of everything or of their action.

    Parameters
    ----------
    outcomes : Path
        Of `crm_ml.learning.list_outcomes.write_outcomes`.
    by_offering : mapping
        Its keys name the offerings, as the funnel of the manifest does.

    Returns
    -------
    pandas.DataFrame
        Their columns, key (name of the offering) and margin_promised (expected value before cost, cents).
    """
    import pandas as pd

    rows = pd.read_parquet(outcomes, columns=[*_COLUMNS], filters=[("arm", "in", ["treat", "control"])])
    named = rows["action_id"] + "/" + rows["channel"]
    channels = rows.groupby("action_id")["channel"].transform("nunique") if len(rows) else named
    several = named.isin(list(by_offering)) | (channels > 1) if len(rows) else named.notna()
    rows["key"] = rows["action_id"].where(~several, named)
    rows["margin_promised"] = rows["expected_value_cents"] + rows["cost_cents"]
    return rows


def by_action(rows: "pd.DataFrame", margin: float) -> dict[str, dict[str, Any]]:
    """Return the figures of each offering, see `beside_held_out`, and what it is beside the next best."""
    against = rows[rows["held_out"].isna() | (rows["held_out"] == "universal")]
    kept = rows[rows["held_out"] == "action"]
    spent = rows[rows["arm"] == "treat"].groupby("customer_id")["cost_cents"].sum()
    found = {}
    for key, part in against.groupby("key"):
        found[str(key)] = beside_held_out(part, margin)
        others = kept[kept["key"] == key]
        if len(others):
            found[str(key)]["beside_next_best"] = _beside_next_best(part, others, spent, margin)
    return found


def in_all(rows: "pd.DataFrame", margin: float) -> dict[str, Any]:
    """Return the figures over all offerings, each compared with its own controls; see `beside_held_out`.

    Offerings with fewer than two rows in an arm can't be compared and are named in ``left_out``.
    """
    against = rows[rows["held_out"].isna() | (rows["held_out"] == "universal")]
    treated, untreated = (
        against["key"][against["arm"] == arm].value_counts() for arm in ("treat", "control")
    )
    few = {key for key in set(against["key"]) if min(treated.get(key, 0), untreated.get(key, 0)) < FEWEST}
    usable = against[~against["key"].isin(list(few))]
    found = beside_held_out(usable, margin, by_key=True)
    return found | {"left_out": sorted(few)}


def beside_held_out(rows: "pd.DataFrame", margin: float, by_key: bool = False) -> dict[str, Any]:
    """Return what was promised and what came, of treated rows beside customers held out of everything.

    Parameters
    ----------
    rows : pandas.DataFrame
        Of `compared_rows`.
    margin : float
        Share of what is paid that is earned.
    by_key : bool
        Compare within offerings.

    Returns
    -------
    dict
        rows, controls; promised_cents (sum of expected margins before cost); realised_cents with low and high
        (the incremental margin of all rows, with CUPED by earlier spend and the promise), the same in
        ``unadjusted``; variance_reduction; cost_cents; net_cents with net_low and net_high (realised less
        cost) and net_cents_a_contact; note, in words, where something is missing or doubtful.
    """
    treated = (rows["arm"] == "treat").to_numpy()
    n, cost = int(treated.sum()), int(rows["cost_cents"][treated].sum())
    found: dict[str, Any] = {
        "rows": n, "controls": int((~treated).sum()), "cost_cents": cost,
        "promised_cents": int(rows["margin_promised"][treated].sum()),
        "realised_cents": None, "low": None, "high": None, "unadjusted": None, "variance_reduction": None,
        "net_cents": None, "net_low": None, "net_high": None, "net_cents_a_contact": None,
    }  # fmt: skip
    y = margin * rows["paid_cents"].to_numpy(dtype=float)
    found["note"] = lacking(y, treated)
    if found["note"]:
        return found
    known = rows[["before_cents", "margin_promised"]].to_numpy(dtype=float)
    effect = increment(y, treated, known, rows["key"].to_numpy(dtype=str) if by_key else None)
    found |= _totals(effect.adjusted, n)
    found["unadjusted"] = _totals(effect.plain, n)
    names = {"net_cents": "realised_cents", "net_low": "low", "net_high": "high"}
    found |= {name: found[of] - cost for name, of in names.items()}
    found["net_cents_a_contact"] = round(found["net_cents"] / n, 2)
    found["variance_reduction"] = round(effect.variance_reduction, 4)
    if found["controls"] < FEW:
        found["note"] = f"only {found['controls']} controls: the interval is rough"
    return found


def lacking(y: "np.ndarray[Any, np.dtype[np.float64]]", treated: "np.ndarray[Any, Any]") -> str | None:
    """Say in words why treated and untreated outcomes can't be compared; None where they can."""
    n, controls = int(treated.sum()), int((~treated).sum())
    if controls < FEWEST:
        return f"too few controls ({controls}) to tell what came of it; hold more customers out"
    if n < FEWEST:
        return f"too few rows ({n}) to tell what came of it"
    for name, part in ((f"{controls:,} controls", y[~treated]), (f"{n:,} treated customers", y[treated])):
        if np.ptp(part) == 0:
            paid = "paid nothing" if part[0] == 0 else "paid the same"
            return f"all {name} {paid}: how far that is chance can't be told; wait or hold more customers out"
    return None


def _totals(interval: Interval, n: int) -> dict[str, int]:
    """Return the sum over all rows in whole cents."""
    ends = (interval.value, interval.low, interval.high)
    return {name: round(n * end) for name, end in zip(("realised_cents", "low", "high"), ends, strict=True)}


def _beside_next_best(
    part: "pd.DataFrame", kept: "pd.DataFrame", spent: "pd.Series[int]", margin: float
) -> dict[str, Any]:
    """Compare an action with what customers kept from it got instead, net of both costs, cents a contact."""
    treated = part[part["arm"] == "treat"]
    otherwise = kept["customer_id"].map(spent).fillna(0).to_numpy(dtype=float)
    paid = [margin * one["paid_cents"].to_numpy(dtype=float) for one in (treated, kept)]
    y = np.concatenate([paid[0] - treated["cost_cents"].to_numpy(dtype=float), paid[1] - otherwise])
    arms = np.repeat([True, False], [len(treated), len(kept)])
    found: dict[str, Any] = {"rows": len(treated), "kept_from_it": len(kept)}
    note = lacking(y, arms)
    if note:
        return found | {"net_cents_a_contact": None, "low": None, "high": None, "note": note}
    columns = ["before_cents", "margin_promised"]
    known = np.concatenate([one[columns].to_numpy(dtype=float) for one in (treated, kept)])
    value = increment(y, arms, known).adjusted
    ends = {"net_cents_a_contact": value.value, "low": value.low, "high": value.high}
    return found | {name: round(end, 2) for name, end in ends.items()} | {"note": None}
