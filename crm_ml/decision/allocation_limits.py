"""The limits of a list: caps and minimums of actions and channels, stock, budgets and rows in all."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from crm_ml.actions.action_parts import Budget
from crm_ml.actions.catalog import Action
from crm_ml.allocation.allocate import ActionGroup
from crm_ml.errors import ConfigError

LIST = "the list"
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Limits:
    """What the rows of a list may use.

    Parameters
    ----------
    groups : tuple of ActionGroup
        Caps and minimums of offerings together.
    budgets : tuple of Budget
    costs : numpy.ndarray, shape (budgets, m)
        What a row of each offering takes of each budget, cents.
    """

    groups: tuple[ActionGroup, ...]
    budgets: tuple[Budget, ...]
    costs: Floats

    @property
    def usage(self) -> Floats:
        """What a row of each offering uses of each cap and budget, shape (r, m)."""
        m = self.costs.shape[1]
        rows = [np.isin(np.arange(m), one.members).astype(float) for one in self._capped]
        return np.vstack([*rows, *self.costs]) if rows or len(self.costs) else np.zeros((0, m))

    @property
    def caps(self) -> Floats:
        """Caps, then budgets, shape (r,)."""
        caps = [float(one.cap or 0) for one in self._capped]
        return np.array([*caps, *(float(one.cents) for one in self.budgets)])

    @property
    def names(self) -> list[str]:
        """Name of each cap and budget."""
        return [*(one.name for one in self._capped), *(f"budget {one.name}" for one in self.budgets)]

    @property
    def _capped(self) -> list[ActionGroup]:
        return [one for one in self.groups if one.cap is not None]

    def without(self, taken: npt.NDArray[np.integer[Any]]) -> "Limits":
        """Return what is left after so many rows of each offering."""
        used = {one.name: float(sum(taken[member] for member in one.members)) for one in self.groups}
        spent = self.costs @ taken
        return Limits(
            tuple(
                replace(
                    one,
                    cap=None if one.cap is None else one.cap - used[one.name],
                    minimum=None if one.minimum is None else max(0.0, one.minimum - used[one.name]),
                )
                for one in self.groups
            ),
            tuple(
                one.model_copy(update={"cents": int(one.cents - cents)})
                for one, cents in zip(self.budgets, spent, strict=True)
            ),
            self.costs,
        )


def limits_of(
    actions: Sequence[Action],
    daily_cap: int | None = None,
    channel_caps: Mapping[str, int] | None = None,
    budgets: Sequence[Budget] = (),
    stock: Mapping[str, int] | None = None,
) -> Limits:
    """Collect the limits of a list.

    Parameters
    ----------
    actions : sequence of Action
        Offerings.
    daily_cap : int, optional
        Rows in all.
    channel_caps : mapping of str to int, optional
    budgets : sequence of Budget
    stock : mapping of str to int, optional
        Offers left of each action.
    """
    groups = _of_actions(actions, stock or {})
    groups += [
        ActionGroup(f"channel {name}", _places(one.channel == name for one in actions), float(cap))
        for name, cap in sorted((channel_caps or {}).items())
    ]
    if daily_cap is not None:
        groups.append(ActionGroup(LIST, tuple(range(len(actions))), float(daily_cap)))
    costs = np.array([[one.cost_cents if _counts(b, one) else 0 for one in actions] for b in budgets], float)
    kept = tuple(one for one in groups if one.members)
    return Limits(kept, tuple(budgets), costs.reshape(len(budgets), len(actions)))


def check_limits(
    actions: Sequence[Action], channel_caps: Mapping[str, int], budgets: Sequence[Budget]
) -> None:
    """Refuse limits of what no action of the catalogue has.

    Raises
    ------
    ConfigError
        With all of them.
    """
    channels = {one.channel for action in actions for one in action.offerings}
    names = {action.action_id for action in actions}
    lost = [f"channel_caps: no action uses channel {name}" for name in sorted(set(channel_caps) - channels)]
    for budget in budgets:
        where = f"budget {budget.name}"
        lost += [f"{where}: there is no action {one}" for one in budget.actions if one not in names]
        lost += [f"{where}: no action uses channel {one}" for one in budget.channels if one not in channels]
    if lost:
        raise ConfigError("limits that fit no action\n" + "\n".join(f"  {one}" for one in lost))


def _of_actions(actions: Sequence[Action], stock: Mapping[str, int]) -> list[ActionGroup]:
    """Return the limits of each offering of several channels, of each action, and of its stock."""
    found = [
        ActionGroup(f"action {one.key}", (number,), one.daily_cap, one.minimum)
        for number, one in enumerate(actions)
        if len(one.channels) > 1 and (one.daily_cap or one.minimum)
    ]
    for name in dict.fromkeys(one.action_id for one in actions):
        members = _places(one.action_id == name for one in actions)
        whole = actions[members[0]].whole
        found.append(ActionGroup(f"action {name}", members, whole.daily_cap, whole.minimum))
        if name in stock:
            found.append(ActionGroup(f"stock of {name}", members, float(stock[name])))
    return [one for one in found if one.cap is not None or one.minimum is not None]


def _places(chosen: Any) -> tuple[int, ...]:
    return tuple(number for number, one in enumerate(chosen) if one)


def _counts(budget: Budget, action: Action) -> bool:
    if budget.actions:
        return action.action_id in budget.actions
    return not budget.channels or action.channel in budget.channels
