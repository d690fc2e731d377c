"""The config of an uplift experiment."""

from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from crm_ml.config.parts import Option, Positive
from crm_ml.config.run import Run
from crm_ml.config.split import CampaignSplit
from crm_ml.tables.strict import Strict

Cents = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class UpliftTarget(Strict):
    """What an arm may change.

    Parameters
    ----------
    outcome : {"response", "order", "spend_cents"}
        Any response to the campaign, any order, or cents paid within the window after the draw.
    kind : str, optional
        Kind of response that counts; all without it.
    horizon_days : int
        Length of the window.
    control : str
        Name of the untreated arm.
    purpose : str, optional
        What customers must have allowed for their rows to train a model; needed where the tables have
        consents.
    """

    outcome: Literal["response", "order", "spend_cents"]
    kind: str | None = None
    horizon_days: Positive
    control: str = "control"
    purpose: str | None = None

    @property
    def horizon(self) -> timedelta:
        """`horizon_days` as a time."""
        return timedelta(days=self.horizon_days)


class HalvesSplit(Strict):
    """Halves of the customers of a single trial, drawn by a hash of their id.

    A trial has one date, so that a split by customer parts nothing that time would part. It is refused where
    the tables hold several trials.

    Parameters
    ----------
    halves : int
        How many splits; metrics are means over them, and intervals draw customers, not splits.
    """

    halves: Positive


class Worth(Strict):
    """What the outcome earns and the arms cost, for the value of rules.

    Parameters
    ----------
    outcome_cents : float
        Of one outcome; of an amount in cents the share that is earned.
    cost_cents : dict of str to float
        Of each treated arm for a customer who gets it.
    """

    outcome_cents: Cents
    cost_cents: dict[str, Cents]


class LearnerPart(Strict):
    """A learner by the name of its module, with its options."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    options: dict[str, Option | dict[str, Option]] = Field(default_factory=dict)


class UpliftRun(Run):
    """An uplift experiment: one file of ``configs/uplift/``.

    Parameters
    ----------
    family : "uplift"
    target, split, worth
        See the model of each; without `worth` no rule is valued.
    arms : tuple of str, optional
        Treated arms; all without it.
    features : dict of str to dict, optional
        Feature groups with their options; all groups without it.
    leave_out : tuple of str
        Features that are not used, by name or with ``*``.
    model : LearnerPart
        The controls, a random order and the response model on the same base, are always beside it.
    others : tuple of LearnerPart
        Further learners to compare.
    """

    family: Literal["uplift"]
    target: UpliftTarget
    arms: Annotated[tuple[str, ...], Field(strict=False, min_length=1)] | None = None
    features: dict[str, dict[str, Option]] | None = None
    leave_out: Annotated[tuple[str, ...], Field(strict=False)] = ()
    split: CampaignSplit | HalvesSplit
    model: LearnerPart
    others: Annotated[tuple[LearnerPart, ...], Field(strict=False)] = ()
    worth: Worth | None = None

    @field_validator("others")
    @classmethod
    def _named_once(cls, others: tuple[LearnerPart, ...]) -> tuple[LearnerPart, ...]:
        names = [part.name for part in others]
        if len(set(names)) < len(names):
            raise ValueError(f"each learner may stand once, not {', '.join(names)}")
        return others

    @model_validator(mode="after")
    def _costs_of_arms(self) -> Self:
        if self.worth is not None and self.arms is not None:
            missing = sorted(set(self.arms) - set(self.worth.cost_cents))
            if missing:
                raise ValueError(f"worth.cost_cents has no {', '.join(missing)}")
        return self


RUN = UpliftRun
