"""Integer codes of the categories of a column."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from crm_ml.tables.column_kinds import named_levels

if TYPE_CHECKING:
    import pandas as pd

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class CategoryMap:
    """Integer codes of the categories of one column.

    Parameters
    ----------
    levels : tuple of str
        Names of the levels that have a code of their own: their position. `crm_ml.tables.column_kinds` names
        them, so that a level has one name however it is stored.
    bucket : bool
        Whether training had further levels. They share the code ``len(levels)``, and so do levels unseen in
        training, since rare levels are not stored (a rare level can name a person). Without a bucket an
        unseen level is missing.

    Examples
    --------
    >>> CategoryMap(("active", "new"), bucket=False).codes(np.array(["new", "lost", None], dtype=object))
    (array([ 1., nan, nan]), 1)
    """

    levels: tuple[str, ...]
    bucket: bool

    @classmethod
    def learn(
        cls, values: "pd.Series", customer: npt.NDArray[np.int64], max_levels: int, min_customers: int
    ) -> "CategoryMap":
        """Learn the most frequent levels: at most `max_levels`, each of `min_customers` or more.

        `customer` is a number for the customer of each row, from 0.
        """
        import pandas as pd

        place, names = named_levels(values)
        of_name, levels = pd.factorize(np.array(names, dtype=object))
        level = np.append(of_name, -1)[place]
        known = level >= 0
        pairs = np.unique(level[known] * (1 + customer.max(initial=0)) + customer[known])
        counts = np.bincount(pairs // (1 + customer.max(initial=0)), minlength=len(levels)).tolist()
        ranked = sorted(zip(levels, counts, strict=True), key=lambda item: (-item[1], item[0]))
        frequent = [name for name, count in ranked[:max_levels] if count >= min_customers]
        return cls(tuple(sorted(frequent)), len(frequent) < len(ranked))

    def codes(self, values: Any) -> tuple[Floats, int]:
        """Return a code for each value (NaN for missing) and how many values have no code of their own.

        Values are texts or declared categories, in an array of any kind.
        """
        place, levels = named_levels(values)
        unseen = float(len(self.levels)) if self.bucket else np.nan
        seen = [level in self._code_of for level in levels]
        code_of = [self._code_of.get(level, unseen) for level in levels]
        others = 0 if all(seen) else int(np.isin(place, np.flatnonzero(np.logical_not(seen))).sum())
        return np.array([*code_of, np.nan])[place], others

    @cached_property
    def _code_of(self) -> dict[object, float]:
        return {level: float(code) for code, level in enumerate(self.levels)}
