"""What an action is called, what it is about, and on which channels it reaches a customer."""

from collections import Counter
from typing import Annotated, Self

from pydantic import Field, model_validator

from crm_ml.actions.action_limits import crossed
from crm_ml.actions.field_types import Cents, Count, Name, Probability, Source, Texts
from crm_ml.tables.strict import Strict


class ByChannel(Strict):
    """One of several channels of an action, with what differs there.

    Parameters
    ----------
    channel : str
        The channel.
    cost_cents : int, optional
        Cost of a contact in this channel, in place of the action's.
    assumed_effect : float, optional
        Effect in this channel, in place of the action's.
    assumption : str, optional
        Where the figures of this channel come from, in words, in place of the action's.
    daily_cap : int, optional
        At most this many rows of this channel in one list; the action's limits all its channels together.
    minimum : int, optional
        At least this many rows of this channel in one list.
    """

    channel: Name
    cost_cents: Cents | None = None
    assumed_effect: Probability | None = None
    assumption: Source | None = None
    daily_cap: Count | None = None
    minimum: Count | None = None


class ActionIdentity(Strict):
    """The name of an action, its purpose, its channels, and the items and campaigns it is about.

    Parameters
    ----------
    action_id : str
        Name of the action: lower-case letters, digits, ``_`` and ``-``.
    channel : str
        Where the action has one.
    channels : tuple of ByChannel
        Where it has several.
    purpose : str
        What customers must have consented to, in the action's channel; written as `action_id` is.
    description : str
        The action in words, for people.
    campaigns : tuple of str
        Campaigns of the tables whose touches are touches of this action, beside the campaign `action_id`.
    item_ids : tuple of str
        Items that the action is about, the same for everybody.
    """

    action_id: Name
    channel: Name = ""
    channels: Annotated[tuple[ByChannel, ...], Field(strict=False, max_length=20)] = ()
    purpose: Name = "marketing"
    description: str = ""
    campaigns: Texts = ()
    item_ids: Texts = ()

    @model_validator(mode="after")
    def _of_channels(self) -> Self:
        breaches = []
        if bool(self.channel) == bool(self.channels):
            breaches.append("give either channel or channels")
        repeated = [name for name, n in Counter(part.channel for part in self.channels).items() if n > 1]
        breaches += [f"channel {name} stands more than once" for name in sorted(repeated)]
        for part in self.channels:
            limits = crossed(part.daily_cap, part.minimum)
            breaches += [f"{self.action_id}/{part.channel}: {breach}" for breach in limits]
        if breaches:
            raise ValueError("; ".join(breaches))
        return self

    @property
    def channel_names(self) -> tuple[str, ...]:
        """All channels of the action."""
        return tuple(part.channel for part in self.channels) or (self.channel,)

    @property
    def key(self) -> str:
        """Name of an action on its channel: the action, and the channel where the action has several."""
        return f"{self.action_id}/{self.channel}" if len(self.channels) > 1 else self.action_id
