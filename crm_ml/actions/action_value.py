"""What an action costs and is expected to earn, on which assumption, and how the business weighs it."""

from collections.abc import Collection, Mapping
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from crm_ml.actions.field_types import Cents, Percent, Probability, Rule, Source, Texts
from crm_ml.errors import ConfigError
from crm_ml.recommend.list_rules import Rules
from crm_ml.tables.strict import Strict


class Answer(Strict):
    """The answer to an action whose probability is the score p_response.

    Parameters
    ----------
    kind : str
        Kind of campaign, or the category, as the model of answers knows it.
    days : int
        Length of the window in which an answer counts.
    by : {"campaign", "category", "item", "event"}
        What the action offers: the offers of past campaigns, categories, or items; or that an answer is an
        event of a kind.
    names : tuple of str
        Campaigns, categories, items or kinds of event.
    """

    kind: str
    days: Annotated[int, Field(ge=1, le=366)]
    by: Literal["campaign", "category", "item", "event"]
    names: Annotated[Texts, Field(min_length=1)]


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
        The most that a customer who stays is taken to be worth.

    References
    ----------
    .. [1] Lemmens and Gupta (2020). Managing churn to maximize profits. Marketing Science 39: the gain of a
       contact is the change of the chance to stay times the lifetime value of who stays.
    """

    share: Probability = 1.0
    if_alive: bool = True
    at_most_cents: Annotated[int, Field(ge=1, le=10**9)]


class Levers(Strict):
    """Weights of the business in percent, for the issue and the group of an action and for itself.

    Their sum s weighs the action by ``1 + s / 100``: 20 and 25 and 10 make it 1.55 times as urgent [1]_.

    Parameters
    ----------
    issue : float
        Weight of the issue, such as retention, in percent; a sum s below -100 counts as -100.
    group : float
        Weight of the group of actions, in percent.
    action : float
        Weight of the action itself, in percent.

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


class SituationWeight(Strict):
    """A weight in percent for customers in a situation; all that apply add up as levers do.

    Parameters
    ----------
    when : str
        Rule of `crm_ml.rules.grammar`.
    weight : float
        From -100 to 1000; 20 makes the action 1.2 times as urgent.
    """

    when: Rule
    weight: Percent


class ActionValue(Strict):
    """What one contact costs and is expected to earn.

    The expected value is ``uplift * worth_cents - cost_cents`` where an uplift model is verified for the arm
    of `uplift`. Otherwise it rests on an assumption: ``p * assumed_effect * margin_cents - cost_cents`` with
    p the customer's `score`, or ``assumed_effect * margin_cents - cost_cents`` where the action has no score.
    With `retention` the margin is the customer's own. The score p_items is a sum: how many of the action's
    items the customer is expected to buy.

    Parameters
    ----------
    cost_cents : int
        What one contact costs, offer included.
    margin_cents : int, optional
        What is earned when it works, before `cost_cents`.
    retention : RetentionValue, optional
        In place of `margin_cents`: what the customer is worth who stays.
    score : str, optional
        Probability that the value starts from, a column ``p_...`` of a score table such as p_churn,
        p_response or p_items; a customer without this score does not get the action.
    answer : Answer, optional
        What p_response is the probability of; needed by that score.
    recommend : RecommendOf, optional
        The customer's own items; needed by the score p_items.
    uplift : UpliftOf, optional
        What a verified uplift model values the action by, in place of the assumption.
    assumed_effect : float, optional
        In (0, 1]: how often the action works (for a score: among the customers it is about). It may be left
        out beside `uplift`; a list is refused then unless that arm is verified.
    assumption : str
        Where `assumed_effect` and `margin_cents` come from, in words.
    levers : Levers
        How the business weighs the action.
    context : tuple of SituationWeight
        How it weighs the action for customers in a situation.
    """

    cost_cents: Cents
    margin_cents: Cents | None = None
    retention: RetentionValue | None = None
    score: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")] | None = None
    answer: Answer | None = None
    recommend: RecommendOf | None = None
    uplift: UpliftOf | None = None
    assumed_effect: Probability | None = None
    assumption: Source
    levers: Levers = Levers()
    context: Annotated[tuple[SituationWeight, ...], Field(strict=False)] = ()

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        breaches = []
        if (self.margin_cents is None) == (self.retention is None):
            breaches.append(
                "give either margin_cents or retention, which says what a customer who stays earns"
            )
        if (self.score == "p_response") != (self.answer is not None):
            breaches.append("score: p_response and answer belong together: the answer says what to predict")
        if self.score == "p_items" and self.recommend is None:
            breaches.append("score: p_items needs recommend, which says what to recommend")
        if self.assumed_effect is None and self.uplift is None:
            breaches.append("give assumed_effect, or uplift, which names the arm whose effect was measured")
        if breaches:
            raise ValueError("; ".join(breaches))
        return self

    @property
    def needed_scores(self) -> dict[str, str]:
        """What of the action needs a score, with the name of the score."""
        needed = {} if self.score is None else {f"score {self.score}": self.score}
        needed |= {} if self.retention is None else {"retention": "clv_cents"}
        return needed | ({} if self.recommend is None else {"recommend": "p_items"})

    def measured(self, verified: Collection[str]) -> UpliftOf | None:
        """Return what values the action where its effect was measured: its uplift, of a verified arm."""
        return self.uplift if self.uplift is not None and self.uplift.arm in verified else None

    def stated_effect(self) -> float:
        """Return the assumed effect of an action whose effect nothing has measured.

        Raises
        ------
        ConfigError
            If none was stated.
        """
        if self.assumed_effect is None:
            raise ConfigError("no effect is stated and none was measured, so the action has no value")
        return self.assumed_effect

    def basis(self, measuring: Mapping[str, str]) -> str:
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
