"""Smooth functions of frequency and age, computed at few ages of each frequency and interpolated."""

import threading
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from crm_ml.clv.purchase_histories import Floats, Ints

Quantity = Callable[[Ints, Floats], Floats]
_NODES = 14
_BLOCK = 1 << 15  # histories whose sums fit into the cache together
_RANGES = 1 << 12  # above the number of ranges of ages
_MOST = 1 << 14  # polynomials that are kept


def by_age(quantity: Quantity, x: Ints, T: Floats, scale: float) -> Floats:
    """Return `AgePolynomials` of some histories.

    Examples
    --------
    >>> ages = np.array([0.0, 3.0, 70.0])
    >>> by_age(lambda x, T: (x / (5.0 + T))[None], np.array([1, 1, 2]), ages, 5.0).round(9).tolist()
    [[0.2, 0.125, 0.026666667]]
    """
    return AgePolynomials(quantity, scale)(x, T)


class AgePolynomials:
    """Quantities of histories, from their values at 14 ages of each range of ages.

    What a customer who is alive will do follows from frequency and age alone, and there are few frequencies:
    the cost of a history is that of m polynomials, whatever the quantity costs. Polynomials are kept, so that
    the next customers add only those of frequencies and ranges that none had before.

    Parameters
    ----------
    quantity : callable
        Maps frequencies, shape (j,), and ages, shape (j,), to values, shape (m, j), analytic in the age.
        A value must not depend on those beside it.
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
    """

    def __init__(self, quantity: Quantity, scale: float) -> None:
        self._quantity, self._scale = quantity, scale
        self._lock = threading.Lock()
        self._column: dict[int, int] = {}
        self._coefficients: Floats | None = None

    def __call__(self, x: Ints, T: Floats) -> Floats:
        """Return the quantities of histories, shape (m, k).

        Parameters
        ----------
        x : numpy.ndarray of int, shape (k,)
            Frequencies.
        T : numpy.ndarray, shape (k,)
            Ages, 0 or more.
        """
        import pandas as pd

        at = np.log1p(T / self._scale)
        lowest = np.floor(at)
        row, keys = pd.factorize(x * _RANGES + lowest.astype(np.int64))
        with self._lock:
            columns, coefficients = self._of(keys)
        column = columns[row]
        interpolated = np.empty((coefficients.shape[1], len(x)))
        for start in range(0, len(x), _BLOCK):
            part = slice(start, start + _BLOCK)
            position = 2 * (at[part] - lowest[part]) - 1
            interpolated[:, part] = _polynomials(coefficients, column[part], position)
        return interpolated

    def _of(self, keys: Ints) -> tuple[Ints, Floats]:
        """Return the column of each key, and the coefficients of all columns, shape (14, m, columns)."""
        if len(self._column) > _MOST:
            self._column, self._coefficients = {}, None
        fresh = [key for key in keys.tolist() if key not in self._column]
        if fresh or self._coefficients is None:
            added = self._fitted(np.array(fresh, dtype=np.int64))
            known = [] if self._coefficients is None else [self._coefficients]
            self._coefficients = np.concatenate([*known, added], axis=2)
            self._column |= {key: len(self._column) + place for place, key in enumerate(fresh)}
        return np.array([self._column[key] for key in keys.tolist()], dtype=np.int64), self._coefficients

    def _fitted(self, keys: Ints) -> Floats:
        """Return the coefficients of the polynomials of some frequencies and ranges."""
        x, lowest = np.divmod(keys, _RANGES)
        angle = np.pi * (np.arange(_NODES) + 0.5) / _NODES
        ages = self._scale * np.expm1(lowest[:, None] + (1 + np.cos(angle)) / 2)
        values = self._quantity(np.repeat(x, _NODES), ages.ravel()).reshape(-1, len(keys), _NODES)
        return _coefficients(values, angle)


def _coefficients(values: Floats, angle: Floats) -> Floats:
    """Return the coefficients of the Chebyshev polynomials in ascending order, shape (14, m, columns)."""
    sums = [
        sum(values[..., node] * np.cos(order * angle[node]) for node in range(_NODES))
        for order in range(_NODES)
    ]
    return np.array([total * (2 if order else 1) / _NODES for order, total in enumerate(sums)])


def _polynomials(coefficients: Floats, column: npt.NDArray[np.int64], position: Floats) -> Floats:
    """Evaluate the polynomials of some columns at their positions in -1..1 by Clenshaw's recurrence."""
    later, latest = np.zeros((2, coefficients.shape[1], len(column)))
    for coefficient in coefficients[:0:-1]:
        later, latest = coefficient[:, column] + 2 * position * later - latest, later
    return np.asarray(coefficients[0][:, column] + position * later - latest)
