"""The promotion by the measures of its challenge: incremental response rate and net incremental revenue."""

from collections.abc import Sequence

import numpy as np
from study import Table

from crm_ml.config.uplift import OutcomeValue
from crm_ml.evaluation.policy_value import targeted_rates
from crm_ml.train.families.uplift.fitting import MODEL, FoldPredictions

CENTS = 100


def starbucks_rates(predicted: Sequence[FoldPredictions], worth: OutcomeValue) -> Table:
    """Return a row for each rule: rate and revenue on the test half, the mean and range of the splits."""
    [arm] = predicted[0].arms
    value, cost = worth.outcome_cents / CENTS, worth.cost_cents[arm] / CENTS
    figures: dict[str, list[tuple[float, float, float]]] = {"all": [], "by response": [], "by uplift": []}
    for fold in predicted:
        gain = np.asarray(fold.scores[MODEL][arm]) * value - cost
        by_uplift = gain > 0
        order = np.argsort(-np.asarray(fold.response[arm]), kind="stable")
        by_response = np.zeros(len(gain), dtype=bool)
        by_response[order[: int(by_uplift.sum())]] = True
        treated = (fold.rows.arm == arm).to_numpy().astype(float)
        rules = {"all": np.ones(len(gain), dtype=bool), "by response": by_response, "by uplift": by_uplift}
        for name, targeted in rules.items():
            rate, revenue = targeted_rates(fold.rows.y.to_numpy(), treated, targeted, value, cost)
            figures[name].append((float(targeted.mean()), rate, revenue))
    header = ["rule", "targeted", "incremental response rate", "net incremental revenue, dollars"]
    return header, [(name, *_cells(np.array(each))) for name, each in figures.items()]


def _cells(each: "np.ndarray[tuple[int, int], np.dtype[np.float64]]") -> tuple[str, str, str]:
    share, rate, revenue = each.T
    return (
        f"{share.mean():.1%}",
        f"{rate.mean():.4f} (splits {rate.min():.4f} to {rate.max():.4f})",
        f"{revenue.mean():,.0f} (splits {revenue.min():,.0f} to {revenue.max():,.0f})",
    )
