"""The limits of an allocation as one system of linear constraints over resources."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from crm_ml.errors import InputError

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.integer[Any]]


@dataclass(frozen=True, eq=False)
class Problem:
    """Maximise ``sum v x`` with ``A usage(x) <= b``, at most `most` actions a customer, one of a group.

    The usage of a customer's action j is the unit vector of j, followed by its cost in each layer of costs
    that differ between customers. A resource is a row of A: what a cap, minimum or budget limits.

    Parameters
    ----------
    group : numpy.ndarray of int, shape (m,)
        Actions of one group exclude each other.
    most : int
    A : numpy.ndarray, shape (r, m + layers)
    b : numpy.ndarray, shape (r,)
    names : sequence of str
        Name of each resource.
    """

    group: Ints
    most: int
    A: Floats
    b: Floats
    names: Sequence[str]

    @property
    def actions(self) -> int:
        """Number of actions."""
        return len(self.group)

    @property
    def layers(self) -> int:
        """Number of layers of costs that differ between customers."""
        return int(self.A.shape[1]) - len(self.group)


def problem_of(
    shape: tuple[int, ...],
    costs: Any,
    eligible: npt.NDArray[np.bool_] | None,
    limits: "ProblemLimits",
) -> tuple[Problem, list[npt.NDArray[Any]]]:
    """Return the constraints of an allocation, and the layers of costs that differ between customers.

    Raises
    ------
    InputError
        With all that is wrong: shapes, negative or infinite costs, negative limits, caps of channels
        that no action has, minimums above caps.
    """
    m = shape[1] if len(shape) == 2 else 0
    layers = _layers(costs)
    breaches = _breaches(shape, layers, eligible, limits)
    if breaches:
        raise InputError(f"allocate: {'; '.join(breaches)}")
    channel = np.arange(m) if limits.channels is None else _numbers(limits.channels)[1]
    group = np.zeros(m, dtype=np.int64) if limits.max_actions == 1 else channel
    varying = [layer for layer in layers if layer.ndim == 2]
    rows, b, names = _resources(limits, layers, m, len(varying))
    A = np.array(rows, dtype=np.float64).reshape(len(rows), m + len(varying))
    most = min(limits.max_actions, int(group.max()) + 1)
    return Problem(group, most, A, np.array(b, dtype=np.float64), names), varying


@dataclass(frozen=True)
class ActionGroup:
    """Actions that share a limit.

    Parameters
    ----------
    name : str
    members : sequence of int
        Numbers of the actions.
    cap, minimum : float, optional
        Greatest and least number of rows of all of them together.
    """

    name: str
    members: Sequence[int]
    cap: float | None = None
    minimum: float | None = None


@dataclass(frozen=True, eq=False)
class ProblemLimits:
    """The limits as arguments of `crm_ml.allocation.allocate`, whose docstring describes them."""

    action_caps: Any = None
    action_minimums: Any = None
    channels: Sequence[str] | None = None
    channel_caps: Any = None
    budgets: Any = None
    max_actions: int = 1
    groups: "Sequence[ActionGroup]" = ()


def _layers(costs: Any) -> list[npt.NDArray[Any]]:
    """Return each layer of costs, shape (m,) or (n, m)."""
    if costs is None:
        return []
    if isinstance(costs, (list, tuple)) and len(costs) and np.ndim(costs[0]) >= 1:
        return [np.asarray(layer) for layer in costs]
    array = np.asarray(costs)
    return list(array) if array.ndim == 3 else [array]


def _resources(
    limits: ProblemLimits, layers: Sequence[npt.NDArray[Any]], m: int, varying: int
) -> tuple[list[Floats], list[float], list[str]]:
    """Return usage, limit and name of each resource."""
    resources: list[tuple[str, Floats, float]] = []
    unit = np.eye(m + varying)
    for j, cap in enumerate(_vector(limits.action_caps, m, np.inf)):
        resources.append((f"cap of action {j}", unit[j], cap))
    for j, least in enumerate(_vector(limits.action_minimums, m, 0.0)):
        resources.append((f"minimum of action {j}", -unit[j], -least if least > 0 else np.inf))
    channels, number = _numbers([] if limits.channels is None else limits.channels)
    for name, cap in dict(limits.channel_caps or {}).items():
        members = unit[: len(number)][number == channels.index(str(name))].sum(axis=0)
        resources.append((f"cap of channel {name}", members, np.inf if cap is None else float(cap)))
    for group in limits.groups:
        members = unit[list(group.members)].sum(axis=0)
        resources.append((f"cap of {group.name}", members, np.inf if group.cap is None else float(group.cap)))
        least = np.inf if group.minimum is None else -float(group.minimum)
        resources.append((f"minimum of {group.name}", -members, least))
    place = m
    budgets = np.atleast_1d([] if limits.budgets is None else limits.budgets)
    for number_of, (layer, budget) in enumerate(zip(layers, budgets, strict=False)):
        whole = layer.ndim == 2
        usage = unit[place] if whole else np.append(layer.astype(float), np.zeros(varying))
        resources.append((f"budget {number_of}", usage, float(budget)))
        place += whole
    limited = [resource for resource in resources if np.isfinite(resource[2])]
    return (
        [usage for _, usage, _ in limited],
        [limit for *_, limit in limited],
        [name for name, *_ in limited],
    )


def _numbers(channels: Sequence[str]) -> tuple[list[str], Ints]:
    names, number = np.unique(np.array(channels, dtype=str), return_inverse=True)
    return [str(name) for name in names], number.astype(np.int64)


def _vector(limits: Any, m: int, default: float) -> Floats:
    if limits is None:
        return np.full(m, default)
    numbers = [default if limit is None else limit for limit in np.asarray(limits, dtype=object)]
    return np.array(numbers, dtype=float)


def _breaches(
    shape: tuple[int, ...], layers: Sequence[npt.NDArray[Any]], eligible: Any, limits: ProblemLimits
) -> list[str]:
    if len(shape) != 2 or not shape[1]:
        return [f"values have shape {shape}, not customers by actions"]
    n, m = shape
    breaches = []
    if eligible is not None and eligible.shape != (n, m):
        breaches.append(f"eligible has shape {eligible.shape}")
    breaches += [
        f"costs have shape {layer.shape}; give one an action or one a pair"
        for layer in layers
        if layer.shape not in ((m,), (n, m))
    ]
    breaches += [f"{int((layer < 0).sum()):,} costs are below 0" for layer in layers if (layer < 0).any()]
    breaches += [
        f"{int((~np.isfinite(layer)).sum()):,} costs are not finite"
        for layer in layers
        if not np.isfinite(layer).all()
    ]
    budgets = 0 if limits.budgets is None else np.size(limits.budgets)
    if budgets != (len(layers) if budgets else 0):
        breaches.append(f"{budgets} budgets for {len(layers)} layers of costs; give one each")
    return breaches + _limits(limits, m)


def _limits(limits: ProblemLimits, m: int) -> list[str]:
    breaches = []
    for name in ("action_caps", "action_minimums", "channels"):
        values = getattr(limits, name)
        if values is not None and len(values) != m:
            breaches.append(f"{len(values)} {name} for {m} actions")
    if limits.channel_caps is not None:
        known = set() if limits.channels is None else set(map(str, limits.channels))
        lost = sorted(set(map(str, dict(limits.channel_caps))) - known)
        breaches += [f"channel_caps of channels that no action has: {', '.join(lost)}"] if lost else []
    lost_members = [group.name for group in limits.groups if not set(group.members) <= set(range(m))]
    breaches += [f"groups {', '.join(lost_members)} have members that are no action"] if lost_members else []
    if limits.max_actions < 1:
        breaches.append(f"max_actions is {limits.max_actions}; give at least 1")
    return breaches or _values(limits, m)


def _values(limits: ProblemLimits, m: int) -> list[str]:
    """Return what is wrong with the values of limits of the right number."""
    caps, least = _vector(limits.action_caps, m, np.inf), _vector(limits.action_minimums, m, 0.0)
    channel = [cap for cap in dict(limits.channel_caps or {}).values() if cap]
    budgets = [] if limits.budgets is None else list(np.atleast_1d(limits.budgets))
    shared = [limit for group in limits.groups for limit in (group.cap, group.minimum) if limit is not None]
    negative = sum(float(limit) < 0 for limit in (*caps, *least, *channel, *budgets, *shared))
    breaches = [f"{negative} limits are below 0"] if negative else []
    above = np.flatnonzero(least > caps)
    breaches += [f"actions {', '.join(map(str, above))} have a minimum above their cap"] if len(above) else []
    crossed = [
        group.name
        for group in limits.groups
        if group.cap is not None and group.minimum is not None and group.minimum > group.cap
    ]
    breaches += [f"groups {', '.join(crossed)} have a minimum above their cap"] if crossed else []
    return breaches
