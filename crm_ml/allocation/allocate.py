"""Which customer gets which action: the best total value within all limits, with prices and a bound."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from crm_ml.allocation.dealing import ALLOCATED
from crm_ml.allocation.problem import ActionGroup, Ints, ProblemLimits, problem_of
from crm_ml.allocation.solution import PartedAllocation, solved
from crm_ml.allocation.value_parts import MemoryParts, ValuePart, ValueParts, draws_of_rows

__all__ = ["ALLOCATED", "ActionGroup", "Allocation", "allocate", "allocate_parts"]


@dataclass(frozen=True, eq=False)
class Allocation(PartedAllocation):
    """The action of each customer, with value, bound, prices and what is used of each resource.

    Parameters
    ----------
    action : numpy.ndarray of int, shape (n,) or (n, max_actions)
        -1 for none; in ascending order where there may be several.
    """

    action: Ints


def allocate(
    values: npt.NDArray[Any],
    costs: Any = None,
    *,
    eligible: npt.NDArray[np.bool_] | None = None,
    action_caps: Sequence[float | None] | None = None,
    action_minimums: Sequence[float | None] | None = None,
    channels: Sequence[str] | None = None,
    channel_caps: Mapping[str, float] | None = None,
    budgets: float | Sequence[float] | None = None,
    max_actions: int = 1,
    groups: Sequence[ActionGroup] = (),
) -> Allocation:
    """Choose the actions of greatest total value within all limits, and bound the distance to the best.

    ``max sum_ij v_ij x_ij`` with x in {0, 1}, at most `max_actions` actions a customer (and at most one of a
    channel), and every cap, minimum and budget. Prices minimise the dual ``lambda b + sum_i max_j (v_ij -
    lambda usage_ij, 0)``, whose value bounds every allocation; customers who are not nearly indifferent at
    them keep their best actions, and those of the others are chosen by an integer program.

    Parameters
    ----------
    values : array, shape (n_customers, n_actions)
        Value of an action beyond its cost; not finite where it is not eligible. May lie on disk
        (`numpy.memmap`). Values of 0 or less are chosen only to meet a minimum.
    costs : array-like, optional
        One for each action, or for each pair, shape (n, m), or a list of such layers; for `budgets`.
    eligible : array of bool, shape (n, m), optional
    action_caps, action_minimums : sequence, optional
        Greatest and least number of customers of each action; None or infinite for no limit.
    channels : sequence of str, optional
        Channel of each action.
    channel_caps : mapping of str to float, optional
    budgets : float or sequence of float, optional
        Greatest sum of costs, one for each layer of costs.
    max_actions : int
    groups : sequence of ActionGroup
        Caps and minimums of several actions together.

    Returns
    -------
    Allocation
        The same bytes for the same input.

    Raises
    ------
    InputError
        With all that is wrong with the input, or if the limits can't be met together.

    References
    ----------
    .. [1] Fisher (1981). The Lagrangian relaxation method for solving integer programming problems.
       Management Science 27, sections 2 and 3.

    Examples
    --------
    >>> result = allocate(np.array([[3.0, 2.0], [2.5, 0.5], [1.0, 0.9]]), action_caps=[1, 1])
    >>> result.action.tolist(), result.value, result.gap
    ([1, 0, -1], 4.5, 0.0)
    """
    limits = ProblemLimits(action_caps, action_minimums, channels, channel_caps, budgets, max_actions, groups)
    values = np.asanyarray(values)
    problem, layers = problem_of(values.shape, costs, eligible, limits)
    part = ValuePart(0, values, draws_of_rows(len(values)), {}, eligible, layers)
    solution = solved(problem, MemoryParts([part]))
    return Allocation(action=_shown(part.kept[ALLOCATED], max_actions), **vars(solution))


def allocate_parts(
    parts: ValueParts,
    costs: Sequence[Any] | None = None,
    *,
    actions: int,
    budgets: Sequence[float] | None = None,
    groups: Sequence[ActionGroup] = (),
) -> PartedAllocation:
    """Choose at most one action of each customer, as `allocate` does, where customers lie in parts.

    Each part keeps the actions of its customers, shape (n, 1), under the name `ALLOCATED`; they, the bound
    and the prices are the same however the customers are dealt to the parts.

    Parameters
    ----------
    parts : ValueParts
    costs : sequence of array-like, shape (m,), optional
        Of a row of each action, one for each budget.
    actions : int
    budgets : sequence of float, optional
    groups : sequence of ActionGroup

    Raises
    ------
    InputError
        With all that is wrong with the limits, or if they can't be met together.
    """
    limits = ProblemLimits(budgets=budgets, groups=groups)
    problem, _ = problem_of((sum(parts.rows), actions), costs, None, limits)
    return solved(problem, parts)


def _shown(actions: Ints, max_actions: int) -> Ints:
    if max_actions == 1:
        return actions[:, 0].astype(np.int64)
    wide = np.full((len(actions), max_actions), -1, dtype=np.int64)
    ordered = np.sort(np.where(actions < 0, np.iinfo(np.int16).max, actions), axis=1)
    wide[:, : actions.shape[1]] = np.where(ordered == np.iinfo(np.int16).max, -1, ordered)
    return wide
