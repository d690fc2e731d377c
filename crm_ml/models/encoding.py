"""Encoding of a feature frame as numbers: the columns of training, and integer codes of categories."""

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from crm_ml.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

logger = logging.getLogger(__name__)

Floats = npt.NDArray[np.float64]
MAX_LEVELS = 64
MIN_CUSTOMERS = 10


@dataclass(frozen=True)
class CategoryMap:
    """Integer codes of the categories of one column.

    Parameters
    ----------
    levels : tuple of str
        Levels that have a code of their own: their position.
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
        cls, values: "pd.Series", customers: "pd.Index", max_levels: int, min_customers: int
    ) -> "CategoryMap":
        """Learn the most frequent levels: at most `max_levels`, each of `min_customers` or more."""
        import pandas as pd

        known = values.notna().to_numpy()
        pairs = pd.DataFrame({"level": values.to_numpy()[known], "customer": np.asarray(customers)[known]})
        counts = pairs.drop_duplicates()["level"].value_counts()
        ranked = sorted(counts.items(), key=lambda item: (-item[1], str(item[0])))
        frequent = [str(level) for level, count in ranked[:max_levels] if count >= min_customers]
        return cls(tuple(sorted(frequent)), len(frequent) < len(ranked))

    def codes(self, values: npt.NDArray[np.object_]) -> tuple[Floats, int]:
        """Return a code for each value (NaN for missing) and how many values have no code of their own."""
        import pandas as pd

        known = pd.notna(values)
        codes = pd.Index(self.levels, dtype=object).get_indexer(pd.Index(values)).astype(float)
        other = known & (codes < 0)
        codes[other] = len(self.levels) if self.bucket else np.nan
        codes[~known] = np.nan
        return codes, int(other.sum())


@dataclass(frozen=True)
class Encoding:
    """Columns and categories that a model was trained on.

    Parameters
    ----------
    columns : tuple of str
        Columns of the encoded matrix, in order; categories among them are those of `categories`.
    categories : mapping of str to CategoryMap
    dropped : tuple of str
        Columns that were constant or null in every training row.
    """

    columns: tuple[str, ...]
    categories: Mapping[str, CategoryMap] = field(default_factory=dict)
    dropped: tuple[str, ...] = ()

    @classmethod
    def learn(
        cls, X: "pd.DataFrame", max_levels: int = MAX_LEVELS, min_customers: int = MIN_CUSTOMERS
    ) -> "Encoding":
        """Learn the columns of a feature frame.

        Raises
        ------
        InputError
            If column names repeat, a column is neither number nor text, or text is the customer's id.
        """
        repeated = sorted(set(X.columns[X.columns.duplicated()].astype(str)))
        if repeated or not len(X):
            raise InputError(f"features: {len(X):,} rows, repeated columns {', '.join(repeated) or 'none'}")
        dropped = tuple(str(name) for name in X.columns if len(X[name].unique()) <= 1)
        if dropped:
            logger.warning("dropped %d constant or all-null columns: %s", len(dropped), ", ".join(dropped))
        columns = tuple(str(name) for name in X.columns if name not in dropped)
        if not columns:
            raise InputError("features: every column is constant or null; nothing can be learned")
        customers = X.index.get_level_values("customer_id") if "customer_id" in X.index.names else X.index
        text = [name for name in columns if _is_text(X[name])]
        _refuse_ids(X, text, customers)
        learned = {name: CategoryMap.learn(X[name], customers, max_levels, min_customers) for name in text}
        bucketed = [name for name, category_map in learned.items() if category_map.bucket]
        if bucketed:
            logger.info("rare levels share one code in %s", ", ".join(bucketed))
        return cls(columns, learned, dropped)

    def encode(self, X: "pd.DataFrame") -> Floats:
        """Return the matrix of shape (n, len(columns)), missing values as NaN.

        Order and extra columns do not matter. Unseen categories are counted in the log.

        Raises
        ------
        InputError
            If columns are missing, have changed between number and text, or hold infinite values; the
            message names all of them.
        """
        missing = [name for name in self.columns if name not in X.columns]
        if missing:
            raise InputError(
                f"features: {len(missing)} missing: {', '.join(missing)}; compute the same groups"
            )
        breaches: list[str] = []
        matrix = np.empty((len(X), len(self.columns)))
        for position, name in enumerate(self.columns):
            try:
                matrix[:, position] = self._column(X[name], name)
            except InputError as error:
                breaches.append(str(error))
        if breaches:
            raise InputError(f"features: {'; '.join(breaches)}")
        return matrix

    def save(self, path: Path) -> None:
        """Write the encoding as JSON."""
        categories = {n: {"levels": list(c.levels), "bucket": c.bucket} for n, c in self.categories.items()}
        content = {"columns": list(self.columns), "categories": categories, "dropped": list(self.dropped)}
        path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> "Encoding":
        """Read an encoding from JSON."""
        content = json.loads(path.read_text(encoding="utf-8"))
        categories = {
            n: CategoryMap(tuple(c["levels"]), c["bucket"]) for n, c in content["categories"].items()
        }
        return cls(tuple(content["columns"]), categories, tuple(content["dropped"]))

    def _column(self, values: "pd.Series", name: str) -> Floats:
        if name in self.categories:
            if values.notna().any() and not _is_text(values):
                raise InputError(f"{name} was text in training and is {values.dtype} now")
            codes, other = self.categories[name].codes(values.astype(object).to_numpy())
            if other and not self.categories[name].bucket:
                logger.warning(
                    "%s: %d of %d values unseen in training, scored as missing", name, other, len(codes)
                )
            return codes
        if values.notna().any() and _is_text(values):
            raise InputError(f"{name} was a number in training and is text now")
        return _numbers(values, name)


def _numbers(values: "pd.Series", name: str) -> Floats:
    import pandas as pd

    numbers = pd.to_numeric(values).to_numpy(dtype=np.float64, na_value=np.nan)
    infinite = int(np.isinf(numbers).sum())
    if infinite:
        raise InputError(f"{name} is infinite in {infinite:,} of {len(numbers):,} rows")
    return np.asarray(numbers)


def _is_text(values: "pd.Series") -> bool:
    """Say whether a column is text (else it is numbers), or refuse it."""
    import pandas as pd

    if pd.api.types.is_numeric_dtype(values.dtype):
        return False
    kind = pd.api.types.infer_dtype(values, skipna=True)
    if kind in ("string", "categorical", "empty"):
        return kind != "empty"
    if kind in ("boolean", "integer", "floating", "mixed-integer-float", "decimal"):
        return False
    raise InputError(f"{values.name} holds {kind} values; features are numbers or text")


def _refuse_ids(X: "pd.DataFrame", text: list[str], customers: "pd.Index") -> None:
    ids = np.asarray(customers, dtype=str)
    named = [name for name in text if (X[name].to_numpy(dtype=str) == ids).mean() > 0.5]
    if named:
        raise InputError(
            f"features: {', '.join(named)} holds customer ids, which never enter a model; drop it"
        )
