"""How likely members reach the next tier before the period ends, by a model or by members like them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from crm_ml.errors import InputError
from crm_ml.evaluation.predictions import Predictions
from crm_ml.evaluation.significance import Interval, evaluate
from crm_ml.features import assembly
from crm_ml.membership.standing import brought_between, standing
from crm_ml.membership.tier_rules import TierRules
from crm_ml.models.logistic import Logistic
from crm_ml.snapshots import Snapshot, as_utc
from crm_ml.tables.bundle import Tables

if TYPE_CHECKING:
    import pandas as pd

Floats = npt.NDArray[np.float64]
Predict = Callable[["pd.DataFrame"], Floats]
_GROUPS = ("rfm", "cadence")
_PACES = (0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 4.0, np.inf)  # what is missing, in paces of the last year
_FASTEST = 1e6
_FEWEST = 200


@dataclass(frozen=True, eq=False)
class NextTier:
    """Probabilities of members, and what they were judged by.

    Parameters
    ----------
    frame : pandas.DataFrame
        Indexed by customer_id, of members below the highest tier: ``member_p_next``.
    by_model : bool
        Whether they are those of the model; else of the table of past members at the same pace.
    log_loss : dict of str to Interval
        Of ``model``, ``table`` and their ``difference`` (model less table) in the last finished period.
    judged : int
        Members who judged.
    """

    frame: "pd.DataFrame"
    by_model: bool
    log_loss: dict[str, Interval]
    judged: int

    def __str__(self) -> str:
        used = "the model" if self.by_model else "the table of past members at the same pace"
        return f"P(next tier) is that of {used}: log-loss of model less table {self.log_loss['difference']}"


def next_tier(tables: Tables, rules: TierRules, as_of: date, seed: int = 0) -> NextTier:
    """Return the probability of each member to reach the next tier before the period of a day ends.

    Trained on two earlier periods at the same distance from their end, judged once on the last one that has
    ended. The model is used if its log-loss is below that of the table with all of the interval of the
    paired difference; else the table is.

    Parameters
    ----------
    tables : Tables
    rules : TierRules
    as_of : date
    seed : int
        Of the intervals.

    Raises
    ------
    InputError
        If an earlier period has too few members who could have reached a tier, or too few who did.
    """
    past = _earlier(rules, as_of, 3)
    rows = {day: _rows(tables, rules, day) for day in [*past, as_of]}
    outcomes = {day: _reached(tables, rules, day, rows[day]) for day in past}
    _check(outcomes)
    judge, train = past[0], past[1:]
    fitted = _fit([rows[day] for day in train], [outcomes[day] for day in train])
    p = {name: predict(rows[judge]) for name, predict in fitted.items()}
    log_loss = _judged(rows[judge].index, outcomes[judge], p, seed)
    by_model = log_loss["difference"].high < 0
    final = _fit([rows[day] for day in past], [outcomes[day] for day in past])
    chosen = final["model" if by_model else "table"](rows[as_of])
    frame = rows[as_of][[]].assign(member_p_next=chosen)
    return NextTier(frame, by_model, log_loss, len(outcomes[judge]))


def _earlier(rules: TierRules, as_of: date, count: int) -> list[date]:
    """Return days of earlier periods that lie as far before the end of theirs, the newest first."""
    left, days, end = rules.period.end_of(as_of) - as_of, [], rules.period.start_of(as_of)
    for _ in range(count):
        start = rules.period.start_of(end - timedelta(days=1))
        days.append(max(end - left, start))
        end = start
    return days


def _rows(tables: Tables, rules: TierRules, day: date) -> "pd.DataFrame":
    """Return features of members below the highest tier: what is missing, the days left, and their past."""
    members = standing(tables, rules, day)
    features = assembly.matrix(tables, Snapshot(as_utc(day), timedelta(days=1)), _GROUPS)
    members = members[members["member_next_tier"].notna() & members.index.isin(features.index)]
    rows = features.loc[members.index].copy()
    missing = members["member_missing"].astype(float)
    year = rows["rfm_paid_cents_365d" if rules.measure == "paid_cents" else "rfm_orders_365d"]
    pace: pd.Series[float] = missing / np.maximum(year * members["member_days_left"] / 365, 1e-9)
    return rows.assign(member_missing=missing, member_pace=pace.clip(upper=_FASTEST))


def _reached(tables: Tables, rules: TierRules, day: date, rows: "pd.DataFrame") -> Floats:
    """Return of which rows the rest of the period brought what was missing, shape (n,)."""
    gained = brought_between(tables, rules, [day, rules.period.end_of(day)])[0].reindex(rows.index).fillna(0)
    return np.asarray(gained >= rows["member_missing"], dtype=np.float64)


def _check(outcomes: Mapping[date, Floats]) -> None:
    few = [f"{day}: {int(y.sum()):,} of {len(y):,}" for day, y in outcomes.items() if y.sum() < _FEWEST]
    if few:
        raise InputError(
            f"next tier: fewer than {_FEWEST} members reached one by the end of the period of "
            f"{'; '.join(few)}; take more "
            "customers, lower tiers, or days of which three earlier periods are known"
        )


def _fit(rows: "Sequence[pd.DataFrame]", outcomes: Sequence[Floats]) -> dict[str, Predict]:
    """Return the fitted model and the fitted table, each as a function of rows."""
    import pandas as pd

    X, y = pd.concat(rows), np.concatenate(outcomes)
    model = Logistic(strength=1.0).fit(X, y)
    cell = np.searchsorted(_PACES, X["member_pace"].to_numpy(), side="right")
    count, happened = np.bincount(cell, minlength=len(_PACES) + 1), np.bincount(cell, y, len(_PACES) + 1)
    share = (happened + y.mean()) / (count + 1)

    def of_table(frame: "pd.DataFrame") -> Floats:
        return np.asarray(share[np.searchsorted(_PACES, frame["member_pace"].to_numpy(), side="right")])

    return {"model": lambda frame: model.predict_proba(frame)[:, 1], "table": of_table}


def _judged(ids: "pd.Index", y: Floats, p: Mapping[str, Floats], seed: int) -> dict[str, Interval]:
    rows = Predictions(ids.to_numpy(), np.zeros(len(y), dtype=int), y, p)
    judged = evaluate(rows, np.random.default_rng(seed), ("log_loss",))
    return {name: judged.interval(name, "log_loss") for name in p} | {
        "difference": judged.difference("model", "table", "log_loss")
    }
