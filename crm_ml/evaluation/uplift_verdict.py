"""Recommendation to target by uplift, by response, or without a model."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from crm_ml.evaluation.detectable_effect import smallest_effect
from crm_ml.evaluation.significance import Evaluation, Over
from crm_ml.evaluation.uplift_predictions import RANDOM, RESPONSE

Decision = Literal["target by uplift", "target by response", "no usable signal", "the draw is broken"]


@dataclass(frozen=True)
class UpliftVerdict:
    """Recommended use of an uplift model, with the metrics behind it.

    Parameters
    ----------
    decision, reason : str
    smallest : mapping of str to float
        Smallest difference of the model to each control that would have been found with 80 % power, in the
        unit of the metric.
    """

    decision: Decision
    reason: str
    smallest: Mapping[str, float] = field(default_factory=dict)

    @property
    def by_uplift(self) -> bool:
        """Whether the model is clearly better than both controls."""
        return self.decision == "target by uplift"


def verdict(
    evaluation: Evaluation,
    model: str,
    metric: str = "qini",
    over: Over = "folds",
    drawn: bool = True,
    flat: Sequence[str] = (),
) -> UpliftVerdict:
    """Decide by the paired 95 % intervals of a model against the two controls.

    ``target by uplift`` if the model is clearly better than the random order and clearly better than the
    response model; otherwise ``target by response`` if the response model is clearly better than the random
    order; otherwise ``no usable signal``. Clearly means that the whole interval lies above zero. Of arms that
    were not drawn, ``the draw is broken`` whatever the intervals.

    Parameters
    ----------
    evaluation : Evaluation
        Of `crm_ml.evaluation.uplift_predictions.UpliftPredictions`.
    model : str
    metric : str
        Such as ``"qini"``.
    over : {"pooled", "folds"}
    drawn : bool
        Whether the draw of the arms holds, see `crm_ml.evaluation.draw_check`.
    flat : sequence of str
        Folds for whose rows the model says one number.

    Raises
    ------
    InputError
        If the evaluation lacks model or metric.
    """
    to_random = evaluation.difference(model, RANDOM, metric, over)
    to_response = evaluation.difference(model, RESPONSE, metric, over)
    response = evaluation.difference(RESPONSE, RANDOM, metric, over)
    decision: Decision = "no usable signal"
    if not drawn:
        decision = "the draw is broken"
    elif to_random.low > 0 and to_response.low > 0:
        decision = "target by uplift"
    elif response.low > 0:
        decision = "target by response"
    smallest = {RANDOM: smallest_effect(to_random), RESPONSE: smallest_effect(to_response)}
    reason = (
        f"{metric}: {model} - random {to_random}, {model} - response model {to_response}, "
        f"response model - random {response}; with 80 % power a difference from {smallest[RANDOM]:.4f} and "
        f"{smallest[RESPONSE]:.4f} on would have been found"
    )
    if flat:
        reason += f"; {model} says one number for everybody in {', '.join(flat)}: it could not split"
    return UpliftVerdict(decision, reason, smallest)
