"""A propensity config that fits tables: answers to campaigns, or purchases in categories."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

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

if TYPE_CHECKING:
    import pandas as pd

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
    as_of, ends_at = day_stated(stated, "as_of"), day_stated(stated, "ends_at")
    rhythm = rhythm_of(tables, as_of, ends_at, _label_days(stated))
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


@dataclass(frozen=True)
class _Outcomes:
    """What happens to customers in several kinds, one label each.

    Parameters
    ----------
    target : dict
        What the section ``target`` has beside days and purpose.
    count : int
        Kinds.
    labels : callable
        A snapshot and the time within which a customer is active to the labels of each kind.
    what : str
        What a customer of the rarer class did, in words.
    baselines : list of dict
    left_out : tuple of str
        Features that say nothing of these outcomes.
    """

    target: dict[str, Any]
    count: int
    labels: "Callable[[Snapshot, timedelta], list[pd.Series]]"
    what: str
    baselines: list[dict[str, Any]]
    left_out: tuple[str, ...] = ()


def _purchases(tables: Tables, rhythm: Rhythm, stated: Mapping[str, Any]) -> Suggestion:
    categories = stated.get("categories") or _largest_categories(tables, rhythm.measured_until)
    ends_at = day_stated(stated, "ends_at")
    outcomes = _Outcomes(
        target={"of": "purchases", "categories": [*categories]},
        count=len(categories),
        labels=lambda snapshot, active: [
            purchases_in(tables, occasion, active, ends_at)
            for occasion in category_occasions(snapshot, categories)
        ],
        what="bought in a category",
        baselines=[
            {"name": "one_feature_rule", "options": {"column": "overlap_days_since"}},
            {"name": "recency_rule"},
        ],
    )
    chosen = () if stated.get("categories") else (
        f"categories {', '.join(categories)}: those of most customers before {rhythm.measured_until}",
    )  # fmt: skip
    return _suggestion(tables, rhythm, stated, outcomes, chosen)


def _events(tables: Tables, stated: Mapping[str, Any]) -> Suggestion:
    if not stated.get("kinds"):
        raise InputError("state kinds=, the kinds of event that are predicted")
    kinds = kinds_of(stated["kinds"])
    ends_at, as_of = day_stated(stated, "ends_at"), day_stated(stated, "as_of")
    rhythm = rhythm_of(tables, as_of, ends_at, _label_days(stated), Silence(kinds=tuple(kinds)))
    outcomes = _Outcomes(
        target={"of": "events", "kinds": kinds},
        count=len(kinds),
        labels=lambda snapshot, active: [
            events_in(tables, occasion, active, ends_at) for occasion in event_occasions(snapshot, kinds)
        ],
        what="made such an event",
        baselines=[{"name": "event_recency_rule"}, {"name": "event_cadence_rule"}],
        left_out=("event_rhythm_tenure_days", "event_rhythm_gap_max_days"),
    )
    return _suggestion(tables, rhythm, stated, outcomes)


def _suggestion(
    tables: Tables,
    rhythm: Rhythm,
    stated: Mapping[str, Any],
    outcomes: _Outcomes,
    reasons: tuple[str, ...] = (),
) -> Suggestion:
    """Return the run that predicts outcomes, after a plan of snapshots that have enough of them."""
    plan = plan_snapshots(rhythm, stated, partial(_counts, outcomes, stated), outcomes.what)
    purpose, why = purpose_of(tables, stated)
    shared = probability_content("propensity", plan, rhythm, stated)
    groups = few_groups(tables)
    dropped, and_why = left_out(tables, groups, plan.known_days(rhythm))
    calibration = dict(shared.get("calibration", {}))
    if calibration:
        calibration["snapshots"] *= outcomes.count
    content = {
        "family": "propensity",
        "target": {**outcomes.target, **windows_of(plan), **purpose},
        **shared,
        "features": groups,
        "leave_out": [*dropped, *outcomes.left_out],
        "baselines": [*outcomes.baselines, LINE],
        **({"calibration": calibration} if calibration else {}),
    }
    return Suggestion(content, (*reasons, *plan.reasons(rhythm, stated), *why, *and_why))


def _counts(
    outcomes: _Outcomes, stated: Mapping[str, Any], day: date, horizon: int, active: int
) -> tuple[int, int]:
    """Return how many labels of a day are 1 and 0, with windows of so many days."""
    gap = timedelta(days=int(stated.get("gap_days", 0)))
    snapshot = Snapshot(day, timedelta(days=horizon), gap)  # type: ignore[arg-type]
    each = outcomes.labels(snapshot, timedelta(days=active))
    ones = sum(int(labels.sum()) for labels in each)
    return ones, sum(map(len, each)) - ones


def _label_days(stated: Mapping[str, Any]) -> int:
    return int(stated.get("horizon_days", 0)) + int(stated.get("gap_days", 0))


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
