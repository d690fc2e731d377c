"""From where on a movement is worth a warning, and from where on nothing is published."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from crm_ml.tables.strict import Strict

Share = Annotated[float, Field(gt=0, lt=1)]
Index = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Ratio = Annotated[float, Field(gt=1, allow_inf_nan=False)]


class DriftLimits(Strict):
    """Limits of drift between training and a day that is scored.

    Parameters
    ----------
    psi_warn, psi_stop : float
        Population stability index of a feature or score. A column that moved more than this between the
        training days has a higher limit of its own, see `past_factor`.
    columns_to_stop : int
        So many columns of one model beyond their `psi_stop`, or entirely missing, stop the list.
    past_factor : float
        A warning is due only beyond so many times the largest movement of PSI, median or rate within
        training. A column for which that is four times `psi_stop` or more is not judged by PSI.
    median_warn, median_stop : float
        Ratio of the median (of values above zero) to that of training, either way: cents for the major unit,
        days for weeks. One column is enough to stop.
    rate_warn, rate_stop : float
        Ratio of the mean probability to the base rate of training, either way, or of their complements. Where
        training knows no base rate, the mean score stands in for it and a warning is the most.
    volume_warn, volume_stop : float
        Ratio of customers scored to those of the newest training day, either way.
    rare_warn : float
        Share of rows whose level training had not, or only rarely, beyond the largest share on a training
        day.
    false_alarm : float
        Probability that chance alone puts any feature of a model over its limit on a day.
    accept : tuple of str
        Features, scores (``p_response of <action>`` of one action), or ``volume``, whose limits are
        overruled; they are reported as accepted. A name that a day does not have is a warning.
    """

    psi_warn: Index = 0.25
    psi_stop: Index = 0.5
    columns_to_stop: Annotated[int, Field(ge=1)] = 3
    past_factor: Annotated[float, Field(ge=1, allow_inf_nan=False)] = 1.5
    median_warn: Ratio = 5.0
    median_stop: Ratio = 50.0
    rate_warn: Ratio = 2.0
    rate_stop: Ratio = 4.0
    volume_warn: Ratio = 2.0
    volume_stop: Ratio = 10.0
    rare_warn: Share = 0.01
    false_alarm: Share = 0.001
    accept: Annotated[tuple[str, ...], Field(strict=False)] = ()

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        wrong = [
            f"{kind}_warn {low:g} is above {kind}_stop {high:g}"
            for kind in ("psi", "median", "rate", "volume")
            for low, high in [(getattr(self, f"{kind}_warn"), getattr(self, f"{kind}_stop"))]
            if low > high
        ]
        if wrong:
            raise ValueError("; ".join(wrong))
        return self
