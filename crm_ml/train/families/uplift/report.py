"""What an uplift experiment reports: the draw, effects, learners beside both controls, verdicts, rules."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from crm_ml import plots
from crm_ml.config import UpliftRun
from crm_ml.config.uplift import HalvesSplit
from crm_ml.evaluation import randomisation_checks
from crm_ml.evaluation.detectable_effect import smallest_effect
from crm_ml.evaluation.significance import Evaluation, Interval, evaluate
from crm_ml.evaluation.uplift_curves import uplift_by_decile
from crm_ml.evaluation.uplift_predictions import RANDOM, RESPONSE, UpliftPredictions
from crm_ml.evaluation.uplift_verdict import UpliftVerdict, verdict
from crm_ml.train.families.uplift.fitting import MODEL, FoldPredictions
from crm_ml.train.families.uplift.policy_values import policies
from crm_ml.train.record.outcome import Gate, named
from crm_ml.uplift.trial_draw import TrialDraw
from crm_ml.uplift.trial_rows import TrialRows

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_BINARY = ("qini", "auuc", "qini_causalml", "auuc_causalml", "uplift_at_30")
_AMOUNT = ("qini_causalml", "auuc_causalml", "uplift_at_30")
_BALANCE_ROWS = 50


@dataclass(frozen=True, eq=False)
class ArmReport:
    """One treated arm against the control."""

    predictions: UpliftPredictions
    evaluation: Evaluation
    verdict: UpliftVerdict
    effect: Interval
    balance: pd.DataFrame
    tenths: pd.DataFrame


@dataclass(frozen=True, eq=False)
class UpliftReport:
    """All of an experiment's figures.

    Parameters
    ----------
    arms : mapping of str to ArmReport
    draw : TrialDraw
    policies : pandas.DataFrame or None
        Value of rules, in minor units of money a customer; None of a draw that does not hold.
    """

    arms: Mapping[str, ArmReport]
    draw: TrialDraw
    policies: pd.DataFrame | None

    @property
    def verified(self) -> list[str]:
        """Arms that should be targeted by uplift, of a draw that holds."""
        return [arm for arm, result in self.arms.items() if result.verdict.by_uplift]

    def metrics(self) -> dict[str, float]:
        """Return ``test.<arm>.<metric>`` and ``baseline.<name>.<arm>.<metric>`` with ``.low`` and ``.high``.

        The arm is left out where there is one only. ``difference.<name>.<metric>`` is the paired difference
        of the model to each other order, ``effect`` the average effect, ``effect.smallest`` the smallest that
        would have been found.
        """
        by_name: dict[str, float] = {}
        for arm, result in self.arms.items():
            of = "" if len(self.arms) == 1 else f"{arm}."
            judged = result.evaluation
            by_name |= named(f"{of}effect", result.effect)
            by_name[f"{of}effect.smallest"] = smallest_effect(result.effect)
            for metric in judged.metrics:
                for name in judged.models:
                    prefix = "test" if name == MODEL else f"baseline.{name}"
                    by_name |= named(f"{prefix}.{of}{metric}", judged.interval(name, metric, "folds"))
                    if name != MODEL:
                        paired = judged.difference(MODEL, name, metric, "folds")
                        by_name |= named(f"difference.{name}.{of}{metric}", paired)
        return by_name

    def summary(self) -> pd.DataFrame:
        """Return the table for people: each order by arm, and the model against both controls."""
        rows = []
        for arm, result in self.arms.items():
            shown = [
                name
                for name in ("qini", "qini_causalml", "uplift_at_30")
                if name in result.evaluation.metrics
            ]
            for name in result.evaluation.models:
                cells = {
                    metric: _shown(result.evaluation.interval(name, metric, "folds")) for metric in shown
                }
                rows.append({"arm": arm, "model": name} | cells)
            for other in (RANDOM, RESPONSE):
                cells = {m: _shown(result.evaluation.difference(MODEL, other, m, "folds")) for m in shown}
                rows.append({"arm": arm, "model": f"model - {other}"} | cells)
        return pd.DataFrame(rows)

    def gates(self) -> tuple[Gate, ...]:
        """Return what must hold before the model becomes champion: the draw, and one arm worth its order."""
        ratio = self.draw.ratio
        counts = "no probability of each arm is known for every row" if ratio is None else str(ratio)
        conditions = [
            Gate("arms as declared", ratio is None or ratio.holds, counts),
            Gate("arms comparable", self.draw.comparable, self.draw.reason),
        ]
        verdicts = "; ".join(
            f"{arm}: {result.verdict.decision} ({result.verdict.reason})" for arm, result in self.arms.items()
        )
        conditions.append(Gate("target by uplift", bool(self.verified), verdicts))
        return tuple(conditions)

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return metrics, differences, balance, tenths and rules."""
        parts = {
            "metrics": {arm: result.evaluation.table() for arm, result in self.arms.items()},
            "differences": {arm: result.evaluation.differences(MODEL) for arm, result in self.arms.items()},
            "balance": {arm: result.balance for arm, result in self.arms.items()},
            "tenths": {arm: result.tenths for arm, result in self.arms.items()},
        }
        by_name = {name: _stacked(each) for name, each in parts.items()}
        return by_name if self.policies is None else by_name | {"policies": self.policies}

    def figures(self, rng: np.random.Generator) -> "dict[str, Figure]":
        """Return Qini curves and tenths of each arm, and the value of rules."""
        by_name = {}
        for arm, result in self.arms.items():
            by_name[f"qini_{arm}"] = plots.qini(result.predictions, model=MODEL, rng=rng)
            by_name[f"tenths_{arm}"] = plots.uplift_deciles(
                result.tenths, model=MODEL, average=result.effect.value
            )
        if self.policies is not None:
            by_name["policies"] = plots.policies(self.policies, "minor units a customer")
        return by_name

    def facts(self) -> dict[str, Any]:
        """Return effects, verdicts and the draw as plain data."""
        return {
            "effects": {arm: asdict(result.effect) for arm, result in self.arms.items()},
            "verdicts": {arm: asdict(result.verdict) for arm, result in self.arms.items()},
            "sample_ratio": None if self.draw.ratio is None else asdict(self.draw.ratio),
            "draw": self.draw.facts(),
            "verified_arms": self.verified,
        }


def judge(
    config: UpliftRun,
    rows: TrialRows,
    predicted: Sequence[FoldPredictions],
    draw: TrialDraw,
    rng: np.random.Generator,
) -> UpliftReport:
    """Judge the test rows of all folds.

    Parameters
    ----------
    config : UpliftRun
    rows : TrialRows
        All rows, for effects and balance.
    predicted : sequence of FoldPredictions
    draw : TrialDraw
        Of all rows; without one that holds there is no verdict and no value of rules.
    rng : numpy.random.Generator
    """
    binary = config.target.outcome != "spend_cents"
    arms = {}
    for arm in predicted[0].arms:
        parts = UpliftPredictions.join([fold.predictions(arm, config.target.control) for fold in predicted])
        judged = evaluate(parts, rng, _BINARY if binary else _AMOUNT, config.replicates, ("folds",))
        flat = [fold.name for fold in predicted if np.ptp(fold.scores[MODEL][arm]) == 0]
        arms[arm] = _arm(config, rows, arm, parts, judged, draw.holds, flat)
    return UpliftReport(arms, draw, policies(config, predicted) if draw.holds else None)


def _arm(
    config: UpliftRun,
    rows: TrialRows,
    arm: str,
    predictions: UpliftPredictions,
    judged: Evaluation,
    drawn: bool,
    flat: Sequence[str],
) -> ArmReport:
    ours = rows.where(np.asarray(rows.arm.isin([config.target.control, arm])))
    treated = (ours.arm == arm).to_numpy().astype(float)
    # a customer stands in several splits, and an interval of tenths takes rows for customers
    once = (
        predictions.where(predictions.fold == predictions.folds[0])
        if isinstance(config.split, HalvesSplit)
        else predictions
    )
    return ArmReport(
        predictions=predictions,
        evaluation=judged,
        verdict=verdict(
            judged, MODEL, "qini" if "qini" in judged.metrics else "qini_causalml", drawn=drawn, flat=flat
        ),
        effect=randomisation_checks.average_effect(ours.y.to_numpy(), treated),
        balance=randomisation_checks.balance(ours.X, treated).head(_BALANCE_ROWS),
        tenths=uplift_by_decile(once.y, once.p[MODEL], once.treatment),
    )


def _stacked(parts: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    return pd.concat(dict(parts), names=["arm", None]).reset_index(level="arm").reset_index(drop=True)


def _shown(interval: Interval) -> str:
    return f"{interval.value:.4g}\n{interval.low:.3g} to {interval.high:.3g}"
