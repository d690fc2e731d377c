"""The action catalogue: what may be done to a customer, at what cost, for whom and on which assumption."""

from collections import Counter
from collections.abc import Collection, Mapping
from datetime import date, datetime, time, timedelta
from typing import Annotated, Self

from pydantic import Field, PrivateAttr, field_validator, model_validator

from crm_ml.actions.action_parts import (
    Answer,
    ByChannel,
    Cents,
    Context,
    Count,
    Factors,
    Levers,
    Name,
    Probability,
    RecommendOf,
    RetentionValue,
    UpliftOf,
    checked_rule,
)
from crm_ml.actions.contact.contact_policy import ContactPolicy
from crm_ml.errors import ConfigError
from crm_ml.snapshots import as_utc
from crm_ml.tables.strict import Strict


class Action(Strict):
    """One thing that may be done to a customer, on one channel or on several.

    Its expected value is ``uplift * worth_cents - cost_cents`` where an uplift model is verified for the arm
    of `uplift`. Otherwise it rests on an assumption: ``p * assumed_effect * margin_cents - cost_cents`` with
    p the customer's `score`, or ``assumed_effect * margin_cents - cost_cents`` where the action has no score.
    With `retention` the margin is the customer's own. The score p_items is a sum: how many of the action's
    items the customer is expected to buy.

    Parameters
    ----------
    action_id, purpose : str
        Lower-case letters, digits, ``_`` and ``-``; consent is asked for by purpose and channel.
    channel : str
        Where the action has one.
    channels : tuple of ByChannel
        Where it has several.
    cost_cents : int
        What one contact costs, offer included.
    margin_cents : int, optional
        What is earned when it works, before `cost_cents`.
    retention : RetentionValue, optional
        In place of `margin_cents`: what the customer is worth who stays.
    score : str, optional
        Column of a score table that the value starts from, such as p_churn, p_response or p_items; a customer
        without this score does not get the action.
    answer : Answer, optional
        What p_response is the probability of; needed by that score.
    recommend : RecommendOf, optional
        The customer's own items; needed by the score p_items.
    uplift : UpliftOf, optional
        What a verified uplift model values the action by, in place of the assumption.
    assumed_effect : float
        In (0, 1]: how often the action works (for a score: among the customers it is about).
    assumption : str
        Where `assumed_effect` and `margin_cents` come from, in words.
    levers : Levers
        How the business weighs the action.
    context : tuple of Context
        How it weighs the action for customers in a situation.
    eligible : str, optional
        Rule of `crm_ml.rules.grammar` over features, scores and tags; everyone without it.
    applicable : str, optional
        A second rule: for whom of the eligible the action makes sense now.
    campaigns : tuple of str
        Campaigns of the tables whose touches are touches of this action, beside the campaign `action_id`.
    valid_from, valid_until : date, optional
        First and last day (UTC) of the offer.
    stock : int, optional
        Offers there are in all; contacts of the action on record count against it.
    expires_after_days : int
        A row of the list is void this many days after ``as_of``.
    daily_cap, minimum : int, optional
        At most and at least this many rows in one list.
    item_ids : tuple of str
        Items that the action is about, the same for everybody.
    """

    action_id: Name
    channel: Name = ""
    channels: Annotated[tuple[ByChannel, ...], Field(strict=False, max_length=20)] = ()
    purpose: Name = "marketing"
    description: str = ""
    cost_cents: Cents
    margin_cents: Cents | None = None
    retention: RetentionValue | None = None
    score: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")] | None = None
    answer: Answer | None = None
    recommend: RecommendOf | None = None
    uplift: UpliftOf | None = None
    assumed_effect: Probability
    assumption: Annotated[str, Field(min_length=10)]
    levers: Levers = Levers()
    context: Annotated[tuple[Context, ...], Field(strict=False)] = ()
    eligible: str | None = None
    applicable: str | None = None
    campaigns: Annotated[tuple[str, ...], Field(strict=False)] = ()
    valid_from: date | None = None
    valid_until: date | None = None
    stock: Count | None = None
    expires_after_days: Annotated[int, Field(ge=1, le=365)]
    daily_cap: Count | None = None
    minimum: Count | None = None
    item_ids: Annotated[tuple[str, ...], Field(strict=False)] = ()
    _whole: "Action | None" = PrivateAttr(default=None)

    @field_validator("eligible", "applicable")
    @classmethod
    def _rule(cls, rule: str | None) -> str | None:
        return None if rule is None else checked_rule(rule)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        breaches = [*self._of_windows(), *self._of_values(), *self._of_channels()]
        if breaches:
            raise ValueError("; ".join(breaches))
        return self

    def _of_windows(self) -> list[str]:
        if self.valid_from and self.valid_until and self.valid_until < self.valid_from:
            return [f"valid_until {self.valid_until} lies before valid_from {self.valid_from}"]
        return []

    def _of_values(self) -> list[str]:
        found = []
        if (self.margin_cents is None) == (self.retention is None):
            found.append("give either margin_cents or retention, which says what a customer who stays earns")
        if (self.score == "p_response") != (self.answer is not None):
            found.append("score: p_response and answer belong together: the answer says what to predict")
        if self.score == "p_items" and self.recommend is None:
            found.append("score: p_items needs recommend, which says what to recommend")
        if self.recommend is not None and self.item_ids:
            found.append("item_ids and recommend exclude each other: items are the customer's or everybody's")
        return found

    def _of_channels(self) -> list[str]:
        found = []
        if bool(self.channel) == bool(self.channels):
            found.append("give either channel or channels")
        twice = [name for name, n in Counter(one.channel for one in self.channels).items() if n > 1]
        found += [f"channel {name} stands more than once" for name in sorted(twice)]
        limits = [(self.action_id, self.minimum, self.daily_cap)]
        limits += [(f"{self.action_id}/{one.channel}", one.minimum, one.daily_cap) for one in self.channels]
        found += [
            f"{key}: minimum {least} lies above daily_cap {cap}"
            for key, least, cap in limits
            if least is not None and cap is not None and least > cap
        ]
        return found

    @property
    def offerings(self) -> "tuple[Action, ...]":
        """The action on each of its channels: copies with one `channel` and what differs there."""
        if not self.channels:
            return (self,)
        copies = []
        for one in self.channels:
            own = {name: value for name, value in one if value is not None}
            limits = {"daily_cap": one.daily_cap, "minimum": one.minimum}
            offering = self.model_copy(update={**own, **limits})
            offering._whole = self
            copies.append(offering)
        return tuple(copies)

    @property
    def whole(self) -> "Action":
        """The action that an offering belongs to; itself where it has one channel."""
        return self if self._whole is None else self._whole

    @property
    def key(self) -> str:
        """Name of an offering: the action, and its channel where the action has several."""
        return f"{self.action_id}/{self.channel}" if len(self.channels) > 1 else self.action_id

    def measured(self, verified: Collection[str]) -> UpliftOf | None:
        """Return what values the action where its effect was measured: its uplift, of a verified arm."""
        return self.uplift if self.uplift is not None and self.uplift.arm in verified else None

    @property
    def needed_scores(self) -> dict[str, str]:
        """What of the action needs a score, with the name of the score."""
        needed = {} if self.score is None else {f"score {self.score}": self.score}
        needed |= {} if self.retention is None else {"retention": "clv_cents"}
        return needed | ({} if self.recommend is None else {"recommend": "p_items"})

    def value_basis(self, measuring: Mapping[str, str]) -> str:
        """Return what the expected value rests on, as every row of the list has it.

        Parameters
        ----------
        measuring : mapping of str to str
            Verified arm to the model that measured its effect.
        """
        measured = self.measured(measuring)
        if measured is not None:
            return f"uplift of {measured.arm} by {measuring[measured.arm]}"
        earned = "" if self.retention is None else " x lifetime value of who stays"
        return f"{self.score} x assumed effect{earned}" if self.score else f"assumed rate{earned}"

    def offered(self, as_of: datetime) -> bool:
        """Say whether the offer runs at a moment."""
        begun = self.valid_from is None or as_utc(self.valid_from) <= as_of
        return begun and (self.valid_until is None or as_of < _end(self.valid_until))

    def expires_at(self, as_of: datetime) -> datetime:
        """Return when a row made at `as_of` becomes void: after its days or when the offer ends."""
        after_days = as_of + timedelta(days=self.expires_after_days)
        return after_days if self.valid_until is None else min(after_days, _end(self.valid_until))


class Catalog(Strict):
    """All actions of a list, ordered by ``action_id``.

    Parameters
    ----------
    currency : str
        Three letters; every amount is in its minor unit.
    actions : tuple of Action
    tags : mapping of str to str
        Name to a rule over features and scores; a rule reads it as the boolean column ``tag_<name>``. A tag
        may name those above it.
    factors : Factors
        Which parts of the priority count.
    contact_policy : ContactPolicy
        How often, after what and when a customer may be contacted.
    """

    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    actions: Annotated[tuple[Action, ...], Field(strict=False, max_length=200)]
    tags: Mapping[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")], str] = Field(default_factory=dict)
    factors: Factors = Factors()
    contact_policy: ContactPolicy = Field(default_factory=ContactPolicy)

    @field_validator("tags")
    @classmethod
    def _tags(cls, tags: Mapping[str, str]) -> Mapping[str, str]:
        return {name: checked_rule(rule) for name, rule in tags.items()}

    @field_validator("actions")
    @classmethod
    def _sorted(cls, actions: tuple[Action, ...]) -> tuple[Action, ...]:
        if not actions:
            raise ValueError("no action stands in it")
        names = [action.action_id for action in actions]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"action_id {', '.join(twice)} stands more than once")
        return tuple(sorted(actions, key=lambda action: action.action_id))

    @model_validator(mode="after")
    def _named(self) -> Self:
        try:
            self.contact_policy.check(self.actions)
        except ConfigError as error:
            raise ValueError(str(error)) from error
        return self

    def offerings(self, as_of: datetime) -> tuple[Action, ...]:
        """Return the actions whose offer runs at a moment, once for each of their channels."""
        running = [action for action in self.actions if action.offered(as_of)]
        return tuple(offering for action in running for offering in action.offerings)


def _end(day: date) -> datetime:
    return as_utc(datetime.combine(day, time()) + timedelta(days=1))
