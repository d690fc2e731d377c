"""Incremental value of each action of a list, against the customers who were held out."""

from collections.abc import Collection, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from crm_ml.evaluation.detectable_effect import smallest_effect
from crm_ml.evaluation.incremental import increment, usual
from crm_ml.evaluation.mean_intervals import FEWEST
from crm_ml.evaluation.significance import Interval
from crm_ml.learning.numbered_customers import numbered_customers

if TYPE_CHECKING:
    import pandas as pd

FEW = 30
_TEXTS = ["action_id", "channel", "arm", "held_out"]
_NUMBERS = ["expected_value_cents", "cost_cents", "p_response", "paid_cents", "before_cents", "answered"]


def compared_rows(outcomes: Path, action_channels: Iterable[str]) -> "pd.DataFrame":
    """Read the rows that are compared: treated, and held out of everything or of their action.

    Parameters
    ----------
    outcomes : Path
        Of `crm_ml.learning.list_outcomes.write_outcomes`.
    action_channels : iterable of str
        Their names, as the funnel of the manifest has them.

    Returns
    -------
    pandas.DataFrame
        Their columns (texts as categories), customer (a number in place of the id), key (name of the
        action-channel) and margin_promised (expected value before cost, cents): about 70 bytes a row.
    """
    rows = numbered_customers(outcomes, _TEXTS, _NUMBERS, ["treat", "control"])
    rows["key"] = _keys(rows, set(action_channels))
    rows["margin_promised"] = rows.pop("expected_value_cents") + rows["cost_cents"]
    return rows


def _keys(rows: "pd.DataFrame", action_channels: Collection[str]) -> "pd.Categorical[str]":
    """Return the name of each row's action-channel: with its channel where the action has several."""
    import pandas as pd

    pairs = rows[["action_id", "channel"]].drop_duplicates().dropna().astype(str)
    channels = pairs["action_id"].value_counts()
    names = {
        (action, channel): f"{action}/{channel}"
        if channels[action] > 1 or f"{action}/{channel}" in action_channels
        else action
        for action, channel in pairs.itertuples(index=False)
    }
    keys = sorted(set(names.values()))
    actions, by = rows["action_id"].cat, rows["channel"].cat
    code = np.full((len(actions.categories) + 1, len(by.categories) + 1), -1, dtype=np.int16)
    for (action, channel), name in names.items():
        code[actions.categories.get_loc(action), by.categories.get_loc(channel)] = keys.index(name)
    return pd.Categorical.from_codes(code[actions.codes, by.codes], pd.Index(keys, dtype="str"))


def beside_universal(rows: "pd.DataFrame") -> "pd.DataFrame":
    """Return the treated and those held out of everything; all rows where there are no others."""
    of_action = rows["held_out"] == "action"
    return rows[~of_action] if of_action.any() else rows


def by_action(rows: "pd.DataFrame", margin: float) -> dict[str, dict[str, Any]]:
    """Return the figures of each action-channel, see `beside_held_out`, and its gain over the next best."""
    against, held_out = beside_universal(rows), rows[rows["held_out"] == "action"]
    spent = rows["cost_cents"][rows["arm"] == "treat"].groupby(rows["customer"]).sum()
    actions = {}
    for key, part in against.groupby("key", observed=True):
        actions[str(key)] = beside_held_out(part, margin)
        controls = held_out[held_out["key"] == key]
        if len(controls):
            actions[str(key)]["beside_next_best"] = _beside_next_best(part, controls, spent, margin)
    return actions


def in_all(rows: "pd.DataFrame", margin: float) -> dict[str, Any]:
    """Return the figures over all action-channels, each compared with its own controls.

    See `beside_held_out`. Action-channels with fewer than two rows in an arm can't be compared and are named
    in ``left_out``.
    """
    against = beside_universal(rows)
    treated, untreated = (
        against["key"][against["arm"] == arm].value_counts() for arm in ("treat", "control")
    )
    keys = against["key"].cat.remove_unused_categories().cat.categories
    few = {key for key in keys if min(treated.get(key, 0), untreated.get(key, 0)) < FEWEST}
    usable = against[~against["key"].isin(list(few))] if few else against
    return beside_held_out(usable, margin, by_key=True) | {"left_out": sorted(few)}


def beside_held_out(rows: "pd.DataFrame", margin: float, by_key: bool = False) -> dict[str, Any]:
    """Return predicted and observed value of treated rows, against customers held out of everything.

    Parameters
    ----------
    rows : pandas.DataFrame
        Of `compared_rows`.
    margin : float
        Share of what is paid that is earned.
    by_key : bool
        Compare within each action-channel.

    Returns
    -------
    dict
        rows, controls; promised_cents (sum of expected margins before cost); realised_cents with low and high
        (the incremental margin of all rows, with CUPED by earlier spend and the prediction), the same in
        ``unadjusted``; variance_reduction; cost_cents; net_cents with net_low and net_high (realised less
        cost) and net_cents_a_contact; smallest_cents (of all rows, the smallest increment that would have
        been found in 80 % of repetitions); note, in words, where something is missing or doubtful.
    """
    treated = (rows["arm"] == "treat").to_numpy()
    n, cost = int(treated.sum()), int(rows["cost_cents"][treated].sum())
    figures: dict[str, Any] = {
        "rows": n, "controls": int((~treated).sum()), "cost_cents": cost,
        "promised_cents": int(rows["margin_promised"][treated].sum()),
        "realised_cents": None, "low": None, "high": None, "unadjusted": None, "variance_reduction": None,
        "net_cents": None, "net_low": None, "net_high": None, "net_cents_a_contact": None,
        "smallest_cents": None,
    }  # fmt: skip
    y = margin * rows["paid_cents"].to_numpy(dtype=float)
    figures["note"] = lacking(y, treated)
    if figures["note"]:
        return figures
    known = rows[["before_cents", "margin_promised"]].to_numpy(dtype=float)
    effect = increment(y, treated, known, rows["key"].cat.codes.to_numpy() if by_key else None)
    figures |= _totals(effect.adjusted, n)
    figures["unadjusted"] = _totals(effect.plain, n)
    figures["smallest_cents"] = round(n * smallest_effect(effect.adjusted))
    names = {"net_cents": "realised_cents", "net_low": "low", "net_high": "high"}
    figures |= {name: figures[of] - cost for name, of in names.items()}
    figures["net_cents_a_contact"] = round(figures["net_cents"] / n, 2)
    figures["variance_reduction"] = round(effect.variance_reduction, 4)
    if figures["controls"] < FEW:
        figures["note"] = f"only {figures['controls']} controls: the interval is rough"
    return figures


def lacking(y: "np.ndarray[Any, np.dtype[np.float64]]", treated: "np.ndarray[Any, Any]") -> str | None:
    """Return in words why treated and untreated outcomes can't be compared; None where they can."""
    n, controls = int(treated.sum()), int((~treated).sum())
    if controls < FEWEST:
        return f"too few controls ({controls}) to tell what came of it; hold more customers out"
    if n < FEWEST:
        return f"too few rows ({n}) to tell what came of it"
    arms = {f"{controls:,} controls": ~treated, f"{n:,} treated customers": treated}
    for name, part, other in ((name, y[arm], y[~arm]) for name, arm in arms.items()):
        if np.ptp(part) == 0 and not usual(part[0], other):
            paid = "paid nothing" if part[0] == 0 else "paid the same"
            return f"all {name} {paid}: how far that is chance can't be told; wait or hold more customers out"
    return None


def _totals(interval: Interval, n: int) -> dict[str, int]:
    """Return the sum over all rows in whole cents."""
    ends = (interval.value, interval.low, interval.high)
    return {name: round(n * end) for name, end in zip(("realised_cents", "low", "high"), ends, strict=True)}


def _beside_next_best(
    part: "pd.DataFrame", controls: "pd.DataFrame", spent: "pd.Series[int]", margin: float
) -> dict[str, Any]:
    """Compare an action with what customers held out of it got instead, net of costs, cents a contact."""
    treated = part[part["arm"] == "treat"]
    otherwise = controls["customer"].map(spent).fillna(0).to_numpy(dtype=float)
    paid = [margin * arm["paid_cents"].to_numpy(dtype=float) for arm in (treated, controls)]
    y = np.concatenate([paid[0] - treated["cost_cents"].to_numpy(dtype=float), paid[1] - otherwise])
    arms = np.repeat([True, False], [len(treated), len(controls)])
    figures: dict[str, Any] = {"rows": len(treated), "kept_from_it": len(controls)}
    note = lacking(y, arms)
    if note:
        names = ("net_cents_a_contact", "low", "high", "smallest_cents_a_contact")
        return figures | dict.fromkeys(names) | {"note": note}
    columns = ["before_cents", "margin_promised"]
    known = np.concatenate([arm[columns].to_numpy(dtype=float) for arm in (treated, controls)])
    value = increment(y, arms, known).adjusted
    ends = {"net_cents_a_contact": value.value, "low": value.low, "high": value.high}
    ends["smallest_cents_a_contact"] = smallest_effect(value)
    return figures | {name: round(end, 2) for name, end in ends.items()} | {"note": None}
