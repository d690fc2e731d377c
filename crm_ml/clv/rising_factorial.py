"""Rising factorials by sums, which keep the digits that differences of log-gammas lose."""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def log_rising(c: float, n: int) -> Floats:
    """Return ``log(Gamma(c + j) / Gamma(c))`` for j = 0..n, shape (n + 1,).

    Examples
    --------
    >>> np.exp(log_rising(3.0, 2)).round(12).tolist()
    [1.0, 3.0, 12.0]
    """
    return np.concatenate([[0.0], np.cumsum(np.log(c + np.arange(n)))])


def rising_slope(c: float, n: int) -> Floats:
    """Return the derivative of `log_rising` by `c`: ``sum of 1 / (c + i) for i < j``, shape (n + 1,)."""
    return np.concatenate([[0.0], np.cumsum(1.0 / (c + np.arange(n)))])
