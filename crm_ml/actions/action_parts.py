"""What an action is made of: its channels, what values it, and how the business weighs it."""

from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from crm_ml.errors import ConfigError
from crm_ml.recommend.list_rules import Rules
from crm_ml.rules.grammar import parse
from crm_ml.tables.strict import Strict

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]
Cents = Annotated[int, Field(ge=0, le=10**9)]
Probability = Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)]
Percent = Annotated[float, Field(ge=-100, le=1000, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=1)]


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


class RetentionValue(Strict):
    """What a customer who stays is worth, in place of one margin for all.

    The lifetime value of the value model counts the chance that the customer is gone already. An action that
    keeps or wakes a customer earns what an active one is worth: ``share * clv_cents / p_alive`` [1]_, at most
    `at_most_cents`, since the quotient of two small numbers is uncertain.

    Parameters
    ----------
    share : float
        Part of the lifetime value that the action secures.
    if_alive : bool
        Divide by p_alive; without it the value is ``share * clv_cents``.
    at_most_cents : int

    References
    ----------
    .. [1] Lemmens and Gupta (2020). Managing churn to maximize profits. Marketing Science 39: the gain of a
       contact is the change of the chance to stay times the lifetime value of who stays.
    """

    share: Probability = 1.0
    if_alive: bool = True
    at_most_cents: Annotated[int, Field(ge=1, le=10**9)]


class ByChannel(Strict):
    """One of several channels of an action, with what differs there.

    Parameters
    ----------
    channel : str
    cost_cents, assumed_effect, assumption, daily_cap, minimum : optional
        In place of the action's, which then limit all its channels together.
    """

    channel: Name
    cost_cents: Cents | None = None
    assumed_effect: Probability | None = None
    assumption: Annotated[str, Field(min_length=10)] | None = None
    daily_cap: Count | None = None
    minimum: Count | None = None


class Levers(Strict):
    """Weights of the business in percent, for the issue and the group of an action and for itself.

    Their sum s weighs the action by ``1 + s / 100``: 20 and 25 and 10 make it 1.55 times as urgent [1]_.

    Parameters
    ----------
    issue, group, action : float
        From -100; below -100 in all counts as -100.

    References
    ----------
    .. [1] Pega Customer Decision Hub user guide 8.6, Arbitration strategy: priority = P * C * V * L.
    """

    issue: Percent = 0.0
    group: Percent = 0.0
    action: Percent = 0.0

    @property
    def factor(self) -> float:
        """``1 + sum / 100``, not below 0."""
        return max(0.0, 1.0 + (self.issue + self.group + self.action) / 100.0)


class Context(Strict):
    """A weight in percent for customers in a situation; those of all that hold add up as levers do.

    Parameters
    ----------
    when : str
        Rule of `crm_ml.rules.grammar`.
    weight : float
    """

    when: str
    weight: Percent

    @field_validator("when")
    @classmethod
    def _rule(cls, rule: str) -> str:
        return checked_rule(rule)


class Factors(Strict):
    """Which parts of the priority count; a part that is off counts as 1 (value: one major unit; cost: 0).

    ``priority = propensity * context * value * levers - cost``. The expected value of a row, in money,
    always has propensity, value and cost.
    """

    propensity: bool = True
    context: bool = True
    value: bool = True
    levers: bool = True
    cost: bool = True

    @property
    def off(self) -> tuple[str, ...]:
        """Names of the factors that are switched off."""
        return tuple(name for name in type(self).model_fields if not getattr(self, name))


class Budget(Strict):
    """Money for the costs of some actions or channels, all without them.

    Parameters
    ----------
    name : str
    cents : int
    actions, channels : tuple of str
        Whose costs count.
    """

    name: Name
    cents: Cents
    actions: Annotated[tuple[Name, ...], Field(strict=False)] = ()
    channels: Annotated[tuple[Name, ...], Field(strict=False)] = ()

    @model_validator(mode="after")
    def _one(self) -> Self:
        if self.actions and self.channels:
            raise ValueError("a budget is of actions or of channels, not of both; write two budgets")
        return self


def checked_rule(rule: str) -> str:
    """Return a rule that the grammar knows; a ValueError otherwise, as pydantic wants it."""
    try:
        parse(rule)
    except ConfigError as error:
        raise ValueError(str(error)) from error
    return rule
