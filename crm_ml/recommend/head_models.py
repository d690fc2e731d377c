"""The boosters of the two heads, and the isotonic steps that turn their scores into probabilities."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from crm_ml.models.booster_params import passed_on
from crm_ml.models.booster_text import booster_of, text_of
from crm_ml.recommend.interactions import Floats
from crm_ml.recommend.training_windows import NEW, REPEAT, HeadSettings, TrainingWindow

if TYPE_CHECKING:
    from scipy.sparse import csr_array


@dataclass(frozen=True, eq=False)
class Heads:
    """A booster for each head, and the isotonic steps that calibrate its scores."""

    boosters: Mapping[str, Any]
    steps: Mapping[str, tuple[Floats, Floats]]

    @staticmethod
    def fit(
        windows: Sequence[TrainingWindow], settings: HeadSettings, heads: Sequence[str] = (REPEAT, NEW)
    ) -> "Heads":
        """Train both heads, or one of them, on all windows."""
        return Heads({head: _booster(head, windows, settings) for head in heads}, {})

    def joined(self, other: "Heads") -> "Heads":
        """Return these heads and those of another model together."""
        return Heads({**self.boosters, **other.boosters}, {**self.steps, **other.steps})

    def calibrated(self, earlier: "Heads", window: TrainingWindow) -> "Heads":
        """Return the heads with steps fitted to scores of a later window by heads of earlier windows."""
        from sklearn.isotonic import IsotonicRegression

        assert window.y is not None
        steps = {}
        for head in self.boosters:
            score = earlier.boosters[head].predict(window.X[head])
            fitted = IsotonicRegression(y_min=1e-6, y_max=1 - 1e-6, out_of_bounds="clip").fit(
                score, window.y[head]
            )
            steps[head] = (fitted.X_thresholds_, fitted.y_thresholds_)
        return Heads(self.boosters, steps)

    @property
    def arrays(self) -> dict[str, Any]:
        """Content of the files: LightGBM text and steps."""
        contents: dict[str, Any] = {
            f"{head}_head": text_of(booster) for head, booster in self.boosters.items()
        }
        for head, parts in self.steps.items():
            contents |= {f"{head}_step_{axis}": part for axis, part in zip("xy", parts, strict=True)}
        return contents

    @staticmethod
    def from_arrays(arrays: Mapping[str, Any]) -> "Heads":
        """Restore heads from `arrays`."""
        return Heads(
            {head: booster_of(arrays[f"{head}_head"]) for head in (REPEAT, NEW)},
            {head: (arrays[f"{head}_step_x"], arrays[f"{head}_step_y"]) for head in (REPEAT, NEW)},
        )

    def probability(self, head: str, X: Floats) -> Floats:
        """Return P(buy); where the steps are flat, ties follow the head's scores."""
        score = self.boosters[head].predict(X)
        x, p = self.steps[head]
        rank = np.argsort(np.argsort(score, kind="stable"), kind="stable")
        return np.asarray(np.interp(score, x, p) + 1e-9 * rank / max(len(rank), 1))


def pairs_of(window: TrainingWindow, heads: Heads) -> "csr_array":
    """Return P(buy) of every pair of a window, shape (customers, items)."""
    from scipy.sparse import coo_array

    p = [heads.probability(head, window.X[head]) for head in (REPEAT, NEW)]
    rows, items = (np.concatenate([part[REPEAT], part[NEW]]) for part in (window.rows, window.items))
    pairs = coo_array((np.concatenate(p), (rows, items)), shape=window.shape).tocsr()
    pairs.sort_indices()
    return pairs


def head_params(head: str, settings: HeadSettings) -> dict[str, Any]:
    """Return the parameters that a head sets itself."""
    if head == REPEAT:
        own = {
            "objective": "binary",
            "learning_rate": settings.learning_rate,
            "num_leaves": settings.num_leaves,
            "min_data_in_leaf": 200,
            "lambda_l2": 10.0,
        }
    else:
        own = {
            "objective": "lambdarank",
            "learning_rate": settings.new_learning_rate or settings.learning_rate,
            "num_leaves": settings.new_leaves or min(settings.num_leaves, 15),
            "min_data_in_leaf": settings.new_min_rows,
            "lambda_l2": settings.new_l2,
            "lambdarank_truncation_level": settings.new_truncation,
        }
    return {
        **own,
        "feature_fraction": 0.6,
        "bagging_fraction": 0.6,
        "bagging_freq": 1,
        "deterministic": True,
        "force_row_wise": True,
        "seed": settings.seed,
        "num_threads": settings.num_threads,
        "verbose": -1,
    }


def more_params(head: str, settings: HeadSettings) -> dict[str, Any]:
    """Return the further parameters that were configured for a head."""
    return {**settings.params, **(settings.new_params if head == NEW else {})}


def _booster(head: str, windows: Sequence[TrainingWindow], settings: HeadSettings) -> Any:
    import lightgbm

    X = np.concatenate([window.X[head] for window in windows])
    y = np.concatenate([window.y[head] for window in windows if window.y is not None])
    data = lightgbm.Dataset(X, y, feature_name=list(windows[0].names[head]))
    if head == NEW:
        sizes = [np.unique(window.rows[head], return_counts=True)[1] for window in windows]
        data.set_group(np.concatenate(sizes))
    parameters = {**head_params(head, settings), **passed_on(more_params(head, settings))}
    rounds = settings.rounds if head == REPEAT else settings.new_rounds or settings.rounds
    return lightgbm.train(parameters, data, rounds)
