"""Which model predicts: chosen on windows before the test window, by a rule that is fixed beforehand.

1. Of the probabilistic candidates, the one of highest normalised Gini: a wrong order can't be mended later.
2. The challenger in its place only if its Gini is clearly higher (paired 95 % interval above 0) and its root
   mean squared error is not higher, since it is less simple.
3. A tilt (level and spread) if it lowers the root mean squared error.

Metrics are means over the windows. The tilt of a window is learned on the other windows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from crm_ml.clv.purchase_histories import Floats
from crm_ml.clv.validation_windows import Window
from crm_ml.clv.value_calibration import Tilt, fit_tilt
from crm_ml.errors import CalibrationRefused
from crm_ml.evaluation.significance import Evaluation, evaluate
from crm_ml.evaluation.value_predictions import ValuePredictions

CHALLENGER, TILTED = "challenger", "tilted"
METRICS = ("rmse", "normalised_gini", "total_error", "msle", "top_decile_share")
Said = Mapping[str, Sequence[Floats]]


@dataclass(frozen=True)
class Choice:
    """What was chosen.

    Parameters
    ----------
    base : str
        Name of the candidate.
    challenger, tilted : bool
    reason : str
        The figures behind it.
    """

    base: str
    challenger: bool
    tilted: bool
    reason: str


def tilted(name: str) -> str:
    """Return the name of a model with its tilt."""
    return f"{name}, {TILTED}"


def best_candidate(said: Said, windows: Sequence[Window], rng: np.random.Generator, replicates: int) -> str:
    """Return the candidate of highest normalised Gini, in the order given where they are equal."""
    judged = evaluate(predictions(said, windows), rng, ("normalised_gini",), replicates, over=("folds",))
    return max(said, key=lambda name: judged.interval(name, "normalised_gini", "folds").value)


def judge(said: Said, windows: Sequence[Window], rng: np.random.Generator, replicates: int) -> Evaluation:
    """Judge candidates and challenger on all windows, each as it is and tilted.

    Parameters
    ----------
    said : mapping of str to sequence of numpy.ndarray
        By model, the predicted value of the customers of each window.
    windows : sequence of Window
    rng : numpy.random.Generator
    replicates : int
    """
    both: dict[str, Sequence[Floats]] = {}
    for name, values in said.items():
        both[name] = values
        others = _tilted_by_others(values, windows)
        if others is not None:
            both[tilted(name)] = others
    return evaluate(predictions(both, windows), rng, METRICS, replicates, over=("folds",))


def choose(judged: Evaluation, base: str) -> Choice:
    """Apply the rule of this module to the judged models; `base` is the best candidate."""
    name, reason = base, f"{base}: Gini {judged.interval(base, 'normalised_gini', 'folds')}"
    if CHALLENGER in judged.models:
        paired = judged.difference(CHALLENGER, base, "normalised_gini", "folds")
        errors = judged.difference(CHALLENGER, base, "rmse", "folds")
        name = CHALLENGER if paired.low > 0 and errors.value <= 0 else base
        reason += f"; challenger {paired} from it, RMSE by {errors}"
    use_tilt = False
    if tilted(name) in judged.models:
        errors = judged.difference(tilted(name), name, "rmse", "folds")
        use_tilt = errors.value < 0
        reason += f"; the tilt changes RMSE by {errors}"
    return Choice(base, name == CHALLENGER, use_tilt, reason)


def tilt_of(values: Sequence[Floats], windows: Sequence[Window]) -> Tilt:
    """Learn the tilt of a model on all windows; raises as `crm_ml.clv.value_calibration.fit_tilt`."""
    pairs = zip(values, windows, strict=True)
    return fit_tilt([(p, window.outcomes.known["value"].to_numpy()) for p, window in pairs])


def predictions(said: Said, windows: Sequence[Window]) -> ValuePredictions:
    """Put what models said of several windows under each other, a fold a window."""
    parts = [
        ValuePredictions(
            window.summary.index.to_numpy(dtype=str),
            np.full(len(window.summary), window.name),
            window.outcomes.known["value"].to_numpy(),
            {name: values[number] for name, values in said.items()},
        )
        for number, window in enumerate(windows)
    ]
    return ValuePredictions.join(parts)


def _tilted_by_others(values: Sequence[Floats], windows: Sequence[Window]) -> list[Floats] | None:
    """Tilt each window by what the others teach; None with one window, or where a tilt is refused."""
    if len(windows) < 2:
        return None
    found = []
    for number, value in enumerate(values):
        rest = [i for i in range(len(windows)) if i != number]
        try:
            tilt = tilt_of([values[i] for i in rest], [windows[i] for i in rest])
        except CalibrationRefused:
            return None
        found.append(tilt.apply(value))
    return found
