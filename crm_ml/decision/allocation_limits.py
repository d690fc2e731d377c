"""Limits of a list: caps and minimums of actions and channels, stock, budgets and rows in all."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from pydantic import model_validator

from crm_ml.actions.action_identity import ActionIdentity
from crm_ml.actions.catalog import Action
from crm_ml.actions.field_types import Cents, Name, Names
from crm_ml.allocation.allocate import ActionGroup
from crm_ml.errors import ConfigError
from crm_ml.tables.strict import Strict

LIST = "the list"
Floats = npt.NDArray[np.float64]


class Budget(Strict):
    """Money for the costs of some actions or channels; of all, where none is named.

    Parameters
    ----------
    name : str
        What the budget is called.
    cents : int
        The most that all rows together may cost, in minor units.
    actions : tuple of str
        Actions whose costs count; all where it is empty.
    channels : tuple of str
        Channels whose costs count; all where it is empty.
    """

    name: Name
    cents: Cents
    actions: Names = ()
    channels: Names = ()

    @model_validator(mode="after")
    def _of_what(self) -> Self:
        if self.actions and self.channels:
            raise ValueError("a budget is of actions or of channels, not of both; write two budgets")
        return self

    def counts(self, action: ActionIdentity) -> bool:
        """Say whether the budget pays for an action on its channel."""
        if self.actions:
            return action.action_id in self.actions
        return not self.channels or action.channel in self.channels


@dataclass(frozen=True, eq=False)
class ListLimits:
    """What the rows of a list may use, of m action-channels.

    Parameters
    ----------
    groups : tuple of ActionGroup
        Caps and minimums of some action-channels together.
    budgets : tuple of Budget
    costs : numpy.ndarray, shape (budgets, m)
        What a row of each action-channel takes of each budget, cents.
    """

    groups: tuple[ActionGroup, ...]
    budgets: tuple[Budget, ...]
    costs: Floats

    @property
    def usage(self) -> Floats:
        """What a row of each action-channel uses of each cap and budget, shape (r, m)."""
        m = self.costs.shape[1]
        rows = [np.isin(np.arange(m), group.members).astype(float) for group in self._capped]
        return np.vstack([*rows, *self.costs]) if rows or len(self.costs) else np.zeros((0, m))

    @property
    def caps(self) -> Floats:
        """Caps, then budgets, shape (r,)."""
        caps = [float(group.cap or 0) for group in self._capped]
        return np.array([*caps, *(float(budget.cents) for budget in self.budgets)])

    @property
    def names(self) -> list[str]:
        """Name of each cap and budget."""
        budgets = [f"budget {budget.name}" for budget in self.budgets]
        return [*(group.name for group in self._capped), *budgets]

    @property
    def _capped(self) -> list[ActionGroup]:
        return [group for group in self.groups if group.cap is not None]

    def without(self, taken: npt.NDArray[np.integer[Any]]) -> "ListLimits":
        """Return what is left after so many rows of each action-channel."""
        groups = []
        for group in self.groups:
            used = float(sum(taken[member] for member in group.members))
            cap = None if group.cap is None else group.cap - used
            minimum = None if group.minimum is None else max(0.0, group.minimum - used)
            groups.append(replace(group, cap=cap, minimum=minimum))
        budgets = [
            budget.model_copy(update={"cents": int(budget.cents - spent)})
            for budget, spent in zip(self.budgets, self.costs @ taken, strict=True)
        ]
        return ListLimits(tuple(groups), tuple(budgets), self.costs)


def limits_of(
    actions: Sequence[Action],
    daily_cap: int | None = None,
    channel_caps: Mapping[str, int] | None = None,
    budgets: Sequence[Budget] = (),
    stock: Mapping[str, int] | None = None,
) -> ListLimits:
    """Collect the limits of a list.

    Parameters
    ----------
    actions : sequence of Action
        Each on one channel.
    daily_cap : int, optional
        Rows in all.
    channel_caps : mapping of str to int, optional
    budgets : sequence of Budget
    stock : mapping of str to int, optional
        Offers left of each action.
    """
    groups = _of_actions(actions, stock or {})
    groups += [
        ActionGroup(f"channel {name}", _places(action.channel == name for action in actions), float(cap))
        for name, cap in sorted((channel_caps or {}).items())
    ]
    if daily_cap is not None:
        groups.append(ActionGroup(LIST, tuple(range(len(actions))), float(daily_cap)))
    costs = [
        [action.value.cost_cents if budget.counts(action.identity) else 0 for action in actions]
        for budget in budgets
    ]
    shape = (len(budgets), len(actions))
    groups = [group for group in groups if group.members]
    return ListLimits(tuple(groups), tuple(budgets), np.array(costs, float).reshape(shape))


def check_limits(
    actions: Sequence[ActionIdentity], channel_caps: Mapping[str, int], budgets: Sequence[Budget]
) -> None:
    """Refuse limits of channels and actions that the catalogue does not have.

    Raises
    ------
    ConfigError
        With all of them.
    """
    channels = {name for action in actions for name in action.channel_names}
    names = {action.action_id for action in actions}
    lost = [f"channel_caps: no action uses channel {name}" for name in sorted(set(channel_caps) - channels)]
    for budget in budgets:
        where = f"budget {budget.name}"
        lost += [f"{where}: there is no action {name}" for name in budget.actions if name not in names]
        lost += [
            f"{where}: no action uses channel {name}" for name in budget.channels if name not in channels
        ]
    if lost:
        raise ConfigError("limits that fit no action\n" + "\n".join(f"  {breach}" for breach in lost))


def _of_actions(actions: Sequence[Action], stock: Mapping[str, int]) -> list[ActionGroup]:
    """Return the limits of each channel of an action with several, of each action, and of its stock."""
    groups = [
        ActionGroup(f"action {action.key}", (number,), action.limits.daily_cap, action.limits.minimum)
        for number, action in enumerate(actions)
        if len(action.identity.channels) > 1
    ]
    for name in dict.fromkeys(action.action_id for action in actions):
        members = _places(action.action_id == name for action in actions)
        limits = actions[members[0]].whole.limits
        groups.append(ActionGroup(f"action {name}", members, limits.daily_cap, limits.minimum))
        if name in stock:
            groups.append(ActionGroup(f"stock of {name}", members, float(stock[name])))
    return [group for group in groups if group.cap is not None or group.minimum is not None]


def _places(chosen: Iterable[bool]) -> tuple[int, ...]:
    return tuple(number for number, is_chosen in enumerate(chosen) if is_chosen)
