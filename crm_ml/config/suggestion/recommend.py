"""A recommendation config that fits tables."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import narwhals as nw

from crm_ml.config.suggestion.rhythm import floor_weeks, rhythm_of, whole_weeks
from crm_ml.config.suggestion.suggestion import SEED, Suggestion, day_stated, purpose_of, registered
from crm_ml.errors import InputError
from crm_ml.snapshots import Snapshot
from crm_ml.tables.bundle import Tables, to_pandas

STATED = ("as_of", "ends_at", "horizon_days", "level", "k", "purpose", "name")
_MONTH, _LONGEST, _WINDOWS, _LEAST_ITEMS, _MOST_ITEMS = 28, 91, 4, 20, 20_000
_EVENTS = (30, 20, 10, 5)


def suggest(tables: Tables, stated: Mapping[str, Any]) -> Suggestion:
    """Suggest a recommendation run; see `crm_ml.config.suggested`."""
    rhythm = rhythm_of(
        tables, day_stated(stated, "as_of"), day_stated(stated, "ends_at"), int(stated.get("horizon_days", 0))
    )
    widest = min(_LONGEST, floor_weeks(rhythm.reach_days / 8))
    usual = min(whole_weeks(rhythm.within(0.5), at_least=_MONTH), widest) if rhythm.repeats else widest
    horizon = int(stated.get("horizon_days", usual))
    test = rhythm.as_of - timedelta(days=horizon)
    windows = min(_WINDOWS, (test - rhythm.first).days // horizon - 2)
    if windows < 2:
        raise InputError(
            f"horizon_days {horizon}: two windows that train and one that tests, with orders before them, "
            f"need {5 * horizon} days; {rhythm}; state a shorter horizon_days or add older orders"
        )
    level, least, items = _level(tables, test - timedelta(days=windows * horizon), stated)
    purpose, why = purpose_of(tables, stated)
    content = {
        "family": "recommend",
        "target": {
            "horizon_days": horizon, "least_events": least, "k": int(stated.get("k", min(10, items // 2))),
            "level": level, **purpose,
        },
        "test": [test],
        "model": {"name": "two_heads", "options": {"windows": windows}},
        "baselines": [{"name": "popularity"}, {"name": "personal_frequency"}, {"name": "item_knn"}],
        "seed": SEED,
        "register_as": registered("recommend", stated, rhythm.as_of),
    }  # fmt: skip
    half = f"; half of the repeat orders come within {rhythm.within(0.5)}" if rhythm.repeats else ""
    weeks = f"horizon {horizon} days: whole weeks that the reach allows{half}"
    reasons = (
        f"measured before {rhythm.measured_until}: {rhythm}",
        *(() if "horizon_days" in stated else (weeks,)),
        f"test {test}: its window ends with the data, {rhythm.as_of}; {windows} windows before it train",
        f"level {level}: {items:,} of them were bought {least} times or more before any window that trains",
    )
    return Suggestion(content, (*reasons, *why))


def _level(tables: Tables, before: date, stated: Mapping[str, Any]) -> tuple[str, int, int]:
    """Return the level, the fewest events and the number of items that have as many before a day.

    Raises
    ------
    InputError
        If no level has twenty items bought five times.
    """
    levels = [str(stated["level"])] if "level" in stated else ["item_id", "category"]
    tried = []
    for level in levels:
        events = _events(tables, before, level)
        for least in _EVENTS:
            items = sum(count >= least for count in events)
            if items >= _LEAST_ITEMS and (items <= _MOST_ITEMS or least == _EVENTS[0]):
                return level, least, items
        tried.append(f"{sum(count >= _EVENTS[-1] for count in events):,} of level {level}")
    raise InputError(
        f"too little to recommend from: bought {_EVENTS[-1]} times or more before {before} were "
        f"{', '.join(tried)}, and {_LEAST_ITEMS} are needed; map a category of items, or add older orders"
    )


def _events(tables: Tables, before: date, level: str) -> list[int]:
    """Return how often each item, or category, was bought before a day."""
    lines = Snapshot(before, timedelta(days=1)).past(tables.frame("order_lines"), at="ordered_at")  # type: ignore[arg-type]
    bought = lines.select("customer_id", "item_id", "ordered_at_epoch_s").unique()
    if level != "item_id":
        if not tables.has("items"):
            return []
        items = tables.frame("items").select("item_id", level).filter(~nw.col(level).is_null())
        bought = bought.join(items, on="item_id", how="inner")
    counted = to_pandas(bought.group_by(level).agg(count=nw.len()))
    return [int(count) for count in counted["count"]]
