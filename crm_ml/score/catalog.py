"""The action catalogue: what may be done to a customer, at what cost, for whom and on which assumption."""

from collections.abc import Collection
from datetime import date, datetime, time, timedelta
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from crm_ml.errors import ConfigError
from crm_ml.recommend.rules import Rules
from crm_ml.score.grammar import parse
from crm_ml.snapshots import as_utc
from crm_ml.tables.strict import Strict

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]
Cents = Annotated[int, Field(ge=0, le=10**9)]
Probability = Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)]


class Answer(Strict):
    """The answer to an action whose probability is the score p_response.

    Parameters
    ----------
    kind : str
        Kind of campaign, or the category, as the model of answers knows it.
    days : int
        Length of the window in which an answer counts.
    by : {"campaign", "category", "item"}
        What the action offers: the offers of past campaigns, categories, or items.
    names : tuple of str
        Campaigns, categories or items.
    """

    kind: str
    days: Annotated[int, Field(ge=1, le=366)]
    by: Literal["campaign", "category", "item"]
    names: Annotated[tuple[str, ...], Field(strict=False, min_length=1)]


class UpliftOf(Strict):
    """The arm of a randomised campaign whose measured effect values the action.

    Parameters
    ----------
    arm : str
        Treated arm that the uplift model was trained on.
    worth_cents : float
        What one more unit of the model's outcome earns: a visit, an order, or a cent of spend (its margin).
    """

    arm: str
    worth_cents: Annotated[float, Field(gt=0, le=1e9, allow_inf_nan=False)]


class RecommendOf(Strict):
    """The items that a row of the action carries, for each customer those of the item model.

    Parameters
    ----------
    items : int
        At most so many.
    repeats : bool
        Whether items that the customer had before may be among them.
    segment : str, optional
        Feature that is the customer's segment, for rules and for those without a past.
    rules : Rules
    """

    items: Annotated[int, Field(ge=1, le=100)]
    repeats: bool = True
    segment: str | None = None
    rules: Rules = Field(default_factory=Rules)


class Action(Strict):
    """One thing that may be done to a customer.

    Its expected value is ``uplift * worth_cents - cost_cents`` where an uplift model is verified for the arm
    of `uplift`. Otherwise it rests on an assumption: ``p * assumed_effect * margin_cents - cost_cents`` with
    p the customer's `score`, or ``assumed_effect * margin_cents - cost_cents`` where the action has no score.
    The score p_items is a sum: how many of the action's items the customer is expected to buy.

    Parameters
    ----------
    action_id, channel, purpose : str
        Lower-case letters, digits, ``_`` and ``-``; consent is asked for by purpose and channel.
    cost_cents : int
        What one contact costs, offer included.
    margin_cents : int
        What is earned when it works, before `cost_cents`.
    score : {"p_churn", "p_response", "p_items"}, optional
        What the value starts from; a customer without this score does not get the action.
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
    eligible : str, optional
        Rule of `crm_ml.score.grammar`; everyone without it.
    valid_from, valid_until : date, optional
        First and last day (UTC) of the offer.
    expires_after_days : int
        A row of the list is void this many days after ``as_of``.
    daily_cap : int, optional
        At most this many rows in one list.
    item_ids : tuple of str
        Items that the action is about, the same for everybody.
    """

    action_id: Name
    channel: Name
    purpose: Name = "marketing"
    description: str = ""
    cost_cents: Cents
    margin_cents: Cents
    score: Literal["p_churn", "p_response", "p_items"] | None = None
    answer: Answer | None = None
    recommend: RecommendOf | None = None
    uplift: UpliftOf | None = None
    assumed_effect: Probability
    assumption: Annotated[str, Field(min_length=10)]
    eligible: str | None = None
    valid_from: date | None = None
    valid_until: date | None = None
    expires_after_days: Annotated[int, Field(ge=1, le=365)]
    daily_cap: Annotated[int, Field(ge=1)] | None = None
    item_ids: Annotated[tuple[str, ...], Field(strict=False)] = ()

    @field_validator("eligible")
    @classmethod
    def _rule(cls, rule: str | None) -> str | None:
        try:
            if rule is not None:
                parse(rule)
        except ConfigError as error:
            raise ValueError(str(error)) from error
        return rule

    @model_validator(mode="after")
    def _window(self) -> Self:
        if self.valid_from and self.valid_until and self.valid_until < self.valid_from:
            raise ValueError(f"valid_until {self.valid_until} lies before valid_from {self.valid_from}")
        return self

    @model_validator(mode="after")
    def _answer(self) -> Self:
        if (self.score == "p_response") != (self.answer is not None):
            raise ValueError("score: p_response and answer belong together: the answer says what to predict")
        return self

    @model_validator(mode="after")
    def _items(self) -> Self:
        if self.score == "p_items" and self.recommend is None:
            raise ValueError("score: p_items needs recommend, which says what to recommend")
        if self.recommend is not None and self.item_ids:
            raise ValueError(
                "item_ids and recommend exclude each other: items are the customer's or everybody's"
            )
        return self

    def measured(self, verified: Collection[str]) -> UpliftOf | None:
        """Return what values the action where its effect was measured: its uplift, of a verified arm."""
        return self.uplift if self.uplift is not None and self.uplift.arm in verified else None

    def value_basis(self, verified: Collection[str], uplift_model: str) -> str:
        """Say what the expected value rests on, as every row of the list does."""
        measured = self.measured(verified)
        if measured is not None:
            return f"uplift of {measured.arm} by {uplift_model}"
        return f"{self.score} x assumed effect" if self.score else "assumed rate"

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
    """

    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    actions: Annotated[tuple[Action, ...], Field(strict=False, max_length=200)]

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

    def offered(self, as_of: datetime) -> tuple[Action, ...]:
        """Return the actions whose offer runs at a moment."""
        return tuple(action for action in self.actions if action.offered(as_of))


def _end(day: date) -> datetime:
    return as_utc(datetime.combine(day, time()) + timedelta(days=1))
