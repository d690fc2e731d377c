"""Wilson's interval of a share, and the normal quantile of 95 % intervals."""

import numpy as np
import numpy.typing as npt

from crm_ml.evaluation.ranking import Floats

Z95 = 1.959963984540054


def wilson_interval(share: npt.ArrayLike, rows: npt.ArrayLike) -> tuple[Floats, Floats]:
    """Return the 95 % interval of shares of some numbers of rows.

    Parameters
    ----------
    share : array-like of float, shape (n,)
        From 0 to 1.
    rows : array-like of int, shape (n,)
        Above 0.

    References
    ----------
    .. [1] Wilson (1927). Probable inference, the law of succession, and statistical inference. JASA 22.

    Examples
    --------
    >>> [end.round(3).tolist() for end in wilson_interval([0.0, 0.5], [10, 10])]
    [[0.0, 0.237], [0.278, 0.763]]
    """
    true, count = np.asarray(share, dtype=np.float64), np.asarray(rows, dtype=np.float64)
    spread = 1 + Z95**2 / count
    middle = (true + Z95**2 / (2 * count)) / spread
    half = Z95 / spread * np.sqrt(true * (1 - true) / count + Z95**2 / (4 * count**2))
    return np.minimum(middle - half, true), np.maximum(middle + half, true)
