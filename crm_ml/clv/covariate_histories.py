"""Distinct purchase histories of customers whose covariates are known."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

import numpy as np

from crm_ml.clv.covariate_design import Design
from crm_ml.clv.purchase_histories import Floats, Histories, Ints, check_summary, group_rows, plain_names

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class CovariateHistories(Histories):
    """Distinct rows of (frequency, recency, T) and covariates.

    Parameters
    ----------
    patterns : numpy.ndarray, shape (m, g)
        The distinct covariates: a column for each of g patterns.
    pattern : numpy.ndarray of int, shape (k,)
        Pattern of each history.
    """

    patterns: Floats
    pattern: Ints

    @classmethod
    def with_covariates(cls, summary: "pd.DataFrame", design: Design) -> Self:
        """Check a summary and group its equal rows; raises as `Histories.of` and `Design.matrix`."""
        summary = plain_names(summary)
        check_summary(summary)
        x = summary["frequency"].to_numpy(dtype=np.int64)
        t_x, T = (summary[name].to_numpy(dtype=np.float64) for name in ("recency", "T"))
        matrix = design.matrix(summary)
        pattern, sample = (
            group_rows([*matrix]) if len(matrix) else (np.zeros(len(x), np.int64), np.zeros(1, np.int64))
        )
        row, first = group_rows([x, t_x, T, pattern])
        counts = np.bincount(row, minlength=len(first)).astype(np.float64)
        return cls(
            x[first], t_x[first], T[first], counts, row, patterns=matrix[:, sample], pattern=pattern[first]
        )

    def take(self, rows: "Ints | slice") -> Self:
        """Return some of the histories, with their weights."""
        return replace(super().take(rows), pattern=self.pattern[rows])

    def moments(self) -> tuple[Floats, Floats]:
        """Return means and standard deviations of the covariates over customers, each shape (m,).

        The deviation of one that is the same for all is 1.
        """
        weight = np.bincount(self.pattern, self.weight, minlength=self.patterns.shape[1])
        mean = self.patterns @ weight / weight.sum()
        spread = np.sqrt(((self.patterns - mean[:, None]) ** 2) @ weight / weight.sum())
        flat = spread <= 1e-12 * np.maximum(np.abs(mean), 1.0)
        return mean, np.where(flat, 1.0, spread)

    def standardised(self, mean: Floats, spread: Floats) -> Self:
        """Return the histories with covariates of mean 0 and deviation 1."""
        return replace(self, patterns=(self.patterns - mean[:, None]) / spread[:, None])
