"""The simulated shop: predicted uplift of each customer beside the effects that made its visits."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from effect_study import shown
from study import Table

from crm_ml.config import UpliftRun
from crm_ml.datasets import simulated
from crm_ml.evaluation.uplift import pehe
from crm_ml.train.families.uplift.fitting import FoldPredictions


def truth_table(config: UpliftRun, predicted: Sequence[FoldPredictions]) -> Table:
    """Return a row for each learner and arm: error of its effects, and rank correlation with the truth."""
    effects = simulated.truth(config.data.path, **config.data.options).effects
    rows = []
    arms = predicted[0].arms
    for name in predicted[0].scores:
        if "response" in name:
            continue
        judged = [_judge(effects, predicted, name, arm) for arm in arms]
        cells = [f"{error:.4f} ({baseline:.4f})" for error, baseline, _ in judged]
        rows.append((name, *cells, *(f"{rank:.3f}" for _, _, rank in judged)))
    rows.sort(key=lambda row: row[1])
    header = [
        "learner",
        *(f"{arm}: PEHE (constant effect)" for arm in arms),
        *(f"{arm}: rank correlation" for arm in arms),
    ]
    return header, [(shown(row[0], config), *row[1:]) for row in rows]


def _judge(
    effects: pd.DataFrame, predicted: Sequence[FoldPredictions], name: str, arm: str
) -> tuple[float, float, float]:
    """Return PEHE, that of the best constant effect for all, and Spearman's correlation."""
    guessed, true = [], []
    for fold in predicted:
        campaign = fold.name.rpartition(" ")[2]
        inside = effects.loc[campaign].reindex(fold.rows.customer_id)
        true.append((inside[f"p_{arm}"] - inside["p_control"]).to_numpy())
        guessed.append(np.asarray(fold.scores[name][arm]))
    effect, guess = np.concatenate(true), np.concatenate(guessed)
    rank = float(pd.Series(guess).corr(pd.Series(effect), method="spearman"))
    return pehe(effect, guess), pehe(effect, np.full(len(effect), effect.mean())), rank
