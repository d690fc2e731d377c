"""Model selection on windows before the test window, by a rule that is fixed beforehand.

1. Of the probabilistic candidates, the one with the highest normalised Gini: calibration can't repair an
   order.
2. The challenger replaces it only if its Gini is clearly higher (paired 95 % interval above 0) and its root
   mean squared error is not higher, since it is more complex.
3. A tilt (level and spread) is applied if it lowers the root mean squared error.

Metrics are means over the windows. The tilt of a window is learned on the other windows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log

import numpy as np

from crm_ml.clv.purchase_histories import Floats
from crm_ml.clv.validation_windows import ValidationWindow
from crm_ml.clv.value_calibration import Tilt, fit_tilt
from crm_ml.errors import CalibrationRefused
from crm_ml.evaluation.significance import Evaluation, evaluate
from crm_ml.evaluation.value_predictions import ValuePredictions

CHALLENGER, TILTED = "challenger", "tilted"
METRICS = ("rmse", "normalised_gini", "total_error", "msle", "top_decile_share")
PredictedValues = Mapping[str, Sequence[Floats]]


@dataclass(frozen=True)
class Choice:
    """The selected model.

    Parameters
    ----------
    base : str
        Name of the candidate.
    challenger, tilted : bool
    reason : str
        The metrics behind the choice.
    """

    base: str
    challenger: bool
    tilted: bool
    reason: str


def tilted(name: str) -> str:
    """Return the name of a model with its tilt."""
    return f"{name}, {TILTED}"


def best_candidate(
    predicted: PredictedValues, windows: Sequence[ValidationWindow], rng: np.random.Generator, replicates: int
) -> str:
    """Return the candidate with the highest normalised Gini, the first of equals."""
    judged = evaluate(predictions(predicted, windows), rng, ("normalised_gini",), replicates, over=("folds",))
    return max(predicted, key=lambda name: judged.interval(name, "normalised_gini", "folds").value)


def judge(
    predicted: PredictedValues, windows: Sequence[ValidationWindow], rng: np.random.Generator, replicates: int
) -> Evaluation:
    """Evaluate candidates and challenger on all windows, each without and with its tilt.

    Parameters
    ----------
    predicted : mapping of str to sequence of numpy.ndarray
        By model, the predicted value of the customers of each window.
    windows : sequence of ValidationWindow
    rng : numpy.random.Generator
    replicates : int
    """
    variants: dict[str, Sequence[Floats]] = {}
    for name, values in predicted.items():
        variants[name] = values
        corrected = _tilted_by_others(values, windows)
        if corrected is not None:
            variants[tilted(name)] = corrected
    return evaluate(predictions(variants, windows), rng, METRICS, replicates, over=("folds",))


def choose(judged: Evaluation, base: str) -> Choice:
    """Apply the rule of this module to the evaluated models; `base` is the best candidate."""
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


def tilt_of(values: Sequence[Floats], windows: Sequence[ValidationWindow]) -> Tilt:
    """Learn the tilt of a model on all windows; raises as `crm_ml.clv.value_calibration.fit_tilt`."""
    pairs = zip(values, windows, strict=True)
    return fit_tilt([(p, window.outcomes.known["value"].to_numpy()) for p, window in pairs])


def prefers_season(
    values: Sequence[Floats], factors: Sequence[float], windows: Sequence[ValidationWindow]
) -> bool:
    """Whether totals come closer to the observed ones, by their squared logarithms, with seasonal factors."""
    if all(factor == 1 for factor in factors):
        return False
    seasonal = [factor * value for factor, value in zip(factors, values, strict=True)]
    with_it, without = (level_errors(each, windows, is_tilted=False) for each in (seasonal, values))
    return sum(error**2 for error in with_it) < sum(error**2 for error in without)


def level_errors(
    values: Sequence[Floats], windows: Sequence[ValidationWindow], is_tilted: bool
) -> list[float]:
    """Return ``log(observed / predicted)`` of the total of each window, tilted by the others if at all."""
    corrected = _tilted_by_others(values, windows) if is_tilted else None
    sums = [float(window.outcomes.known["value"].sum()) for window in windows]
    pairs = zip(sums, corrected or values, strict=True)
    return [log(total / float(value.sum())) for total, value in pairs if total > 0 and value.sum() > 0]


def predictions(predicted: PredictedValues, windows: Sequence[ValidationWindow]) -> ValuePredictions:
    """Concatenate the predictions for several windows, one fold per window."""
    parts = [
        ValuePredictions(
            window.summary.index.to_numpy(dtype=str),
            np.full(len(window.summary), window.name),
            window.outcomes.known["value"].to_numpy(),
            {name: values[number] for name, values in predicted.items()},
        )
        for number, window in enumerate(windows)
    ]
    return ValuePredictions.join(parts)


def _tilted_by_others(values: Sequence[Floats], windows: Sequence[ValidationWindow]) -> list[Floats] | None:
    """Tilt each window by the fit on the others; None with one window, or where a tilt is refused."""
    if len(windows) < 2:
        return None
    tilted_values = []
    for number, value in enumerate(values):
        rest = [i for i in range(len(windows)) if i != number]
        try:
            tilt = tilt_of([values[i] for i in rest], [windows[i] for i in rest])
        except CalibrationRefused:
            return None
        tilted_values.append(tilt.apply(value))
    return tilted_values
