"""The evaluation of a list: all figures of predicted and observed value, ready for JSON."""

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import narwhals as nw

from crm_ml.actions.catalog import Catalog
from crm_ml.errors import InputError
from crm_ml.learning.calibration_of_value import answer_calibration, answers_by_action, value_calibration
from crm_ml.learning.incremental_value import by_action, compared_rows, in_all
from crm_ml.learning.list_outcomes import Published, answered, check_reach, window_of, write_outcomes
from crm_ml.learning.off_policy_value import policy_value
from crm_ml.private_files import private_files
from crm_ml.storage.private_scratch import private_scratch
from crm_ml.tables import Tables

if TYPE_CHECKING:
    import pandas as pd

READING = (
    "promised_cents: sum over the rows of what was expected to be earned, before cost. realised_cents: what "
    "they earned more than customers held out of everything (margin x paid), adjusted by earlier spend and "
    "the promise; low and high: its 95 % interval. net_cents: realised less cost. "
    "smallest_cents: the smallest increment that would have been found in 80 % of repetitions; less than it "
    "may be there unseen. null: see note."
)


@dataclass(frozen=True, eq=False)
class Question:
    """What to evaluate of a list.

    Parameters
    ----------
    days : int
        Window from the day of the list on.
    margin : float
        Share of what is paid that is earned.
    data_ends_at : date, optional
        See `crm_ml.snapshots.check_data_reach`.
    other : Published, optional
        List of another policy for the same day and tables.
    """

    days: int
    margin: float
    data_ends_at: date | None = None
    other: Published | None = None


@private_files()
def evaluate(published: Published, tables: Tables, catalog: Catalog, asked: Question) -> dict[str, Any]:
    """Evaluate a list by what its customers did within a window.

    Parameters
    ----------
    published : Published
    tables : Tables
        Must reach to the end of the window.
    catalog : Catalog
        Defines what an answer to an action is.
    asked : Question

    Returns
    -------
    dict
        list_id, as_of, days, margin, currency, reading (what the figures mean), actions (by action-channel,
        see `crm_ml.learning.incremental_value.beside_held_out`), total, calibration (of p_response where
        there is one, else of values), value_bins, notes and, with another list, off_policy.

    Raises
    ------
    InputError
        If the tables do not reach to the end of the window or do not know the customers, or the other list
        can't be compared.
    ConfigError
        If the orders are in another currency than the actions.
    """
    catalog.check_currency(tables)
    window = window_of(published, asked.days)
    try:
        check_reach(tables, window, asked.data_ends_at)
    except InputError as error:
        raise InputError(f"{error}, or give fewer --days") from error
    frames, notes = _answers(published, tables, catalog, asked)
    with private_scratch() as scratch:
        outcomes = write_outcomes(published, tables, window, scratch, frames.values())
        rows = compared_rows(outcomes, published.manifest.get("funnel", {}).get("by_offering", {}))
        figures = _figures(rows, asked.margin, set(frames))
        if asked.other is not None:
            figures["off_policy"] = policy_value(outcomes, asked.other, asked.margin)
    twice = int(rows["customer"][rows["arm"] == "treat"].duplicated().sum())
    if twice:
        notes.append(f"{twice:,} further rows of customers who have several: their outcome counts in each")
    currency = published.manifest.get("currency") or catalog.currency
    head = {"list_id": published.list_id, "as_of": published.as_of.isoformat(), "currency": currency}
    head |= {"days": asked.days, "margin": asked.margin, "reading": READING, "notes": notes}
    return head | figures


def _answers(
    published: Published, tables: Tables, catalog: Catalog, asked: Question
) -> tuple[dict[str, "nw.LazyFrame[Any]"], list[str]]:
    """Return who answered each action that defines an answer, and in words whose answers are unknown."""
    frames: dict[str, nw.LazyFrame[Any]] = {}
    notes = []
    for action in catalog.actions:
        if action.value.answer is None:
            continue
        window = window_of(published, action.value.answer.days)
        try:
            check_reach(tables, window, asked.data_ends_at)
            answers = answered(tables, action, window)
        except InputError as error:
            answers = str(error)
        if isinstance(answers, str):
            notes.append(f"answers to {action.action_id} are not judged: {answers}")
        else:
            frames[action.action_id] = answers
    return frames, notes


def _figures(rows: "pd.DataFrame", margin: float, judged: set[str]) -> dict[str, Any]:
    actions, values = by_action(rows, margin), value_calibration(rows, margin)
    promised = rows[(rows["arm"] == "treat") & rows["p_response"].notna() & rows["action_id"].isin(judged)]
    promised = promised.assign(answered=promised["answered"].fillna(0))
    for key, answers in answers_by_action(promised).items():
        actions[key]["answers"] = answers
    calibration: dict[str, Any] = {"of": "value_cents", "rows": len(rows), "ece": None, "bins": values}
    if len(promised):
        calibration = answer_calibration(promised)
    total = in_all(rows, margin)
    return {"actions": actions, "total": total, "calibration": calibration, "value_bins": values}
