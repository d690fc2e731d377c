"""Limits of drift: when to warn, and when not to publish a list."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from crm_ml.tables.strict import Strict

Share = Annotated[float, Field(gt=0, lt=1)]
Index = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Ratio = Annotated[float, Field(gt=1, allow_inf_nan=False)]


class DriftLimits(Strict):
    """Limits of drift between training and a scored day.

    Parameters
    ----------
    psi_warn : float
        Population stability index (PSI) of a feature or score that warns. A column that moved more than this
        between training days has a higher limit, see `past_factor`.
    psi_stop : float
        PSI that counts against `columns_to_stop`; it rises with `psi_warn`.
    columns_to_stop : int
        This many columns of one model beyond their `psi_stop`, or entirely missing, stop the list.
    past_factor : float
        Warn only beyond this many times the largest movement of PSI, median or rate within training. PSI is
        not applied to a column where that is four times `psi_stop` or more.
    median_warn : float
        Ratio of the median (of values above zero) to that of training, in either direction, that warns:
        catches changed units such as cents or days.
    median_stop : float
        The same ratio that stops the list; one column is enough.
    rate_warn : float
        Ratio of the mean probability to the base rate of training, in either direction, or of their
        complements, that warns. Without a known base rate the mean score of training is used.
    rate_stop : float
        The same ratio that stops the list, if the base rate of training is known.
    volume_warn : float
        Ratio of customers scored to those of the newest training day, in either direction, that warns.
    volume_stop : float
        The same ratio that stops the list.
    rare_warn : float
        Share of rows with a level unseen or rare in training, beyond the largest share on a training day.
    false_alarm : float
        Probability that chance alone puts any feature of a model over its limit on a day.
    accept : tuple of str
        Features, scores (``p_response of <action>`` of one action), or ``volume``, whose limits are
        overruled; they are reported as accepted. A name that does not occur on a day gives a warning.
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
