"""A lifetime-value config that fits tables."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from crm_ml.config.suggestion.rhythm import WEEK, Rhythm, floor_weeks, rhythm_of
from crm_ml.config.suggestion.suggestion import SEED, Suggestion, day_stated, purpose_of, registered
from crm_ml.errors import InputError
from crm_ml.tables.bundle import Tables

STATED = ("as_of", "ends_at", "horizon_days", "months", "margin", "annual_discount_rate", "purpose", "name")
LEAST_REPEATING = 30
_LONGEST, _WINDOWS, _CHALLENGED, _LEAST_HISTORY = 182, 3, 1_000, 28
_MANY, _FEWER = 200_000, 20


@dataclass(frozen=True)
class _Days:
    horizon_days: int
    every_days: int
    test: date
    validation: tuple[date, ...]


def suggest(tables: Tables, stated: Mapping[str, Any]) -> Suggestion:
    """Suggest a lifetime-value run; see `crm_ml.config.suggested`."""
    rhythm = rhythm_of(
        tables, day_stated(stated, "as_of"), day_stated(stated, "ends_at"), int(stated.get("horizon_days", 0))
    )
    if rhythm.repeating < LEAST_REPEATING:
        raise InputError(
            f"too little to learn a rate of purchases from: {rhythm.repeating:,} customers ordered on two "
            f"days before {rhythm.measured_until}, {LEAST_REPEATING} are needed; {rhythm}; add older orders"
        )
    days = _days(rhythm, stated)
    purpose, why = purpose_of(tables, stated)
    challenger = _challenger(rhythm, days)
    worth = {key: stated[key] for key in ("months", "annual_discount_rate", "margin") if key in stated}
    many = rhythm.customers > _MANY
    content = {
        "family": "clv",
        "time_unit": "D",
        "target": {"horizon_days": days.horizon_days, **purpose},
        "split": {"test": days.test, "validation": list(days.validation)},
        "candidates": [
            {"purchases": name} for name in ("beta_geo", "modified_beta_geo", "pareto_nbd", "mbg_cnbd_k")
        ],
        **({"challenger": challenger} if challenger else {}),
        "worth": {"months": 12, "annual_discount_rate": 0.1, "margin": 1.0, **worth},
        **({"interval_replicates": _FEWER} if many else {}),
        "seed": SEED,
        "register_as": registered("clv", stated, rhythm.as_of),
    }
    return Suggestion(content, (*_reasons(rhythm, days, stated, bool(challenger)), *why))


def _days(rhythm: Rhythm, stated: Mapping[str, Any]) -> _Days:
    """Return a test window of a quarter of the reach, and validation windows that end where it begins."""
    usual = min(_LONGEST, floor_weeks(rhythm.reach_days / 4))
    horizon = int(stated.get("horizon_days", usual))
    every = min(4 * WEEK, floor_weeks(rhythm.reach_days / 12))
    test = rhythm.as_of - timedelta(days=horizon)
    newest = test - timedelta(days=horizon)
    days = [newest - timedelta(days=every * back) for back in reversed(range(_WINDOWS))]
    known = [day for day in days if (day - rhythm.first).days >= _LEAST_HISTORY]
    if not known:
        raise InputError(
            f"horizon_days {horizon}: before the test on {test} no window of that length has "
            f"{_LEAST_HISTORY} days of orders before it; {rhythm}; state a shorter horizon_days or add older "
            "orders"
        )
    return _Days(horizon, every, test, tuple(known))


def _challenger(rhythm: Rhythm, days: _Days) -> dict[str, int]:
    """Return the windows of boosted trees, where customers and reach are enough to learn from."""
    before = (days.validation[0] - rhythm.first).days - 2 * days.every_days
    if rhythm.customers < _CHALLENGED or before < _LEAST_HISTORY:
        return {}
    return {"windows": 2, "every_days": days.every_days}


def _reasons(rhythm: Rhythm, days: _Days, stated: Mapping[str, Any], challenged: bool) -> tuple[str, ...]:
    horizon, windows = days.horizon_days, len(days.validation)
    unlike = "" if challenged else (
        f"no boosted trees as a rival: they need {_CHALLENGED:,} customers and orders before their windows"
    )  # fmt: skip
    return tuple(filter(None, (
        f"measured before {rhythm.measured_until}: {rhythm}",
        "" if "horizon_days" in stated else (
            f"horizon {horizon} days: a quarter of the reach tests, and at most {_LONGEST} days"
        ),
        f"test {days.test}: its window ends with the data, {rhythm.as_of}",
        f"{windows} validation {'window' if windows == 1 else 'windows'}, {days.every_days} days apart: they "
        "choose the model and end before the test begins",
        f"time unit day: half of the repeat orders come within {rhythm.within(0.5)} days",
        unlike,
        "" if {"margin", "months"} <= set(stated) else (
            "worth: 12 months at a margin of 1 are assumed; write what you earn of a sale, such as 0.3"
        ),
    )))  # fmt: skip
