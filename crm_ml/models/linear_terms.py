"""What each feature adds to the margin of a linear model, without the columns of its design."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from crm_ml.models.checks import Floats
from crm_ml.models.encoding import Encoding

LIMIT = 5.0
_BLOCK = 4096  # rows at once, so that their arrays stay in the cache


@dataclass(frozen=True, eq=False)
class LinearTerms:
    """The terms of a fitted linear model, by feature.

    Of the columns that a feature has in the design, a row has at most one that is not zero.

    Parameters
    ----------
    intercept : float
    numbers : numpy.ndarray of int, shape (m,)
        Places of the features that are numbers.
    mean, scale, slope, missing : numpy.ndarray, shape (m, 1)
        Of the bent numbers; the coefficient of the standardised number, and of a missing one.
    by_code : mapping of int to numpy.ndarray
        By the place of a category: the coefficient of each code, that of a missing value at the end.
    signed_logs : bool
        Whether numbers are bent.
    """

    intercept: float
    numbers: npt.NDArray[np.intp]
    mean: Floats
    scale: Floats
    slope: Floats
    missing: Floats
    by_code: dict[int, Floats]
    signed_logs: bool = True

    @classmethod
    def of(
        cls,
        encoding: Encoding,
        mean: Floats,
        scale: Floats,
        coefficients: Floats,
        intercept: float,
        signed_logs: bool = True,
    ) -> Self:
        """Cut the coefficients of the design by feature."""
        starts = np.cumsum([0, *widths(encoding)])
        numbers = np.array(number_places(encoding), dtype=np.intp)
        first = starts[numbers]
        by_code = {
            place: coefficients[starts[place] : starts[place + 1]]
            for place, name in enumerate(encoding.columns)
            if name in encoding.categories
        }
        return cls(
            intercept,
            numbers,
            mean=mean[numbers, None],
            scale=scale[numbers, None],
            slope=coefficients[first, None],
            missing=coefficients[first + 1, None],
            by_code=by_code,
            signed_logs=signed_logs,
        )

    def margin(self, matrix: Floats) -> Floats:
        """Return the margin of each row of an encoded matrix, shape (n,)."""
        starts = range(0, len(matrix), _BLOCK)
        parts = [self._margin(matrix[start : start + _BLOCK].T) for start in starts]
        return np.concatenate([np.empty(0), *parts])

    def _margin(self, columns: Floats) -> Floats:
        terms = np.empty(columns.shape)
        terms[self.numbers] = self._number_terms(columns[self.numbers])
        for place, coefficients in self.by_code.items():
            codes = np.where(np.isnan(columns[place]), len(coefficients) - 1, columns[place])
            terms[place] = coefficients[codes.astype(np.intp)]
        margin = np.full(columns.shape[1], self.intercept)
        for term in terms:  # one by one: a matrix product rounds by the size of the batch
            margin += term
        return margin

    def _number_terms(self, values: Floats) -> Floats:
        terms = bent(values) if self.signed_logs else values.copy()
        terms -= self.mean
        terms /= self.scale
        np.clip(terms, -LIMIT, LIMIT, out=terms)
        terms *= self.slope
        np.copyto(terms, self.missing, where=np.isnan(values))
        return terms


def bent(values: Floats) -> Floats:
    """Return ``sign(x) * log(1 + |x|)`` of contiguous numbers: those of a strided array round otherwise."""
    return np.asarray(np.sign(values) * np.log1p(np.abs(values)))


def number_places(encoding: Encoding) -> list[int]:
    """Return the places of the features that are numbers."""
    return [place for place, name in enumerate(encoding.columns) if name not in encoding.categories]


def widths(encoding: Encoding) -> list[int]:
    """Return how many columns of the design each feature has: one more than it has levels or numbers."""
    maps = (encoding.categories.get(name) for name in encoding.columns)
    return [
        2 if category_map is None else len(category_map.levels) + category_map.bucket + 1
        for category_map in maps
    ]
