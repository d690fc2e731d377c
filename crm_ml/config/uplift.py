"""The config of an uplift experiment."""

from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from crm_ml.config.parts import Features, Part, Positive, part_breaches, refuse
from crm_ml.config.run import Run
from crm_ml.config.split import CampaignSplit
from crm_ml.tables.strict import Strict

Cents = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class UpliftTarget(Strict):
    """The outcome that an arm may change.

    Parameters
    ----------
    outcome : {"response", "order", "spend_cents"}
        Any response to the campaign, any order, or cents paid within the window after assignment.
    kind : str, optional
        Kind of response that counts; all by default.
    horizon_days : int
        Length of the window.
    control : str
        Name of the untreated arm.
    purpose : str, optional
        Purpose that customers must have consented to for their rows to train a model; required if the tables
        have consents.
    """

    outcome: Literal["response", "order", "spend_cents"]
    kind: str | None = None
    horizon_days: Positive
    control: str = "control"
    purpose: str | None = None

    @property
    def horizon(self) -> timedelta:
        """`horizon_days` as a timedelta."""
        return timedelta(days=self.horizon_days)


class HalvesSplit(Strict):
    """Halves of the customers of a single trial, drawn by a hash of their id.

    A trial has one date, so that a split by customer leaks nothing across time. It is refused if the tables
    have several trials.

    Parameters
    ----------
    halves : int
        Number of splits; metrics are means over splits, and intervals resample customers.
    """

    halves: Positive


class OutcomeValue(Strict):
    """Earnings of an outcome and costs of the arms, for the value of policies.

    Parameters
    ----------
    outcome_cents : float
        Earned per outcome; for an amount in cents the share that is earned.
    cost_cents : dict of str to float
        Cost of each treated arm for a customer who gets it.
    """

    outcome_cents: Cents
    cost_cents: dict[str, Cents]


class UpliftRun(Run):
    """An uplift experiment: one file of ``configs/uplift/``.

    Parameters
    ----------
    family : "uplift"
    target, split, worth
        See the class of each; without `worth` no policy is valued.
    arms : tuple of str, optional
        Treated arms; all by default.
    features : dict of str to dict, optional
        Feature groups with their options; all groups by default.
    leave_out : tuple of str
        Features to exclude, by name or with ``*``.
    model : Part
        Always compared with two controls: a random order and the response model on the same base.
    others : tuple of Part
        Further learners to compare.
    """

    family: Literal["uplift"]
    target: UpliftTarget
    arms: Annotated[tuple[str, ...], Field(strict=False, min_length=1)] | None = None
    features: Features | None = None
    leave_out: Annotated[tuple[str, ...], Field(strict=False)] = ()
    split: CampaignSplit | HalvesSplit
    model: Part
    others: Annotated[tuple[Part, ...], Field(strict=False)] = ()
    worth: OutcomeValue | None = None

    @field_validator("others")
    @classmethod
    def _named_once(cls, others: tuple[Part, ...]) -> tuple[Part, ...]:
        names = [part.name for part in others]
        if len(set(names)) < len(names):
            raise ValueError(f"each learner may stand once, not {', '.join(names)}")
        return others

    @model_validator(mode="after")
    def _usable(self) -> Self:
        from crm_ml.uplift.learners import LEARNERS

        others = ((("others", number), part) for number, part in enumerate(self.others))
        refuse(self, part_breaches(LEARNERS, [(("model",), self.model), *others]))
        return self

    @model_validator(mode="after")
    def _costs_of_arms(self) -> Self:
        if self.worth is not None and self.arms is not None:
            missing = sorted(set(self.arms) - set(self.worth.cost_cents))
            if missing:
                raise ValueError(f"worth.cost_cents has no {', '.join(missing)}")
        return self


RUN = UpliftRun
