"""The action catalogue: what may be done to a customer, at what cost, for whom and on which assumption."""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import (
    Field,
    ModelWrapValidatorHandler,
    PrivateAttr,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from crm_ml.actions.action_audience import Audience
from crm_ml.actions.action_identity import ActionIdentity
from crm_ml.actions.action_limits import ActionLimits
from crm_ml.actions.action_parts import PARTS, dealt, without_parts
from crm_ml.actions.action_value import ActionValue
from crm_ml.actions.contact.contact_policy import ContactPolicy
from crm_ml.actions.field_types import Rule, TagName
from crm_ml.errors import ConfigError
from crm_ml.tables.bundle import Tables
from crm_ml.tables.currencies import currency_of, minor_units
from crm_ml.tables.strict import Strict


class Action(Strict):
    """Something that may be done to a customer, on one channel or on several.

    A catalogue file gives the fields of all four parts side by side, without the names of the parts, and
    errors name them so.

    Parameters
    ----------
    identity : ActionIdentity
        Its name, purpose and channels, and what it is about.
    value : ActionValue
        What it costs and is expected to earn.
    limits : ActionLimits
        When it is offered, and how often.
    audience : Audience
        For whom it is meant.
    """

    identity: ActionIdentity
    value: ActionValue
    limits: ActionLimits
    audience: Audience = Audience()
    _whole: "Action | None" = PrivateAttr(default=None)
    _major: tuple[float, float] | None = PrivateAttr(default=None)
    _currency: str = PrivateAttr(default="")

    @classmethod
    def simple(
        cls,
        action_id: str,
        channel: str,
        *,
        cost: float,
        margin: float,
        effect: float,
        source: str,
        currency: str | None = None,
        expires_after_days: int = 14,
        **fields: Any,
    ) -> Self:
        """Make an action on one channel from amounts in the major unit, such as euros.

        Parameters
        ----------
        action_id, channel : str
        cost, margin : float
            What one contact costs and what is earned when it works; rounded to the minor unit.
        effect : float
            How often it works, in (0, 1].
        source : str
            Where effect and margin come from, in words.
        currency : str, optional
            Code of the currency of both amounts. By default that of the catalogue, which is that of the
            tables; until the action stands in one, amounts are in hundredths.
        expires_after_days : int
        **fields
            Any other field of an action: eligible, score, daily_cap ...

        Raises
        ------
        pydantic.ValidationError
            With all fields that are wrong.
        ConfigError
            If an amount is no finite number.

        Examples
        --------
        >>> source = "three coupons in twenty brought a visit in May"
        >>> coupon = Action.simple("coupon", "mail", cost=0.30, margin=3.0, effect=0.15, source=source)
        >>> coupon.value.cost_cents, coupon.limits.expires_after_days
        (30, 14)
        >>> amounts = {"cost": 30, "margin": 300, "effect": 0.15, "source": source}
        >>> Action.simple("coupon", "mail", **amounts, currency="JPY").value.cost_cents
        30
        """
        assumed = {"assumed_effect": effect, "assumption": source, "expires_after_days": expires_after_days}
        names = {"action_id": action_id, "channel": channel}
        action = cls.model_validate({**names, **_amounts(cost, margin, currency), **assumed, **fields})
        action._major, action._currency = (None, currency) if currency else ((cost, margin), "")
        return action

    def in_currency(self, code: str) -> Self:
        """Return the action with amounts of `simple` in the minor unit of its catalogue's currency.

        Raises
        ------
        ValueError
            If its amounts are in another one.
        """
        if code and self._currency not in ("", code):
            raise ValueError(
                f"the amounts of {self.action_id} are in {self._currency} and the catalogue in {code}; give "
                "them in the currency of the catalogue"
            )
        amounts = {} if self._major is None else _amounts(*self._major, code)
        action = self.model_copy(update={"value": self.value.model_copy(update=amounts)})
        action._major, action._currency = None, ""
        return action

    @model_validator(mode="wrap")
    @classmethod
    def _dealt(cls, content: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        """Deal fields that stand side by side to their parts, and name them alone in errors."""
        if not isinstance(content, Mapping) or set(content) & set(PARTS):
            return handler(content)
        try:
            return handler(dealt(content))
        except ValidationError as error:
            raise ValidationError.from_exception_data(cls.__name__, without_parts(error)) from None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.value.recommend is not None and self.identity.item_ids:
            raise ValueError(
                "item_ids and recommend exclude each other: items are the customer's or everybody's"
            )
        return self

    @property
    def action_id(self) -> str:
        """Name of the action."""
        return self.identity.action_id

    @property
    def channel(self) -> str:
        """Its channel; empty where it has several."""
        return self.identity.channel

    @property
    def key(self) -> str:
        """Name of an action on its channel: the action, and the channel where the action has several."""
        return self.identity.key

    @property
    def action_channels(self) -> "tuple[Action, ...]":
        """The action on each of its channels: copies with one `channel` and what differs there."""
        if not self.identity.channels:
            return (self,)
        copies = []
        for part in self.identity.channels:
            limits = {"daily_cap": part.daily_cap, "minimum": part.minimum}
            names = ("cost_cents", "assumed_effect", "assumption")
            value = {name: getattr(part, name) for name in names if getattr(part, name) is not None}
            copy = self.model_copy(
                update={
                    "identity": self.identity.model_copy(update={"channel": part.channel}),
                    "value": self.value.model_copy(update=value),
                    "limits": self.limits.model_copy(update=limits),
                }
            )
            copy._whole = self
            copies.append(copy)
        return tuple(copies)

    @property
    def whole(self) -> "Action":
        """The action on all its channels; itself where it has one channel."""
        return self if self._whole is None else self._whole


class Catalog(Strict):
    """All actions of a list, ordered by ``action_id``.

    Parameters
    ----------
    currency : str
        Three letters; every amount is in its minor unit.
    actions : tuple of Action
    tags : mapping of str to str
        Name to a rule over features and scores; a rule reads it as the boolean column ``tag_<name>``. Tags
        may name others, not in a circle.
    contact_policy : ContactPolicy
        How often, after what and when a customer may be contacted.
    """

    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    actions: Annotated[tuple[Action, ...], Field(strict=False, max_length=200)]
    tags: Mapping[TagName, Rule] = Field(default_factory=dict)
    contact_policy: ContactPolicy = Field(default_factory=ContactPolicy)

    @field_validator("actions")
    @classmethod
    def _sorted(cls, actions: tuple[Action, ...], others: ValidationInfo) -> tuple[Action, ...]:
        if not actions:
            raise ValueError("no action stands in it")
        repeated = [name for name, n in Counter(action.action_id for action in actions).items() if n > 1]
        if repeated:
            raise ValueError(f"action_id {', '.join(sorted(repeated))} stands more than once")
        actions = tuple(action.in_currency(others.data.get("currency", "")) for action in actions)
        return tuple(sorted(actions, key=lambda action: action.action_id))

    @model_validator(mode="after")
    def _named(self) -> Self:
        try:
            self.contact_policy.check([action.identity for action in self.actions])
        except ConfigError as error:
            raise ValueError(str(error)) from error
        return self

    def check_currency(self, tables: Tables) -> None:
        """Refuse tables whose orders are in another currency than the amounts of the actions.

        Raises
        ------
        ConfigError
        """
        code = currency_of(tables.frame("order_lines"))
        if code and code != self.currency:
            raise ConfigError(
                f"the actions are in {self.currency} and the orders in {code}; write the catalogue in minor "
                f"units of {code}, or bring the orders to {self.currency} by currency.rates of their mapping"
            )

    def action_channels(self, as_of: datetime) -> tuple[Action, ...]:
        """Return the actions whose offer runs at a moment, once for each of their channels."""
        running = [action for action in self.actions if action.limits.offered(as_of)]
        return tuple(copy for action in running for copy in action.action_channels)


def _amounts(cost: float, margin: float, code: str | None) -> dict[str, int]:
    return {"cost_cents": minor_units(cost, code or ""), "margin_cents": minor_units(margin, code or "")}
