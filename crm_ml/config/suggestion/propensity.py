"""A propensity config that fits tables: answers to campaigns, or purchases in categories."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import narwhals as nw

from crm_ml.config.suggestion.churn import LINE, probability_content, windows_of
from crm_ml.config.suggestion.feature_choice import few_groups, left_out
from crm_ml.config.suggestion.rhythm import Rhythm, rhythm_of
from crm_ml.config.suggestion.snapshot_plan import LEAST_OF_A_CLASS, plan_snapshots
from crm_ml.config.suggestion.suggestion import SEED, Suggestion, day_stated, purpose_of, registered
from crm_ml.errors import InputError
from crm_ml.features.event_rows import kinds_of
from crm_ml.models.relationship_ends import Silence
from crm_ml.propensity.campaign_responses import answers, sent_campaigns
from crm_ml.propensity.event_occasions import event_occasions, events_in
from crm_ml.propensity.occasion import Occasion
from crm_ml.propensity.purchases import category_occasions, purchases_in
from crm_ml.snapshots import Snapshot
from crm_ml.tables.bundle import Tables, to_pandas
from crm_ml.tables.zones import on_clock_of

STATED = (
    "as_of", "ends_at", "horizon_days", "active_within_days", "gap_days", "purpose", "name", "of",
    "categories", "kinds", "training_snapshots", "every_days",
)  # fmt: skip
_CATEGORIES, _TESTED = 4, 1 / 3
_TOUCHED = ("campaigns", "touches", "responses")


def suggest(tables: Tables, stated: Mapping[str, Any]) -> Suggestion:
    """Suggest a propensity run; see `crm_ml.config.suggested`.

    Events where their ``kinds`` are stated. Answers where campaigns, touches and responses are known and
    neither ``categories`` nor ``of="purchases"`` is stated; else purchases in the categories that most
    customers buy.
    """
    answered = all(tables.has(name) for name in _TOUCHED)
    usual = "answers" if answered and not stated.get("categories") else "purchases"
    of = stated.get("of") or ("events" if stated.get("kinds") else usual)
    if of == "events":
        return _events(tables, stated)
    if of == "answers" and not answered:
        missing = ", ".join(name for name in _TOUCHED if not tables.has(name))
        raise InputError(f"answers to campaigns need the tables {', '.join(_TOUCHED)}; missing: {missing}")
    label_days = int(stated.get("horizon_days", 0)) + int(stated.get("gap_days", 0))
    rhythm = rhythm_of(tables, day_stated(stated, "as_of"), day_stated(stated, "ends_at"), label_days)
    return (_answers if of == "answers" else _purchases)(tables, rhythm, stated)


def _answers(tables: Tables, rhythm: Rhythm, stated: Mapping[str, Any]) -> Suggestion:
    end = on_clock_of("UTC", rhythm.as_of)
    over = [sent for sent in sent_campaigns(tables) if sent.label_ends_at <= end]
    tests = _newest(over)
    counts = [_classes(tables, campaign) for campaign in tests]
    ones, zeros = (sum(values) for values in zip(*counts, strict=True)) if counts else (0, 0)
    if not tests or min(ones, zeros) < LEAST_OF_A_CLASS:
        raise InputError(
            f"too little to learn answers from: {len(over)} campaigns had ended by {rhythm.as_of}, and those "
            f"that would test have {ones:,} answers and {zeros:,} without; one campaign before the tests and "
            f"{LEAST_OF_A_CLASS} of each are needed; wait for more campaigns, or state of=purchases"
        )
    purpose, why = purpose_of(tables, stated)
    groups = {"campaign": {}, **few_groups(tables)}
    dropped, and_why = left_out(tables, groups)
    first, last = tests[0].as_of.date(), tests[-1].as_of.date()
    content = {
        "family": "propensity",
        "target": {"of": "answers", **purpose},
        "split": {"test_from": first, "test_until": last},
        "features": groups,
        "leave_out": dropped,
        "model": {"name": "blend"},
        "baselines": [{"name": "shrunk_rate"}, {"name": "recency_rule"},
LINE],
        "seed": SEED,
        "register_as": registered("propensity", stated, rhythm.as_of),
    }  # fmt: skip
    reason = (
        f"test: the {len(tests)} newest of {len(over)} campaigns that had ended by {rhythm.as_of}, with "
        f"{ones:,} answers; each is predicted by a model of campaigns that had ended before it"
    )
    return Suggestion(content, (reason, *why, *and_why))


def _newest(over: Sequence[Occasion]) -> list[Occasion]:
    """Return the newest third of the campaigns, without those before which none had ended."""
    count = max(1, round(len(over) * _TESTED))
    return [sent for sent in over[-count:] if any(earlier.label_ends_at <= sent.as_of for earlier in over)]


def _classes(tables: Tables, campaign: Occasion) -> tuple[int, int]:
    answered = answers(tables, campaign)
    return int(answered.sum()), int((1 - answered).sum())


def _purchases(tables: Tables, rhythm: Rhythm, stated: Mapping[str, Any]) -> Suggestion:
    categories = stated.get("categories") or _largest_categories(tables, rhythm.measured_until)
    ends_at, gap_days = day_stated(stated, "ends_at"), int(stated.get("gap_days", 0))

    def counts(day: date, horizon: int, active: int) -> tuple[int, int]:
        snapshot = Snapshot(day, timedelta(days=horizon), timedelta(days=gap_days))  # type: ignore[arg-type]
        each = [
            purchases_in(tables, occasion, timedelta(days=active), ends_at)
            for occasion in category_occasions(snapshot, categories)
        ]
        ones = sum(int(bought.sum()) for bought in each)
        return ones, sum(map(len, each)) - ones

    plan = plan_snapshots(rhythm, stated, counts, "bought in a category")
    purpose, why = purpose_of(tables, stated)
    shared = probability_content("propensity", plan, rhythm, stated)
    overlap = {"name": "one_feature_rule", "options": {"column": "overlap_days_since"}}
    groups = few_groups(tables)
    dropped, and_why = left_out(tables, groups, plan.known_days(rhythm))
    calibration = dict(shared.get("calibration", {}))
    if calibration:
        calibration["snapshots"] *= len(categories)
    content = {
        "family": "propensity",
        "target": {"of": "purchases", "categories": [*categories], **windows_of(plan), **purpose},
        **shared,
        "features": groups,
        "leave_out": dropped,
        "baselines": [overlap, {"name": "recency_rule"}, LINE],
        **({"calibration": calibration} if calibration else {}),
    }
    chosen = () if stated.get("categories") else (
        f"categories {', '.join(categories)}: those of most customers before {rhythm.measured_until}",
    )  # fmt: skip
    return Suggestion(content, (*chosen, *plan.reasons(rhythm, stated), *why, *and_why))


def _events(tables: Tables, stated: Mapping[str, Any]) -> Suggestion:
    if not stated.get("kinds"):
        raise InputError("state kinds=, the kinds of event that are predicted")
    kinds, gap_days = kinds_of(stated["kinds"]), int(stated.get("gap_days", 0))
    ends_at, as_of = day_stated(stated, "ends_at"), day_stated(stated, "as_of")
    label_days = int(stated.get("horizon_days", 0)) + gap_days
    rhythm = rhythm_of(tables, as_of, ends_at, label_days, Silence(kinds=tuple(kinds)))

    def counts(day: date, horizon: int, active: int) -> tuple[int, int]:
        snapshot = Snapshot(day, timedelta(days=horizon), timedelta(days=gap_days))  # type: ignore[arg-type]
        each = [
            events_in(tables, occasion, timedelta(days=active), ends_at)
            for occasion in event_occasions(snapshot, kinds)
        ]
        ones = sum(int(happened.sum()) for happened in each)
        return ones, sum(map(len, each)) - ones

    plan = plan_snapshots(rhythm, stated, counts, "made such an event")
    purpose, why = purpose_of(tables, stated)
    shared = probability_content("propensity", plan, rhythm, stated)
    groups = few_groups(tables)
    dropped, and_why = left_out(tables, groups, plan.known_days(rhythm))
    calibration = dict(shared.get("calibration", {}))
    if calibration:
        calibration["snapshots"] *= len(kinds)
    content = {
        "family": "propensity",
        "target": {"of": "events", "kinds": kinds, **windows_of(plan), **purpose},
        **shared,
        "features": groups,
        "leave_out": [*dropped, "event_rhythm_tenure_days", "event_rhythm_gap_max_days"],
        "baselines": [{"name": "event_recency_rule"}, {"name": "event_cadence_rule"}, LINE],
        **({"calibration": calibration} if calibration else {}),
    }
    return Suggestion(content, (*plan.reasons(rhythm, stated), *why, *and_why))


def _largest_categories(tables: Tables, before: date) -> list[str]:
    """Return the categories that most customers bought before a day.

    Raises
    ------
    InputError
        If the items have no category.
    """
    lines = Snapshot(before, timedelta(days=1)).past(tables.frame("order_lines"), at="ordered_at")  # type: ignore[arg-type]
    named = None
    if tables.has("items"):
        items = tables.frame("items").select("item_id", "category").filter(~nw.col("category").is_null())
        pairs = lines.select("customer_id", "item_id").join(items, on="item_id", how="inner")
        customers = pairs.select("customer_id", "category").unique().group_by("category").agg(count=nw.len())
        named = to_pandas(customers).sort_values(["count", "category"], ascending=[False, True])
    if named is None or not len(named):
        raise InputError(
            "no propensity can be learned: there are neither campaigns with touches and responses, nor items "
            "with a category; map one of them"
        )
    return [str(name) for name in named["category"].head(_CATEGORIES)]
