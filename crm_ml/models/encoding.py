"""Encoding of a feature frame as numbers: the columns of training, and integer codes of categories."""

import json
import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from crm_ml.errors import InputError, IntegrityError
from crm_ml.models.category_map import CategoryMap
from crm_ml.models.checks import check_present
from crm_ml.tables.column_kinds import floats_of, is_category
from crm_ml.tables.outside_frames import as_features
from crm_ml.tables.part_file import read_part
from crm_ml.tables.strict import Strict

if TYPE_CHECKING:
    import pandas as pd

logger = logging.getLogger(__name__)

Floats = npt.NDArray[np.float64]
MAX_LEVELS = 64
MIN_CUSTOMERS = 10
_CHUNK = 100_000


class _Levels(Strict):
    levels: tuple[str, ...]
    bucket: bool


class _Content(Strict):
    columns: tuple[str, ...]
    categories: dict[str, _Levels]
    dropped: tuple[str, ...]


@dataclass(frozen=True)
class Encoding:
    """Columns and categories that a model was trained on.

    A column is numbers or categories by its declared type, see `crm_ml.tables.column_kinds`; what it was in
    training it must be in scoring.

    Parameters
    ----------
    columns : tuple of str
        Columns of the encoded matrix, in order; categories among them are those of `categories`. Learned
        ones stand in the order of their names, so that a model does not depend on that of a frame.
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
            If column names repeat, a column is neither numbers nor categories, or a category is the
            customer's id.
        """
        repeated = sorted(set(X.columns[X.columns.duplicated()].astype(str)))
        if repeated or not len(X):
            raise InputError(f"features: {len(X):,} rows, repeated columns {', '.join(repeated) or 'none'}")
        dropped = tuple(sorted(str(name) for name in X.columns if _is_constant(X[name])))
        _report_dropped(dropped)
        columns = tuple(sorted(str(name) for name in X.columns if str(name) not in dropped))
        if not columns:
            raise InputError("features: every column is constant or null; nothing can be learned")
        customers = X.index.get_level_values("customer_id") if "customer_id" in X.index.names else X.index
        text = [name for name in columns if is_category(X[name], name)]
        _refuse_ids(X, text, customers)
        customer = customers.factorize(use_na_sentinel=False)[0]
        learned = {name: CategoryMap.learn(X[name], customer, max_levels, min_customers) for name in text}
        bucketed = [name for name, category_map in learned.items() if category_map.bucket]
        if bucketed:
            logger.info("rare levels share one code in %s", ", ".join(bucketed))
        return cls(columns, learned, dropped)

    def encode(self, X: "pd.DataFrame") -> Floats:
        """Return the matrix of shape (n, len(columns)), missing values as NaN; each column is contiguous.

        Order and extra columns do not matter. Unseen categories are counted in the log.

        Raises
        ------
        InputError
            If columns are missing, have changed between numbers and categories, or hold infinite values; the
            message names all of them.
        """
        places = self._places(X)
        matrix = np.empty((len(self.columns), len(X)))
        breaches = []
        for row, name, place in zip(matrix, self.columns, places, strict=True):
            # a column as it is stored: a Series of each would cost more than all else for a few rows
            values = X._get_column_array(place)  # type: ignore[operator]
            try:
                is_plain = name not in self.categories and _is_numbers(values)
                row[:] = values if is_plain else self._column(values, name)
            except InputError as error:
                breaches.append(str(error))
        infinite = np.isinf(matrix).sum(axis=1)
        breaches += [
            f"{self.columns[place]} is infinite in {infinite[place]:,} of {len(X):,} rows"
            for place in np.flatnonzero(infinite)
        ]
        if breaches:
            raise InputError(f"features: {'; '.join(breaches)}")
        return matrix.T

    def refuse_unseen(self, matrix: Floats) -> None:
        """Refuse an encoded matrix of training rows in which no row of a category has a level of its own.

        Among few rows all levels may be rare; they share a code then.

        Raises
        ------
        InputError
            The message names all such columns.
        """
        enough = len(matrix) >= MAX_LEVELS * MIN_CUSTOMERS
        unseen = [
            name
            for name, category_map in self.categories.items()
            if (enough or category_map.levels)
            and not (matrix[:, self.columns.index(name)] < len(category_map.levels)).any()
        ]
        if unseen:
            raise InputError(
                f"features: no level of {', '.join(unseen)} has {MIN_CUSTOMERS} or more of the customers in "
                f"{len(matrix):,} rows, so nothing can be learned of it; join its levels or drop the column"
            )

    def chunks(self, X: "pd.DataFrame") -> Iterator[Floats]:
        """Yield the matrix of `encode` in parts of a hundred thousand rows; raises as `encode`.

        X may be of Polars or Arrow as well, see `crm_ml.tables.outside_frames.as_features`.
        """
        X = as_features(X)
        if len(X) <= _CHUNK:
            yield self.encode(X)
            return
        for start in range(0, len(X), _CHUNK):
            yield self.encode(X.iloc[start : start + _CHUNK])

    def save(self, path: Path) -> None:
        """Write the encoding as JSON."""
        categories = {n: {"levels": list(c.levels), "bucket": c.bucket} for n, c in self.categories.items()}
        content = {"columns": list(self.columns), "categories": categories, "dropped": list(self.dropped)}
        path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> "Encoding":
        """Read an encoding from JSON."""
        content = read_part(path, _Content)
        categories = {n: CategoryMap(c.levels, c.bucket) for n, c in content.categories.items()}
        levels = [each.levels for each in categories.values()]
        if not content.columns or any(len(set(of)) < len(of) for of in (content.columns, *levels)):
            raise IntegrityError(f"{path}: it has no columns, or a column or level twice; train it again")
        if not set(categories) <= set(content.columns):
            raise IntegrityError(f"{path}: a category is none of its columns; train the model again")
        return cls(content.columns, categories, content.dropped)

    @cached_property
    def _index(self) -> "pd.Index[str]":
        import pandas as pd

        return pd.Index(self.columns)

    def _places(self, X: "pd.DataFrame") -> list[int]:
        """Return where the columns stand in a frame."""
        columns = X.columns
        if not columns.is_unique:
            repeated = sorted(set(self.columns) & set(columns[columns.duplicated()]))
            if repeated:
                raise InputError(f"features: repeated columns {', '.join(repeated)}")
            columns = columns.where(~columns.duplicated(keep=False))
        places: list[int] = columns.get_indexer_for(self._index).tolist()
        if min(places, default=0) < 0:
            check_present(self.columns, columns)
        return places

    def _column(self, values: Any, name: str) -> Floats:
        """Return the codes of a category, or numbers that numpy does not hold as such."""
        import pandas as pd

        category_map = self.categories.get(name)
        if category_map is None or not isinstance(values.dtype, pd.StringDtype):
            series = pd.Series(values, copy=False)
            if series.notna().any() and is_category(series, name) != (category_map is not None):
                kind = "a number" if category_map is None else "text or a category"
                raise InputError(f"{name} was {kind} in training and is {series.dtype} now")
            if category_map is None:
                return floats_of(series)
        codes, others = category_map.codes(values)
        known = len(codes) - int(np.isnan(codes).sum())
        if others and not category_map.bucket:
            logger.warning(
                "%s: %d of %d values unseen in training, scored as missing", name, others, len(codes)
            )
        elif others == known >= MIN_CUSTOMERS:
            logger.warning("%s: none of %d values is a level of training, scored as rare", name, known)
        return codes


def _is_numbers(values: Any) -> bool:
    return isinstance(values, np.ndarray) and values.dtype.kind in "fiub"


def _is_constant(values: "pd.Series") -> bool:
    """Whether all values are equal, missing ones among them."""
    numbers = values.to_numpy()
    if _is_numbers(numbers):
        return not (numbers != numbers[0]).any() or bool(np.isnan(numbers).all())
    try:
        return len(values.unique()) <= 1
    except TypeError:  # lists and the like, which `is_category` refuses
        return False


def _refuse_ids(X: "pd.DataFrame", text: list[str], customers: "pd.Index") -> None:
    ids = np.asarray(customers, dtype=str)
    named = [name for name in text if (X[name].to_numpy(dtype=str) == ids).mean() > 0.5]
    if named:
        raise InputError(
            f"features: {', '.join(named)} holds customer ids, which never enter a model; drop it"
        )


@cache
def _report_dropped(dropped: tuple[str, ...]) -> None:
    """Warn of columns that say nothing; once for all models of a run that drop the same."""
    if dropped:
        logger.warning("dropped %d constant or all-null columns: %s", len(dropped), ", ".join(dropped))
