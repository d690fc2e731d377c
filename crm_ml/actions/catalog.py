"""The action catalogue: what may be done to a customer, at what cost, for whom and on which assumption."""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

from crm_ml.actions.action import Action
from crm_ml.actions.contact.contact_policy import ContactPolicy
from crm_ml.actions.field_types import Rule, TagName
from crm_ml.errors import ConfigError
from crm_ml.tables.bundle import Tables
from crm_ml.tables.currencies import currency_of
from crm_ml.tables.strict import Strict

__all__ = ["Action", "Catalog"]


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
