"""Smooth functions of frequency and age, computed at few ages of each frequency and interpolated."""

from collections.abc import Callable

import numpy as np

from crm_ml.clv.purchase_histories import Floats, Ints, group_rows

Quantity = Callable[[Ints, Floats], Floats]
_NODES = 14
_BLOCK = 1 << 15  # histories whose sums fit into the cache together


def by_age(quantity: Quantity, x: Ints, T: Floats, scale: float) -> Floats:
    """Return quantities of histories, shape (m, k), from their values at 14 ages of each range of ages.

    What a customer who is alive will do follows from frequency and age alone, and there are few frequencies:
    the cost of a history is that of m polynomials, whatever the quantity costs.

    Parameters
    ----------
    quantity : callable
        Maps frequencies, shape (j,), and ages, shape (j,), to values, shape (m, j), analytic in the age.
    x : numpy.ndarray of int, shape (k,)
        Frequencies.
    T : numpy.ndarray, shape (k,)
        Ages, 0 or more.
    scale : float
        Above 0; ages below -`scale` are the nearest at which the quantity need not be analytic.

    Notes
    -----
    Ranges are of 1 in ``log(1 + T / scale)``, each with a Chebyshev polynomial through its 14 roots. Where
    the nearest singularity lies pi away from the real line, as at ``T = -scale - horizon``, the error falls
    with n nodes as ``12.6 ** -n`` [1]_, theorem 8.2, to 4e-16; what remains is some 1e-14 of rounding. Ranges
    and nodes do not depend on the other histories, so no value depends on the batch.

    References
    ----------
    .. [1] Trefethen (2013). Approximation theory and approximation practice.

    Examples
    --------
    >>> ages = np.array([0.0, 3.0, 70.0])
    >>> by_age(lambda x, T: (x / (5.0 + T))[None], np.array([1, 1, 2]), ages, 5.0).round(9).tolist()
    [[0.2, 0.125, 0.026666667]]
    """
    at = np.log1p(T / scale)
    lowest = np.floor(at)
    row, first = group_rows([x, lowest])
    angle = np.pi * (np.arange(_NODES) + 0.5) / _NODES
    ages = scale * np.expm1(lowest[first, None] + (1 + np.cos(angle)) / 2)
    values = quantity(np.repeat(x[first], _NODES), ages.ravel()).reshape(-1, len(first), _NODES)
    coefficients = _coefficients(values, angle)
    interpolated = np.empty((len(values), len(x)))
    for start in range(0, len(x), _BLOCK):
        part = slice(start, start + _BLOCK)
        position = 2 * (at[part] - lowest[part]) - 1
        interpolated[:, part] = _polynomials(coefficients, row[part], position)
    return interpolated


def _coefficients(values: Floats, angle: Floats) -> list[Floats]:
    """Return the coefficients of the Chebyshev polynomials in ascending order, each of shape (m, groups)."""
    sums = [
        sum(values[..., node] * np.cos(order * angle[node]) for node in range(_NODES))
        for order in range(_NODES)
    ]
    return [np.asarray(total * (2 if order else 1) / _NODES) for order, total in enumerate(sums)]


def _polynomials(coefficients: list[Floats], row: Ints, position: Floats) -> Floats:
    """Evaluate the polynomials of some rows at their positions in -1..1 by Clenshaw's recurrence."""
    later, latest = np.zeros((2, len(coefficients[0]), len(row)))
    for coefficient in coefficients[:0:-1]:
        later, latest = coefficient[:, row] + 2 * position * later - latest, later
    return np.asarray(coefficients[0][:, row] + position * later - latest)
