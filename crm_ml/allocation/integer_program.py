"""The integer program of the near-ties: how many customers of each group get each of its actions."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from crm_ml.allocation.problem import Floats, Ints

if TYPE_CHECKING:
    from scipy.sparse import csr_array

SLIP = 1e-9  # of a limit


@dataclass(frozen=True, eq=False)
class Tied:
    """The integer program: how many customers of each group get each of its actions.

    Parameters
    ----------
    size : numpy.ndarray of int, shape (groups,)
        Customers of each group.
    of, action : numpy.ndarray of int, shape (pairs,)
        Group and action of each pair that may be chosen.
    value, reduced : numpy.ndarray, shape (pairs,)
        Value, and value beyond the price.
    cost : numpy.ndarray, shape (pairs, layers)
    usage : scipy.sparse.csr_array, shape (resources, pairs)
    left : numpy.ndarray, shape (resources,)
        Of each resource, what the actions of all other customers leave.
    """

    size: Ints
    of: Ints
    action: Ints
    value: Floats
    reduced: Floats
    cost: Floats
    usage: "csr_array"
    left: Floats
