"""What an allocation has to respect, as one system of resources."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from crm_ml.errors import InputError

Floats = npt.NDArray[np.floating[Any]]
Ints = npt.NDArray[np.integer[Any]]
CHUNK_ROWS = 1 << 16


@dataclass(frozen=True, eq=False)
class Problem:
    """Maximise ``sum v x`` with ``A usage(x) <= b``, at most `most` actions a customer, one a group.

    The usage of a customer's action j is the unit vector of j, followed by its cost in each layer of costs
    that differ between customers.

    Parameters
    ----------
    values : array, shape (n, m)
        Values that are not finite are not eligible. May lie on disk (`numpy.memmap`).
    eligible : array of bool, shape (n, m), optional
    layers : sequence of array, shape (n, m)
    group : numpy.ndarray of int, shape (m,)
        Actions of one group exclude each other.
    most : int
    A : numpy.ndarray, shape (r, m + layers)
    b : numpy.ndarray, shape (r,)
    names : sequence of str
        What each resource is.
    """

    values: npt.NDArray[Any]
    eligible: npt.NDArray[np.bool_] | None
    layers: Sequence[npt.NDArray[Any]]
    group: Ints
    most: int
    A: Floats
    b: Floats
    names: Sequence[str]

    @property
    def shape(self) -> tuple[int, int]:
        """Customers and actions."""
        n, m = self.values.shape
        return int(n), int(m)

    def rows(self, chosen: Ints) -> "Problem":
        """Return the problem of some customers with their share of all resources."""
        n = self.shape[0]
        return Problem(
            np.asarray(self.values[chosen]),
            None if self.eligible is None else np.asarray(self.eligible[chosen]),
            [np.asarray(layer[chosen]) for layer in self.layers],
            self.group,
            self.most,
            self.A,
            self.b * len(chosen) / n,
            self.names,
        )

    def chunks(self) -> Iterator[tuple[int, "npt.NDArray[Any]", "npt.NDArray[np.bool_]", Floats]]:
        """Yield the first row, values, eligibility (no row for everybody) and costs of pieces."""
        n, m = self.shape
        for start in range(0, n, CHUNK_ROWS):
            piece = slice(start, start + CHUNK_ROWS)
            values = np.ascontiguousarray(self.values[piece])
            mask = np.empty((0, m), dtype=np.bool_)
            if self.eligible is not None:
                mask = np.ascontiguousarray(self.eligible[piece])
            costs = np.empty((0, len(values), m))
            if self.layers:
                costs = np.stack([np.asarray(layer[piece], dtype=np.float64) for layer in self.layers])
            yield start, values, mask, costs


def problem_of(
    values: npt.NDArray[Any],
    costs: Any,
    eligible: npt.NDArray[np.bool_] | None,
    limits: "Limits",
) -> Problem:
    """Return the system of an allocation.

    Raises
    ------
    InputError
        With everything that is wrong: shapes, negative or infinite costs, negative limits, caps of channels
        that no action has, minimums above caps.
    """
    m = values.shape[1] if values.ndim == 2 else 0
    layers = _layers(costs)
    breaches = _breaches(values, layers, eligible, limits)
    if breaches:
        raise InputError(f"allocate: {'; '.join(breaches)}")
    channel = np.arange(m) if limits.channels is None else _numbers(limits.channels)[1]
    group = np.zeros(m, dtype=np.int64) if limits.max_actions == 1 else channel
    varying = [layer for layer in layers if layer.ndim == 2]
    rows, b, names = _resources(limits, layers, m, len(varying))
    A = np.array(rows, dtype=np.float64).reshape(len(rows), m + len(varying))
    most = min(limits.max_actions, int(group.max()) + 1)
    return Problem(values, eligible, varying, group, most, A, np.array(b, dtype=np.float64), names)


@dataclass(frozen=True)
class Group:
    """Actions that share a limit.

    Parameters
    ----------
    name : str
    members : sequence of int
        Numbers of the actions.
    cap, minimum : float, optional
        At most and at least so many rows of them together.
    """

    name: str
    members: Sequence[int]
    cap: float | None = None
    minimum: float | None = None


@dataclass(frozen=True, eq=False)
class Limits:
    """The limits of `crm_ml.allocation.allocate.allocate`, as given."""

    action_caps: Any = None
    action_minimums: Any = None
    channels: Sequence[str] | None = None
    channel_caps: Any = None
    budgets: Any = None
    max_actions: int = 1
    groups: "Sequence[Group]" = ()


def _layers(costs: Any) -> list[npt.NDArray[Any]]:
    """Return each layer of costs, shape (m,) or (n, m)."""
    if costs is None:
        return []
    if isinstance(costs, (list, tuple)) and len(costs) and np.ndim(costs[0]) >= 1:
        return [np.asarray(one) for one in costs]
    found = np.asarray(costs) if not isinstance(costs, np.ndarray) else costs
    return list(found) if found.ndim == 3 else [found]


def _resources(
    limits: Limits, layers: Sequence[npt.NDArray[Any]], m: int, varying: int
) -> tuple[list[Floats], list[float], list[str]]:
    """Return usage, limit and name of each resource."""
    found: list[tuple[str, Floats, float]] = []
    one = np.eye(m + varying)
    for j, cap in enumerate(_vector(limits.action_caps, m, np.inf)):
        found.append((f"cap of action {j}", one[j], cap))
    for j, least in enumerate(_vector(limits.action_minimums, m, 0.0)):
        found.append((f"minimum of action {j}", -one[j], -least if least > 0 else np.inf))
    channels, number = _numbers([] if limits.channels is None else limits.channels)
    for name, cap in dict(limits.channel_caps or {}).items():
        mine = one[: len(number)][number == channels.index(str(name))].sum(axis=0)
        found.append((f"cap of channel {name}", mine, np.inf if cap is None else float(cap)))
    for group in limits.groups:
        mine = one[list(group.members)].sum(axis=0)
        found.append((f"cap of {group.name}", mine, np.inf if group.cap is None else float(group.cap)))
        least = np.inf if group.minimum is None else -float(group.minimum)
        found.append((f"minimum of {group.name}", -mine, least))
    place = m
    budgets = np.atleast_1d([] if limits.budgets is None else limits.budgets)
    for number_of, (layer, budget) in enumerate(zip(layers, budgets, strict=False)):
        whole = layer.ndim == 2
        usage = one[place] if whole else np.append(layer.astype(float), np.zeros(varying))
        found.append((f"budget {number_of}", usage, float(budget)))
        place += whole
    kept = [part for part in found if np.isfinite(part[2])]
    return [usage for _, usage, _ in kept], [limit for *_, limit in kept], [name for name, *_ in kept]


def _numbers(channels: Sequence[str]) -> tuple[list[str], Ints]:
    names, number = np.unique(np.array(channels, dtype=str), return_inverse=True)
    return [str(name) for name in names], number.astype(np.int64)


def _vector(given: Any, m: int, default: float) -> Floats:
    if given is None:
        return np.full(m, default)
    return np.array([default if one is None else one for one in np.asarray(given, dtype=object)], dtype=float)


def _breaches(
    values: npt.NDArray[Any], layers: Sequence[npt.NDArray[Any]], eligible: Any, limits: Limits
) -> list[str]:
    if values.ndim != 2 or not values.shape[1]:
        return [f"values have shape {values.shape}, not customers by actions"]
    n, m = values.shape
    found = [] if eligible is None or eligible.shape == (n, m) else [f"eligible has shape {eligible.shape}"]
    found += [
        f"costs have shape {one.shape}; give one an action or one a pair"
        for one in layers
        if one.shape not in ((m,), (n, m))
    ]
    found += [f"{int((one < 0).sum()):,} costs are below 0" for one in layers if (one < 0).any()]
    found += [
        f"{int((~np.isfinite(one)).sum()):,} costs are not finite"
        for one in layers
        if not np.isfinite(one).all()
    ]
    budgets = 0 if limits.budgets is None else np.size(limits.budgets)
    if budgets != (len(layers) if budgets else 0):
        found.append(f"{budgets} budgets for {len(layers)} layers of costs; give one each")
    found += _limits(limits, m)
    return found


def _limits(limits: Limits, m: int) -> list[str]:
    found = []
    for name in ("action_caps", "action_minimums"):
        given = getattr(limits, name)
        if given is not None and len(given) != m:
            found.append(f"{len(given)} {name} for {m} actions")
    if limits.channels is not None and len(limits.channels) != m:
        found.append(f"{len(limits.channels)} channels for {m} actions")
    if limits.channel_caps is not None:
        known = set() if limits.channels is None else set(map(str, limits.channels))
        lost = sorted(set(map(str, dict(limits.channel_caps))) - known)
        found += [f"channel_caps of channels that no action has: {', '.join(lost)}"] if lost else []
    lost_members = [one.name for one in limits.groups if not set(one.members) <= set(range(m))]
    found += [f"groups {', '.join(lost_members)} have members that are no action"] if lost_members else []
    if limits.max_actions < 1:
        found.append(f"max_actions is {limits.max_actions}; give at least 1")
    if found:
        return found
    caps, least = _vector(limits.action_caps, m, np.inf), _vector(limits.action_minimums, m, 0.0)
    channel = (
        [] if limits.channel_caps is None else [one for one in dict(limits.channel_caps).values() if one]
    )
    budgets = [] if limits.budgets is None else list(np.atleast_1d(limits.budgets))
    shared = [one for group in limits.groups for one in (group.cap, group.minimum) if one is not None]
    negative = sum(float(one) < 0 for one in (*caps, *least, *channel, *budgets, *shared))
    found += [f"{negative} limits are below 0"] if negative else []
    above = np.flatnonzero(least > caps)
    found += [f"actions {', '.join(map(str, above))} have a minimum above their cap"] if len(above) else []
    crossed = [
        one.name
        for one in limits.groups
        if one.cap is not None and one.minimum is not None and one.minimum > one.cap
    ]
    found += [f"groups {', '.join(crossed)} have a minimum above their cap"] if crossed else []
    return found
