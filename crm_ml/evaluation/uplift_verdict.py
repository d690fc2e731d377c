"""Recommendation to target by uplift, by response, or without a model."""

from dataclasses import dataclass
from typing import Literal

from crm_ml.evaluation.significance import Evaluation, Over
from crm_ml.evaluation.uplift_predictions import RANDOM, RESPONSE

Decision = Literal["target by uplift", "target by response", "no usable signal"]


@dataclass(frozen=True)
class UpliftVerdict:
    """Recommended use of an uplift model, with the metrics behind it."""

    decision: Decision
    reason: str

    @property
    def by_uplift(self) -> bool:
        """Whether the model is clearly better than both controls."""
        return self.decision == "target by uplift"


def verdict(evaluation: Evaluation, model: str, metric: str = "qini", over: Over = "folds") -> UpliftVerdict:
    """Decide by the paired 95 % intervals of a model against the two controls.

    ``target by uplift`` if the model is clearly better than the random order and clearly better than the
    response model; otherwise ``target by response`` if the response model is clearly better than the random
    order; otherwise ``no usable signal``. Clearly means that the whole interval lies above zero.

    Parameters
    ----------
    evaluation : Evaluation
        Of `crm_ml.evaluation.uplift_predictions.UpliftPredictions`.
    model : str
    metric : str
        Such as ``"qini"``.
    over : {"pooled", "folds"}

    Raises
    ------
    InputError
        If the evaluation lacks model or metric.
    """
    to_random = evaluation.difference(model, RANDOM, metric, over)
    to_response = evaluation.difference(model, RESPONSE, metric, over)
    response = evaluation.difference(RESPONSE, RANDOM, metric, over)
    decision: Decision = "no usable signal"
    if to_random.low > 0 and to_response.low > 0:
        decision = "target by uplift"
    elif response.low > 0:
        decision = "target by response"
    reason = (
        f"{metric}: {model} - random {to_random}, {model} - response model {to_response}, "
        f"response model - random {response}"
    )
    return UpliftVerdict(decision, reason)
