"""A churn config that fits tables."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from crm_ml.churn.target import labels
from crm_ml.config.suggestion.feature_choice import left_out
from crm_ml.config.suggestion.rhythm import Rhythm, rhythm_of, whole_weeks
from crm_ml.config.suggestion.snapshot_plan import SnapshotPlan, plan_snapshots
from crm_ml.config.suggestion.suggestion import SEED, Suggestion, day_stated, purpose_of, registered
from crm_ml.models.relationship_ends import Renewal, end_of
from crm_ml.snapshots import Snapshot
from crm_ml.tables.bundle import Tables

LINE = {"name": "logistic", "options": {"strength": 0.03}}
STATED = (
    "as_of", "ends_at", "horizon_days", "active_within_days", "gap_days", "purpose", "name", "silence",
    "renewal", "training_snapshots", "every_days",
)  # fmt: skip
_AGEING = ("tenure_days", "gap_max_days")


def suggest(tables: Tables, stated: Mapping[str, Any]) -> Suggestion:
    """Suggest a churn run; see `crm_ml.config.suggested`."""
    ends_at = day_stated(stated, "ends_at")
    gap_days = int(stated.get("gap_days", 0))
    label_days = int(stated.get("horizon_days", 0)) + gap_days
    declared = {key: stated[key] for key in ("silence", "renewal") if stated.get(key)}
    end = end_of(declared)
    rhythm = rhythm_of(tables, day_stated(stated, "as_of"), ends_at, label_days, end)
    if isinstance(end, Renewal):  # a term that ends now may have begun as long ago as the longest lasts
        stated = {"active_within_days": whole_weeks(end.longest_days(tables)), **stated}

    def counts(day: date, horizon: int, active: int) -> tuple[int, int]:
        snapshot = Snapshot(day, timedelta(days=horizon), timedelta(days=gap_days))  # type: ignore[arg-type]
        churned = labels(tables, snapshot, timedelta(days=active), end=end, data_ends_at=ends_at, minimum=0)
        return int(churned.sum()), int((1 - churned).sum())

    plan = plan_snapshots(rhythm, stated, counts, "stayed away")
    purpose, why = purpose_of(tables, stated)
    target = {**windows_of(plan), **declared, **purpose}
    dropped, and_why = left_out(tables, known_days=plan.known_days(rhythm))
    content = {
        "family": "churn",
        "target": target,
        **probability_content("churn", plan, rhythm, stated),
        "leave_out": [*dropped, *(f"{group}_{name}" for group in end.groups for name in _AGEING)],
        "baselines": [*({"name": name} for name in end.rules), LINE],
    }
    return Suggestion(content, (*plan.reasons(rhythm, stated), *why, *and_why))


def windows_of(plan: SnapshotPlan) -> dict[str, int]:
    """Return the days of a snapshot target."""
    gap = {"gap_days": plan.gap_days} if plan.gap_days else {}
    horizon, active = plan.windows.horizon_days, plan.windows.active_within_days
    return {"horizon_days": horizon, **gap, "active_within_days": active}


def probability_content(
    family: str, plan: SnapshotPlan, rhythm: Rhythm, stated: Mapping[str, Any]
) -> dict[str, Any]:
    """Return what churn and purchases in a category share: split, model, calibration and name."""
    calibration = {"calibration": plan.calibration} if plan.calibration else {}
    return {
        "split": plan.split,
        "model": {"name": "blend"},
        **calibration,
        "seed": SEED,
        "register_as": registered(family, stated, rhythm.as_of),
    }
