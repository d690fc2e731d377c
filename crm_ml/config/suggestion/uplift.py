"""An uplift config that fits the randomised campaigns of tables."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import narwhals as nw

from crm_ml.config.suggestion.feature_choice import few_groups, left_out
from crm_ml.config.suggestion.rhythm import rhythm_of
from crm_ml.config.suggestion.suggestion import SEED, Suggestion, day_stated, purpose_of, registered
from crm_ml.errors import InputError
from crm_ml.tables.bundle import Tables, to_pandas
from crm_ml.tables.zones import on_clock_of
from crm_ml.uplift.trial_rows import CampaignTrial, trials

STATED = ("as_of", "ends_at", "horizon_days", "outcome", "kind", "control", "purpose", "name")
_HORIZON, _HALVES, _TESTED = 14, 5, 1 / 3
_CONTROLS = ("control", "holdout", "hold_out", "none", "no_treatment")


def suggest(tables: Tables, stated: Mapping[str, Any]) -> Suggestion:
    """Suggest an uplift run; see `crm_ml.config.suggested`."""
    if not tables.has("assignments"):
        raise InputError(
            "no uplift can be learned: the tables have no assignments, whom chance drew into which arm; run "
            "a list with a hold-out group (hold_out in configs/score/), or map the assignments of a past test"
        )
    rhythm = rhythm_of(tables, day_stated(stated, "as_of"), day_stated(stated, "ends_at"))
    horizon = int(stated.get("horizon_days", _HORIZON))
    known = trials(tables, timedelta(days=horizon))
    end = on_clock_of("UTC", rhythm.as_of)
    over = [trial for trial in known if trial.label_ends_at <= end]
    if not over:
        raise InputError(
            f"no uplift can be learned: none of {len(known)} trials had ended by {rhythm.as_of} with a "
            f"window of {horizon} days; wait, or state a shorter horizon_days"
        )
    arms, control = _arms(tables, stated)
    outcome = _outcome(stated)
    purpose, why = purpose_of(tables, stated)
    groups = few_groups(tables)
    dropped, and_why = left_out(tables, groups)
    split, tested = _split(over, len(known))
    content = {
        "family": "uplift",
        "target": {**outcome, "horizon_days": horizon, "control": control, **purpose},
        "split": split,
        "features": groups,
        "leave_out": dropped,
        "model": {"name": "x_learner"},
        "others": [{"name": "t_learner", "options": {"outcome_options": {"choose_thresholds": False}}}],
        "seed": SEED,
        "register_as": registered("uplift", stated, rhythm.as_of),
    }
    reasons = (
        f"outcome {outcome['outcome']} within {horizon} days after the draw, arm {control} against "
        f"{', '.join(arms)}",
        tested,
        "no worth: add worth with outcome_cents and cost_cents of each arm, and rules are valued in money",
    )
    return Suggestion(content, (*reasons, *why, *and_why))


def _split(over: Sequence[CampaignTrial], known: int) -> tuple[dict[str, Any], str]:
    """Return the newest third of the trials as the test, or halves of a single one."""
    if known == 1:
        return {"halves": _HALVES}, f"{_HALVES} splits into halves: one trial has no later one to test on"
    count = max(1, round(len(over) * _TESTED))
    tests = [trial for trial in over[-count:] if over[0].label_ends_at <= trial.as_of]
    if not tests:
        raise InputError(
            f"no uplift can be tested: of {known} trials {len(over)} had ended, and none began after another "
            "had; wait for the next one"
        )
    split = {"test_from": tests[0].as_of.date(), "test_until": tests[-1].as_of.date()}
    text = f"test: the {len(tests)} newest of {len(over)} trials, each predicted by a model of earlier ones"
    return split, text


def _arms(tables: Tables, stated: Mapping[str, Any]) -> tuple[list[str], str]:
    """Return the treated arms and the control.

    Raises
    ------
    InputError
        If no arm is named like a control and none is stated.
    """
    names = sorted(to_pandas(tables.frame("assignments").select(nw.col("arm")).unique())["arm"].astype(str))
    control = stated.get("control") or next((name for name in _CONTROLS if name in names), None)
    if control not in names:
        raise InputError(
            f"assignments: state control=, the arm without treatment; there are {', '.join(names)}"
        )
    return [name for name in names if name != control], str(control)


def _outcome(stated: Mapping[str, Any]) -> dict[str, str]:
    kind = {"kind": str(stated["kind"])} if stated.get("kind") else {}
    if stated.get("outcome"):
        return {"outcome": str(stated["outcome"]), **kind}
    return {"outcome": "response", **kind} if kind else {"outcome": "order"}
