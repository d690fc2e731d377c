"""What rules of targeting would have earned in an uplift experiment: all, nobody, by response, by uplift."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from crm_ml.config import UpliftRun
from crm_ml.evaluation.policy_value import LoggedExperiment, value_table
from crm_ml.train.families.uplift.fitting import MODEL, FoldPredictions


def policies(config: UpliftRun, predicted: Sequence[FoldPredictions]) -> pd.DataFrame | None:
    """Return the value of treating nobody, everybody by each arm, by response, and by uplift."""
    worth, declared = config.worth, [fold.rows.probabilities() for fold in predicted]
    if worth is None or any(p is None or not (p > 0).all(axis=None) for p in declared):
        return None
    arms = list(predicted[0].arms)
    names = [config.target.control, *arms]
    cost = np.array([0.0, *(worth.cost_cents.get(arm, 0.0) for arm in arms)])
    joined = pd.concat([fold.rows.arm for fold in predicted])
    p = pd.concat(declared)[names].to_numpy()
    outcome = np.concatenate([fold.outcomes.to_numpy() for fold in predicted]) * worth.outcome_cents
    experiment = LoggedExperiment(
        arm=pd.Index(names).get_indexer(pd.Index(joined)),
        y=np.concatenate([fold.rows.y.to_numpy() for fold in predicted]) * worth.outcome_cents,
        probability=p / p.sum(axis=1, keepdims=True),
        outcome=outcome,
        cost=cost,
        customer_id=np.concatenate([np.asarray(fold.rows.customer_id) for fold in predicted]),
    )
    gain = (
        np.concatenate([np.column_stack([fold.scores[MODEL][arm] for arm in arms]) for fold in predicted])
        * worth.outcome_cents
        - cost[1:]
    )
    nobody = np.zeros(len(joined), dtype=int)
    by_uplift = np.where(gain.max(axis=1) > 0, 1 + gain.argmax(axis=1), 0)
    rules = {"treat none": nobody} | {f"all: {arm}": nobody + number for number, arm in enumerate(arms, 1)}
    rules["by response"] = _by_response(outcome[:, 1:] - cost[1:], int((by_uplift > 0).sum()))
    return value_table(experiment, rules | {"by uplift": by_uplift}, "treat none")


def _by_response(net: npt.NDArray[np.float64], count: int) -> npt.NDArray[np.int64]:
    """Treat as many rows as the other rule does, those of highest expected outcome, with their best arm."""
    best = net.max(axis=1)
    chosen = np.zeros(len(net), dtype=np.int64)
    first = np.argsort(-best, kind="stable")[:count]
    chosen[first] = 1 + net[first].argmax(axis=1)
    return chosen
