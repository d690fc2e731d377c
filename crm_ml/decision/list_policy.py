"""The policy of a list: all settings that decide who gets what, beside the catalogue."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from crm_ml.actions.catalog import Catalog
from crm_ml.actions.field_types import Count, Name
from crm_ml.decision.allocation_limits import Budget, check_limits
from crm_ml.decision.exploration import Explore
from crm_ml.decision.holdouts import HoldOut
from crm_ml.errors import ConfigError
from crm_ml.monitoring.drift_limits import DriftLimits
from crm_ml.storage.identity import identity
from crm_ml.tables.strict import Strict

LIST_FORMAT = 4


class ListPolicy(Strict):
    """The settings that decide, beside the catalogue, the models and the data.

    Parameters
    ----------
    name : str
        Name of the list; its folders stand in ``<out>/<name>/``.
    consent : {"table", "assumed"}
        ``assumed`` where the tables have no consents; each row of the list says it too.
    daily_cap : int, optional
        At most this many rows in the list.
    channel_caps : mapping of str to int
        At most this many rows by channel.
    budgets : tuple of Budget
        Money for the costs of actions or channels.
    hold_out : HoldOut, optional
        Who gets no action, or not one of them.
    explore : Explore, optional
        How much is drawn at random.
    past_lists : bool
        Whether the rows of earlier lists of this name count as contacts until their touches are on record.
    drift : DriftLimits
        How far the data may have moved from those of the training.
    """

    name: Name
    consent: Literal["table", "assumed"] = "table"
    daily_cap: Count | None = None
    channel_caps: Mapping[Name, Count] = Field(default_factory=dict)
    budgets: Annotated[tuple[Budget, ...], Field(strict=False)] = ()
    hold_out: HoldOut | None = None
    explore: Explore | None = None
    past_lists: bool = True
    drift: DriftLimits = Field(default_factory=DriftLimits)

    def policy_hash(self, catalog: Catalog) -> str:
        """Hash what decides: the catalogue, this policy and the format of lists."""
        policy = self.model_dump(mode="json", include=set(ListPolicy.model_fields))
        return identity({"catalog": catalog.model_dump(mode="json"), "list_format": LIST_FORMAT, **policy})

    def check(self, catalog: Catalog) -> None:
        """Refuse limits and hold-outs of what the catalogue does not have.

        Raises
        ------
        ConfigError
            With all of them.
        """
        identities = [action.identity for action in catalog.actions]
        check_limits(identities, self.channel_caps, self.budgets)
        action_ids = [action.action_id for action in identities]
        unknown = [] if self.hold_out is None else self.hold_out.unknown(action_ids)
        if unknown:
            raise ConfigError(f"hold_out.actions: the catalogue has no action {', '.join(unknown)}")
