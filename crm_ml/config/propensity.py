"""The config of a propensity experiment: answers to campaigns, or purchases in categories."""

from datetime import date, timedelta
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from crm_ml.config.parts import Positive
from crm_ml.config.probability import ProbabilityRun
from crm_ml.config.split import CampaignSplit, SnapshotSplit
from crm_ml.snapshots import Snapshot
from crm_ml.tables.strict import Strict

Names = Annotated[tuple[str, ...], Field(strict=False, min_length=1)]


class AnswerTarget(Strict):
    """A customer who is sent a campaign answers it in its window.

    Parameters
    ----------
    of : "answers"
    kinds : tuple of str, optional
        Kinds of campaign; all without it.
    responses : tuple of str, optional
        Kinds of response that count; all without it.
    purpose : str, optional
        What customers must have allowed for their rows to train a model; needed where the tables have
        consents.
    """

    of: Literal["answers"]
    kinds: Names | None = None
    responses: Names | None = None
    purpose: str | None = None


class PurchaseTarget(Strict):
    """An active customer buys in a category within the horizon.

    Parameters
    ----------
    of : "purchases"
    categories : tuple of str
        Categories of the table of items.
    horizon_days, gap_days : int
        Length of the label window and its distance from the snapshot.
    active_within_days : int
        Customers with an order in this many days before the snapshot are predicted.
    purpose : str, optional
        See `AnswerTarget`.
    """

    of: Literal["purchases"]
    categories: Names
    horizon_days: Positive
    gap_days: Annotated[int, Field(ge=0)] = 0
    active_within_days: Positive
    purpose: str | None = None

    def snapshot(self, as_of: date) -> Snapshot:
        """Return the snapshot of this target at a day."""
        return Snapshot(as_of, timedelta(days=self.horizon_days), timedelta(days=self.gap_days))  # type: ignore[arg-type]

    @property
    def active_within(self) -> timedelta:
        """`active_within_days` as a time."""
        return timedelta(days=self.active_within_days)


class PropensityRun(ProbabilityRun):
    """A propensity experiment: one file of ``configs/propensity/``; parameters beside those of a probability.

    Parameters
    ----------
    family : "propensity"
    target : AnswerTarget or PurchaseTarget
    split : CampaignSplit or SnapshotSplit
        Campaigns for answers, snapshots for purchases.
    """

    family: Literal["propensity"]
    target: Annotated[AnswerTarget | PurchaseTarget, Field(discriminator="of")]
    split: CampaignSplit | SnapshotSplit

    @model_validator(mode="after")
    def _split_of_target(self) -> Self:
        if isinstance(self.target, AnswerTarget) != isinstance(self.split, CampaignSplit):
            raise ValueError(
                "split answers by campaign (test_from, test_until), purchases by snapshot (test)"
            )
        return self


RUN = PropensityRun
