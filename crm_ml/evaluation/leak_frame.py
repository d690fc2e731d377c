"""Rows in which signs of leaks are looked for, a sample of them as bins, and the limits of an AUC."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from crm_ml.customer_hash import customer_folds
from crm_ml.evaluation.additive_rows import AdditiveRows
from crm_ml.evaluation.ranking import Floats
from crm_ml.tables.column_kinds import numbers, plain_values
from crm_ml.tables.outside_frames import aligned

if TYPE_CHECKING:
    import pandas as pd

# AUC alone that is looked at where it is so far beyond all else added up, and wherever it is
STRONG, LEAD, IMPLAUSIBLE = 0.9, 0.05, 0.95
MOST_ROWS, MOST_FEATURES = 10_000, 100
_Z = 2.0  # standard errors


@dataclass(frozen=True)
class LeakLook:
    """A sign of a leak.

    Parameters
    ----------
    subject : str
        A feature, a pair of features, or an order.
    sign : str
        Kind of the sign.
    auc : float
        Of the subject alone; NaN where it is judged by something else.
    limit : float
        Of this AUC; NaN where it is judged by something else.
    reason : str
    """

    subject: str
    sign: str
    auc: float
    limit: float
    reason: str

    def __str__(self) -> str:
        return f"look at {self.subject}: {self.reason}"


@dataclass(frozen=True)
class Subject:
    """What is looked at: its name, the kind of sign, its lowest limit, and what it is compared with."""

    name: str
    sign: str
    floor: float = STRONG
    rest: str = "all features"


@dataclass(frozen=True, eq=False)
class LeakFrame:
    """All rows, and a sample of them as bins.

    Parameters
    ----------
    columns : dict of str to numpy.ndarray, shape (n,)
        Floats or texts.
    index : pandas.Index, shape (n,)
    ids : pandas.Index
        Different customers.
    y : numpy.ndarray of {0, 1}, shape (n,)
    customer : numpy.ndarray of int, shape (n,)
        Place of each row's in `ids`.
    sample : numpy.ndarray of int, shape (m,)
        Rows.
    rows : AdditiveRows
        Of the sample, with the features that enter pairs.
    """

    columns: dict[str, npt.NDArray[Any]]
    index: "pd.Index[Any]"
    ids: "pd.Index[Any]"
    y: Floats
    customer: npt.NDArray[np.int64]
    sample: npt.NDArray[np.int64]
    rows: AdditiveRows

    @classmethod
    def of(cls, X: "pd.DataFrame", y: npt.ArrayLike, areas: Mapping[str, float]) -> "LeakFrame":
        """Bin a sample of the rows; see `crm_ml.evaluation.leak_looks.look_for_leaks`."""
        import pandas as pd

        labels = numbers(aligned(y, X.index, "y"), "y")
        named = "customer_id" in X.index.names
        customer, ids = pd.factorize(X.index.get_level_values("customer_id") if named else np.arange(len(X)))
        columns = {str(name): plain_values(X[name]) for name in X.columns}
        best = sorted(columns, key=lambda name: (-round(areas.get(name, 0.5), 6), name))[:MOST_FEATURES]
        texts = np.asarray(ids, dtype=str)
        sample = _sample(labels, customer_folds(texts, 2**32, key="leak sample")[customer])
        half = (customer_folds(texts, 2, key="leak gate") == 0)[customer]
        rows = AdditiveRows.of(
            {name: columns[name][sample] for name in sorted(best)}, labels[sample], half[sample]
        )
        return cls(columns, X.index, pd.Index(ids), labels, customer, sample, rows)

    @property
    def rarer(self) -> int:
        """Class of fewer rows."""
        return int(self.y.mean() <= 0.5)

    @property
    def other_weight(self) -> float:
        """How many rows of the commoner class one of the sample stands for, for one of the rarer class."""
        odds = [y.mean() / (1 - y.mean()) for y in (self.rows.y, self.y)]
        return float(odds[0] / odds[1] if self.rarer else odds[1] / odds[0])

    def beyond(self, area: float, limit: float) -> bool:
        """Say whether an AUC is above a limit by two standard errors."""
        return area - _Z * _error(area, self.rows.y) > limit

    def alone(self, subject: "Subject", area: float, without: Collection[str]) -> LeakLook | None:
        """Return a look where an AUC is above its limit, which follows from all features but some."""
        if not self.beyond(area, subject.floor):
            return None
        rest = self.rows.area(without)
        limit = min(IMPLAUSIBLE, max(subject.floor, rest + LEAD))
        if not self.beyond(area, limit):
            return None
        reason = f"AUC {area:.4f}, limit {limit:.3f}; {subject.rest} added up have {rest:.4f}"
        return LeakLook(subject.name, subject.sign, round(area, 4), round(limit, 4), reason)


def _sample(y: Floats, key: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return at most 10,000 rows, half of them of the rarer class if there are as many, by customer."""
    order = np.argsort(key, kind="stable")
    rarer = order[y[order] == (y.mean() <= 0.5)]
    other = order[y[order] != (y.mean() <= 0.5)]
    taken = max(MOST_ROWS // 2, MOST_ROWS - len(other))
    rarer = rarer[:taken]
    return np.sort(np.concatenate([rarer, other[: MOST_ROWS - len(rarer)]]))


def _error(area: float, y: Floats) -> float:
    """Return the standard error of an AUC.

    References
    ----------
    .. [1] Hanley and McNeil (1982). The meaning and use of the area under a ROC curve. Radiology 143,
       equation 2.
    """
    positives = y.sum()
    negatives = len(y) - positives
    pair, twice = area / (2 - area), 2 * area**2 / (1 + area)
    variance = area * (1 - area) + (positives - 1) * (pair - area**2) + (negatives - 1) * (twice - area**2)
    return float(np.sqrt(max(variance, 0) / (positives * negatives)))
