"""The config of a propensity experiment: answers to campaigns, purchases in categories, or events."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from crm_ml.config.parts import Groups
from crm_ml.config.probability import SampledRun, SnapshotTarget
from crm_ml.config.split import CampaignSplit, SnapshotSplit
from crm_ml.tables.strict import Strict

Names = Annotated[tuple[str, ...], Field(strict=False, min_length=1)]


class AnswerTarget(Strict):
    """Outcome: a customer who is sent a campaign answers it in its window.

    Parameters
    ----------
    of : "answers"
        What is predicted.
    kinds : tuple of str, optional
        Kinds of campaign; all by default.
    responses : tuple of str, optional
        Kinds of response that count; all by default.
    purpose : str, optional
        Purpose that customers must have consented to for their rows to train a model; required if the tables
        have consents.
    """

    of: Literal["answers"]
    kinds: Names | None = None
    responses: Names | None = None
    purpose: str | None = None


class PurchaseTarget(SnapshotTarget):
    """Outcome: an active customer buys in a category within the horizon.

    Parameters
    ----------
    of : "purchases"
        What is predicted.
    categories : tuple of str
        Categories of the table of items.
    horizon_days, gap_days, active_within_days, purpose
        See `SnapshotTarget`.
    """

    of: Literal["purchases"]
    categories: Names


class EventTarget(SnapshotTarget):
    """Outcome: an active customer makes an event of a kind within the horizon; each kind is predicted.

    Parameters
    ----------
    of : "events"
        What is predicted.
    kinds : tuple of str
        Such as ``[lesson]`` or ``[upgrade]``.
    horizon_days, gap_days, active_within_days, purpose
        See `SnapshotTarget`; active is who made an event of any kind.
    """

    of: Literal["events"]
    kinds: Names

    @property
    def predicts(self) -> str:
        """What a model says of a customer, for its card."""
        kinds = " or ".join(self.kinds)
        return f"the probability that an active customer makes an event of kind {kinds} in time"


class PropensityRun(SampledRun):
    """A propensity experiment: one file of ``configs/propensity/``; parameters beside those of a probability.

    Parameters
    ----------
    family : "propensity"
    target : AnswerTarget, PurchaseTarget or EventTarget
    split : CampaignSplit or SnapshotSplit
        Campaigns for answers, snapshots for purchases and events.
    """

    family: Literal["propensity"]
    target: Annotated[AnswerTarget | PurchaseTarget | EventTarget, Field(discriminator="of")]
    split: CampaignSplit | SnapshotSplit

    @property
    def needed_groups(self) -> Groups:
        """The rhythm of the events that are predicted."""
        if not isinstance(self.target, EventTarget):
            return {}
        return {"event_rhythm": {"kinds": list(self.target.kinds)}}

    @model_validator(mode="after")
    def _split_of_target(self) -> Self:
        if isinstance(self.target, AnswerTarget) != isinstance(self.split, CampaignSplit):
            raise ValueError(
                "split answers by campaign (test_from, test_until), purchases and events by snapshot (test)"
            )
        return self


RUN = PropensityRun
