"""Popular items of a customer segment, for customers without events."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from crm_ml.recommend.interactions import Floats

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Texts = npt.NDArray[np.str_]
RECENT_DAYS = 28.0


@dataclass(frozen=True, eq=False)
class SegmentPopularity:
    """Number of buyers of each item in each segment within 28 days.

    Parameters
    ----------
    names : numpy.ndarray of str, shape (n_segments,)
        In ascending order.
    buyers : numpy.ndarray, shape (n_segments, n_items)
    """

    names: Texts
    buyers: Floats

    @staticmethod
    def of(segments: Texts, ages: "csr_array", popularity: Floats) -> "SegmentPopularity":
        """Count the buyers of each segment.

        Parameters
        ----------
        segments : numpy.ndarray of str, shape (n_customers,)
            Empty for a customer without one.
        ages : scipy.sparse.csr_array, shape (n_customers, n_items)
            Days since each customer's last event of an item.
        popularity : numpy.ndarray, shape (n_items,)
            Breaks ties between items of a segment.
        """
        from scipy.sparse import csr_array

        names, number = np.unique(segments, return_inverse=True)
        rows = np.arange(len(segments))
        of_segment = csr_array((np.ones(len(rows)), (number, rows)), shape=(len(names), len(rows)))
        recent = csr_array(
            ((ages.data <= RECENT_DAYS).astype(float), ages.indices, ages.indptr), shape=ages.shape
        )
        counts = (of_segment @ recent).toarray()
        buyers = np.where(counts > 0, counts + popularity / (1.0 + popularity.max()), -np.inf)
        return SegmentPopularity(names[names != ""], buyers[names != ""])

    def order(self, segments: Texts) -> Floats:
        """Return scores of items for customers by their segment; minus infinity where there is none."""
        ranking = np.full((len(segments), self.buyers.shape[1]), -np.inf)
        known = np.isin(segments, self.names)
        ranking[known] = self.buyers[np.searchsorted(self.names, segments[known])]
        return ranking
