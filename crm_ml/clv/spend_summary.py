"""Mean spend per purchase: the observations behind Gamma-Gamma, and their dependence on frequency."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from crm_ml.clv.purchase_histories import Floats, check_summary, group_rows, plain_names

if TYPE_CHECKING:
    import pandas as pd

_EDGES = (2, 3, 5, 9, 17)
_FEW = 30


@dataclass(frozen=True, eq=False)
class Spend:
    """Mean spend of each customer and the number of purchases behind it.

    Parameters
    ----------
    n : numpy.ndarray of float, shape (n,)
        Purchases; 0 where there is none that counts.
    mean : numpy.ndarray of float, shape (n,)
        In the unit of the summary.
    """

    n: Floats
    mean: Floats

    @classmethod
    def of(cls, summary: "pd.DataFrame", use_first_purchase: bool) -> "Spend":
        """Read the repeat purchases of a summary, or all of them.

        Raises
        ------
        InputError
            If it is no valid summary, or lacks ``monetary_value``, or ``first_value`` where that is used.
        """
        columns = ("monetary_value", "first_value") if use_first_purchase else ("monetary_value",)
        summary = plain_names(summary)
        check_summary(summary, columns)
        x, mean = (summary[name].to_numpy(dtype=np.float64) for name in ("frequency", "monetary_value"))
        if not use_first_purchase:
            return cls(x, mean)
        return cls(x + 1, (summary["first_value"].to_numpy(dtype=np.float64) + x * mean) / (x + 1))

    def known(self) -> "Grouped":
        """Return the customers with a known spend above 0, equal ones grouped with their count."""
        keep = (self.n > 0) & (self.mean > 0)
        n, mean = self.n[keep], self.mean[keep]
        if not len(n):
            return Grouped(n, mean, np.empty(0))
        row, first = group_rows([n, mean])
        return Grouped(n[first], mean[first], np.bincount(row).astype(np.float64))


@dataclass(frozen=True, eq=False)
class Grouped:
    """Distinct (n, mean) above 0, ascending, with the number of customers."""

    n: Floats
    mean: Floats
    weight: Floats

    @property
    def customers(self) -> float:
        """Number of customers."""
        return float(self.weight.sum())

    @property
    def mean_of_customers(self) -> float:
        """Mean over customers of their mean spend."""
        return float(self.weight @ self.mean / self.customers)


@dataclass(frozen=True)
class Independence:
    """Whether spend depends on frequency, among customers with a known spend.

    Parameters
    ----------
    spearman, pearson : float
        Correlation of the number of purchases with their mean value; 0 where one of them is constant.
    p_value : float
        Of the rank correlation, under independence.
    """

    spearman: float
    pearson: float
    p_value: float


def independence_of(known: Grouped) -> Independence:
    """Test the assumption of Gamma-Gamma that spend does not depend on frequency.

    Ranks share ties; the p-value is that of Student's t with n - 2 degrees of freedom.
    """
    from scipy.stats import rankdata, t

    counts = known.weight.astype(np.int64)
    n, mean = np.repeat(known.n, counts), np.repeat(known.mean, counts)
    if len(n) < 3 or np.ptp(n) == 0 or np.ptp(mean) == 0:
        return Independence(0.0, 0.0, 1.0)
    spearman = float(np.corrcoef(rankdata(n), rankdata(mean))[0, 1])
    pearson = float(np.corrcoef(n, mean)[0, 1])
    left = max(1 - spearman**2, 1e-300)
    return Independence(
        spearman, pearson, float(2 * t.sf(abs(spearman) * np.sqrt((len(n) - 2) / left), len(n) - 2))
    )


@dataclass(frozen=True)
class Levels:
    """Mean spend by band of frequency, relative to all customers.

    Parameters
    ----------
    edges : tuple of int
        A customer with n purchases is in the band number ``sum(n >= edge)``.
    factors : tuple of float
        Mean spend in each band, relative to that of all customers.
    """

    edges: tuple[int, ...] = ()
    factors: tuple[float, ...] = (1.0,)

    @classmethod
    def learn(cls, known: Grouped) -> "Levels":
        """Compute the level of each band; bands of fewer than 30 customers are joined to the one below."""
        edges: list[int] = []
        for edge in _EDGES:
            since = known.n >= (edges[-1] if edges else 0)
            inside, above = since & (known.n < edge), known.n >= edge
            if min(known.weight[inside].sum(), known.weight[above].sum()) >= _FEW:
                edges.append(edge)
        band = np.searchsorted(edges, known.n, side="right")
        money = np.bincount(band, weights=known.weight * known.mean, minlength=len(edges) + 1)
        count = np.bincount(band, weights=known.weight, minlength=len(edges) + 1)
        return cls(tuple(edges), tuple((money / count / known.mean_of_customers).tolist()))

    def of(self, n: Floats) -> Floats:
        """Return the factor of each customer, shape (n,)."""
        return np.asarray(np.asarray(self.factors)[np.searchsorted(self.edges, n, side="right")])
