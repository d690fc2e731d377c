"""The boosters of the two heads, and the isotonic steps that turn their scores into probabilities."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from crm_ml.models.booster_params import passed_on
from crm_ml.models.booster_scores import CheckedBooster
from crm_ml.models.booster_text import booster_of, checked, text_of
from crm_ml.recommend.interactions import Floats
from crm_ml.recommend.memo import Memo
from crm_ml.recommend.training_windows import NEW, REPEAT, HeadSettings, Reals, TrainingWindow, Window
from crm_ml.threads import usable

if TYPE_CHECKING:
    from scipy.sparse import csr_array


@dataclass(frozen=True, eq=False)
class Heads:
    """A booster for each head, and the isotonic steps that calibrate its scores."""

    boosters: Mapping[str, CheckedBooster]
    steps: Mapping[str, tuple[Floats, Floats]]

    @staticmethod
    def fit(past: Sequence[TrainingWindow], settings: HeadSettings, memo: Memo) -> "Heads":
        """Train the heads on all windows; calibrate them on the newest by heads trained without it.

        Parameters
        ----------
        past : sequence of TrainingWindow
            Oldest first, at least two.
        settings : HeadSettings
        memo : Memo
        """
        boosters, steps = {}, {}
        for head in (REPEAT, NEW):
            boosters[head] = checked(_booster(head, past, settings, memo), head)
            steps[head] = _steps(_booster(head, past[:-1], settings, memo), past[-1], head)
        return Heads(boosters, steps)

    @property
    def arrays(self) -> dict[str, Any]:
        """Content of the files: LightGBM text and steps."""
        contents: dict[str, Any] = {
            f"{head}_head": text_of(each.booster) for head, each in self.boosters.items()
        }
        for head, parts in self.steps.items():
            contents |= {f"{head}_step_{axis}": part for axis, part in zip("xy", parts, strict=True)}
        return contents

    @staticmethod
    def from_arrays(arrays: Mapping[str, Any]) -> "Heads":
        """Restore heads from `arrays`."""
        names = {head: f"{head}_head" for head in (REPEAT, NEW)}
        return Heads(
            {head: booster_of(arrays[name], None, name) for head, name in names.items()},
            {head: (arrays[f"{head}_step_x"], arrays[f"{head}_step_y"]) for head in (REPEAT, NEW)},
        )

    def probability(self, head: str, X: Reals) -> Floats:
        """Return P(buy); where the steps are flat, ties follow the head's scores."""
        score = self.boosters[head].prediction(X, usable())
        x, p = self.steps[head]
        rank = np.argsort(np.argsort(score, kind="stable"), kind="stable")
        return np.asarray(np.interp(score, x, p) + 1e-9 * rank / max(len(rank), 1))


def pairs_of(window: Window, heads: Heads) -> "csr_array":
    """Return P(buy) of every pair of a window, shape (customers, items)."""
    from scipy.sparse import coo_array

    p = [heads.probability(head, window.X[head]) for head in (REPEAT, NEW)]
    rows, items = (np.concatenate([part[REPEAT], part[NEW]]) for part in (window.rows, window.columns))
    shape = (len(window.customers), len(window.items))
    pairs = coo_array((np.concatenate(p), (rows, items)), shape=shape).tocsr()
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
        "num_threads": usable(settings.num_threads),
        "verbose": -1,
    }


def more_params(head: str, settings: HeadSettings) -> dict[str, Any]:
    """Return the further parameters that were configured for a head."""
    return {**settings.params, **(settings.new_params if head == NEW else {})}


def _steps(booster: Any, window: TrainingWindow, head: str) -> tuple[Floats, Floats]:
    """Return the steps from the scores of a later window to P(buy)."""
    from sklearn.isotonic import IsotonicRegression

    isotonic = IsotonicRegression(y_min=1e-6, y_max=1 - 1e-6, out_of_bounds="clip")
    isotonic.fit(booster.predict(window.X[head], num_threads=usable()), window.y[head])
    return isotonic.X_thresholds_, isotonic.y_thresholds_


def _booster(head: str, windows: Sequence[TrainingWindow], settings: HeadSettings, memo: Memo) -> Any:
    parameters = {**head_params(head, settings), **passed_on(more_params(head, settings))}
    rounds = settings.rounds if head == REPEAT else settings.new_rounds or settings.rounds
    ingredients = [[window.content for window in windows], parameters, rounds]
    return memo.once(f"{head} head", ingredients, lambda: _train(head, windows, parameters, rounds))


def _train(head: str, windows: Sequence[TrainingWindow], parameters: Mapping[str, Any], rounds: int) -> Any:
    import lightgbm

    X = np.concatenate([window.X[head] for window in windows])
    y = np.concatenate([window.y[head] for window in windows])
    data = lightgbm.Dataset(X, y, feature_name=list(windows[0].names[head]))
    if head == NEW:
        sizes = [np.unique(window.rows[head], return_counts=True)[1] for window in windows]
        data.set_group(np.concatenate(sizes))
    return lightgbm.train(dict(parameters), data, rounds)
