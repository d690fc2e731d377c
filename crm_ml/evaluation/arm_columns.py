"""Feature columns as numbers that may tell two arms apart: ranks, spreads, missingness and levels."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from crm_ml.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

Numbers = npt.NDArray[np.float32]
_LEVELS, _FEWEST = 20, 10  # levels of a text that are compared, and rows that a level needs
_SPREAD_VALUES = 4  # distinct numbers from which on their spread says more than their rank


@dataclass(frozen=True, eq=False)
class ArmColumns:
    """Columns of a comparison of arms.

    Parameters
    ----------
    names : tuple of str
        Of the columns, such as ``age``, ``age (spread)``, ``age is missing`` or ``town = Ulm``.
    matrix : numpy.ndarray of float32, shape (n, m)
        Ranks in (-.5, .5), their squares, and indicators of missing values and of levels.
    features : tuple of str
        Of the frame.
    codes : numpy.ndarray of int32, shape (n, k)
        A number for each value of a feature, -1 where it is missing.
    """

    names: tuple[str, ...]
    matrix: Numbers
    features: tuple[str, ...]
    codes: npt.NDArray[np.int32]

    def rows(self, keep: npt.NDArray[np.bool_]) -> "ArmColumns":
        """Return some of the rows."""
        return ArmColumns(self.names, self.matrix[keep], self.features, self.codes[keep])


def arm_columns(X: "pd.DataFrame") -> ArmColumns:
    """Return the columns of a frame by which its arms are compared.

    Numbers become ranks, so that no extreme amount decides. Levels, or missing values, of fewer than ten rows
    (or of all but nine) are left out, and of a text all but the 20 most frequent levels.

    Parameters
    ----------
    X : pandas.DataFrame, shape (n, k)
        Numbers and text.

    Raises
    ------
    InputError
        If there is no row.

    Examples
    --------
    >>> import pandas as pd
    >>> arm_columns(pd.DataFrame({"town": ["Ulm", "Köln"] * 10, "age": range(20)})).names
    ('town = Köln', 'town = Ulm', 'age', 'age (spread)')
    """
    if not len(X):
        raise InputError("arms: there is no row to compare; give the rows of the draw")
    names: list[str] = []
    parts, codes = [], np.empty((len(X), X.shape[1]), dtype=np.int32)
    for place, feature in enumerate(X.columns):
        for name, column in _columns(str(feature), X.iloc[:, place], codes[:, place]):
            names.append(name)
            parts.append(column)
    matrix = np.column_stack(parts) if parts else np.empty((len(X), 0), dtype=np.float32)
    return ArmColumns(tuple(names), matrix, tuple(map(str, X.columns)), codes)


def constant_features(
    columns: ArmColumns, treated: Numbers, chance: npt.NDArray[np.float64], alarms: float
) -> tuple[str, ...]:
    """Return features of one value in an arm whose other values would hardly all be drawn into the other.

    Parameters
    ----------
    columns : ArmColumns
    treated : numpy.ndarray of {0, 1}, shape (n,)
    chance : numpy.ndarray, shape (n,)
        Probability of being treated.
    alarms : float
        How often any feature of a fair draw may be named.
    """
    limit = np.log(alarms / (2 * max(len(columns.features), 1)))
    named = np.zeros(len(columns.features), dtype=bool)
    for arm, other_chance in ((0, chance), (1, 1 - chance)):
        own = columns.codes[treated == arm]
        for place in np.flatnonzero((own == own[:1]).all(axis=0)):
            others = columns.codes[:, place] != own[0, place]
            named[place] |= np.log(other_chance[others]).sum() < limit
    return tuple(name for name, chosen in zip(columns.features, named, strict=True) if chosen)


def _columns(name: str, values: "pd.Series", codes: npt.NDArray[np.int32]) -> list[tuple[str, Numbers]]:
    """Return the columns of a feature, and write the numbers of its values into `codes`."""
    import pandas as pd

    missing = values.isna().to_numpy(dtype=bool)
    number = pd.api.types.is_numeric_dtype(values.dtype)
    known = values.to_numpy(dtype=float, na_value=np.nan) if number else values.astype(object)
    codes[:], levels = pd.factorize(known, sort=number)
    columns = _ranks(name, codes, missing) if number else _indicators(name, codes, [*map(str, levels)])
    if _enough(int(missing.sum()), len(missing)):
        columns.append((f"{name} is missing", missing.astype(np.float32)))
    return columns


def _ranks(
    name: str, codes: npt.NDArray[np.int32], missing: npt.NDArray[np.bool_]
) -> list[tuple[str, Numbers]]:
    counts = np.bincount(codes[~missing])
    if len(counts) < 2:
        return []
    middle = ((np.cumsum(counts) - counts / 2) / counts.sum() - 0.5).astype(np.float32)
    rank = np.where(missing, np.float32(0), middle[codes])
    columns = [(name, rank)]
    if len(counts) >= _SPREAD_VALUES:
        mean = np.float32((middle**2 @ counts) / counts.sum())
        columns.append((f"{name} (spread)", np.where(missing, np.float32(0), rank**2 - mean)))
    return columns


def _indicators(name: str, codes: npt.NDArray[np.int32], levels: list[str]) -> list[tuple[str, Numbers]]:
    counts = np.bincount(codes[codes >= 0], minlength=len(levels))
    order = sorted(range(len(levels)), key=lambda level: (-counts[level], levels[level]))[:_LEVELS]
    return [
        (f"{name} = {levels[level]}", (codes == level).astype(np.float32))
        for level in order
        if _enough(int(counts[level]), len(codes))
    ]


def _enough(count: int, rows: int) -> bool:
    return _FEWEST <= count <= rows - _FEWEST
