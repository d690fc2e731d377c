"""One action: something that may be done to a customer, with its parts, channels and simple form."""

from collections.abc import Mapping
from typing import Any, Self

from pydantic import ModelWrapValidatorHandler, PrivateAttr, ValidationError, model_validator

from crm_ml.actions.action_audience import Audience
from crm_ml.actions.action_identity import ActionIdentity
from crm_ml.actions.action_limits import ActionLimits
from crm_ml.actions.action_parts import PARTS, dealt, without_parts
from crm_ml.actions.action_value import ActionValue
from crm_ml.actions.simple_action import Amount, SimpleAction
from crm_ml.tables.strict import Strict, validate


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
    _simple: SimpleAction | None = PrivateAttr(default=None)
    _currency: str = PrivateAttr(default="")

    @classmethod
    def simple(
        cls,
        action_id: str,
        channel: str,
        *,
        cost: Amount,
        margin: Amount | None = None,
        effect: float | None = None,
        arm: str | None = None,
        retention: bool = False,
        at_most: Amount | None = None,
        recommend: int | Mapping[str, Any] | None = None,
        source: str | None = None,
        currency: str | None = None,
        **fields: Any,
    ) -> Self:
        """Make an action on one channel from amounts in the major unit, such as euros.

        Parameters
        ----------
        action_id, channel : str
        cost : float, Decimal or str
            What one contact costs, offer included; rounded to the minor unit, as all amounts.
        margin : float, Decimal or str, optional
            What is earned when it works, before its cost; for `recommend` what one item earns.
        effect : float, optional
            How often it works, in (0, 1], among the customers that the score is about. Without it the effect
            is the one that an uplift model has measured for `arm`: a list without such a model is refused,
            since every value of it would be invented.
        arm : str, optional
            Arm of the uplift model whose effect replaces `effect` once it is verified; `action_id` where no
            effect is stated.
        retention : bool
            In place of `margin`: what works earns the lifetime value of a model of clv, as it is; with
            `at_most` (an amount) that of a customer who is still there, ``clv / p_alive``, at most so much.
        recommend : int or mapping, optional
            How many of the items of a model of recommend a row carries; the score is ``"p_items"`` then.
        source : str, optional
            Where effect and margin come from, in words; without it the action says that they were stated.
        currency : str, optional
            Code of the currency of the amounts. By default that of the catalogue, which is that of the
            tables; until the action stands in one, amounts are in hundredths.
        **fields
            Any other field of an action, among them ``score`` (``"p_churn"`` of a model of churn; an action
            without score is worth the same to everybody), ``answer`` (of a model of propensity, whose score
            ``"p_response"`` goes with it), eligible, purpose ("marketing"), daily_cap and expires_after_days
            (14 without it).

        Raises
        ------
        ConfigError
            With all arguments that are wrong.

        Examples
        --------
        >>> coupon = Action.simple("coupon", "mail", cost=0.30, margin=3, effect=0.15, score="p_churn")
        >>> coupon.value.cost_cents, coupon.identity.purpose, coupon.limits.expires_after_days
        (30, 'marketing', 14)
        >>> Action.simple("coupon", "mail", cost="30", margin=9, effect=0.15, currency="JPY").value.cost_cents
        30
        >>> Action.simple("coupon", "mail", cost=0.30, margin=3, effect=1.5, dayly_cap=3)
        Traceback (most recent call last):
        ...
        crm_ml.errors.ConfigError: action coupon: 1 mistake
          dayly_cap: no field of an action; did you mean daily_cap?
        """
        simple = SimpleAction(
            action_id=action_id,
            channel=channel,
            amounts={"cost": cost, "margin": margin, "at_most": at_most},
            effect=effect,
            arm=arm,
            retention=retention,
            recommend=recommend,
            source=source,
            fields=fields,
        )
        action = validate(simple.content(currency or ""), cls, f"action {action_id}", simple.words)
        action._simple, action._currency = simple, currency or ""
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
        if self._simple is None:
            return self
        return validate(self._simple.content(code), type(self), f"action {self.action_id}")

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
