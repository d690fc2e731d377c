"""Which settings suit some training rows: a validation among customers set aside within training."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from crm_ml.customer_hash import customer_folds
from crm_ml.tables.part_file import read_options

if TYPE_CHECKING:
    import pandas as pd

    from crm_ml.models.training_rows import TrainingRows

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
PLAIN: Mapping[str, Any] = {
    "num_leaves": 31,
    "min_data_in_leaf": 20,
    "rounds": 100,
    "learning_rate": 0.1,
    "extra_trees": False,
    "feature_fraction": 1.0,
    "feature_fraction_bynode": 1.0,
    "bagging_fraction": 1.0,
    "lambda_l2": 0.0,
    "max_bin": 255,
}  # LightGBM's own defaults
PARTS, MOST_ROWS, LEAST_OF_A_CLASS = 3, 30_000, 20
_CUT = 1e-15
_FILE = "choice.json"
_DAY = r"\d{4}-\d{2}-\d{2}"


@dataclass(frozen=True)
class SettingsChoice:
    """What was chosen and why.

    Parameters
    ----------
    settings : str
        Name of the candidate.
    gain, error : float or None
        Log-loss of the first candidate less that of the best other one, a row of the validation, and its
        standard error over customers; None where there were too few rows to compare them.
    rows : int
        Of the validation.
    """

    settings: str
    gain: float | None
    error: float | None
    rows: int

    def save(self, folder: Path) -> None:
        """Write the choice as JSON into the folder of its model."""
        (folder / _FILE).write_text(json.dumps(asdict(self), indent=1) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> "SettingsChoice | None":
        """Read the choice of a model; None where it made none."""
        path = folder / _FILE
        return cls(**read_options(path, cls)) if path.is_file() else None


def choose(
    rows: "TrainingRows", predicted: "Callable[[TrainingRows, TrainingRows], Mapping[str, Floats]]"
) -> SettingsChoice:
    """Return the first candidate, or the best other one where it is better by more than a standard error.

    Parameters
    ----------
    rows : TrainingRows
        Of a binary outcome.
    predicted : callable
        Of rows to fit to and rows to judge; returns the probabilities of the latter by candidate.

    References
    ----------
    .. [1] Breiman, Friedman, Olshen and Stone (1984). Classification and regression trees, section 3.4.3 (one
       standard error).
    """
    fits, judges = set_aside(rows.index)
    counted = rows.weights > 0
    classes = [int((mask & counted & (rows.y == label)).sum()) for mask in (fits, judges) for label in (0, 1)]
    fitting, judging = rows.part(fits), rows.part(judges)
    if min(classes) < LEAST_OF_A_CLASS:
        return SettingsChoice("regularised", None, None, len(judging.y))
    losses = {name: _losses(judging.y, p) for name, p in predicted(fitting, judging).items()}
    first, *others = losses
    best = min(others, key=lambda name: float(np.average(losses[name], weights=judging.weights)))
    gain, error = _gain(losses[first] - losses[best], judging.weights, _customers(judging.index))
    return SettingsChoice(best if gain > error else first, round(gain, 6), round(error, 6), len(judging.y))


def size_defaults(rows: int, columns: int) -> dict[str, Any]:
    """Return the defaults for training data of n rows and k columns.

    ``n / 1400`` leaves within 4 and 63, ``n / 500`` rows in a leaf within 20 and 200, a penalty of
    ``n / 800`` within 5 and 50, and a fifth of the columns at a split but 8 at least.

    Examples
    --------
    >>> size_defaults(5_000, 20)
    {'num_leaves': 4, 'min_data_in_leaf': 20, 'lambda_l2': 6.25, 'feature_fraction_bynode': 0.4}
    >>> size_defaults(40_000, 70)
    {'num_leaves': 28, 'min_data_in_leaf': 80, 'lambda_l2': 50.0, 'feature_fraction_bynode': 0.2}
    """
    return {
        "num_leaves": int(np.clip(rows // 1400, 4, 63)),
        "min_data_in_leaf": int(np.clip(rows // 500, 20, 200)),
        "lambda_l2": float(np.clip(rows / 800, 5, 50)),
        "feature_fraction_bynode": min(1.0, max(0.2, 8 / columns)),
    }


def set_aside(index: "pd.Index[Any]") -> tuple[Mask, Mask]:
    """Return the rows that fit candidates and those that judge them, shape (n,) each.

    A third of the customers is set aside. Where the first level of the index begins with days, the newest
    third of the days judges and the days before fit. Of more than 30,000 rows a part of the customers is
    used, drawn by a hash of their ids.

    Examples
    --------
    >>> import pandas as pd
    >>> fits, judges = set_aside(pd.Index(["ada", "bob", "eve", "joe"], name="customer_id"))
    >>> bool((fits ^ judges).all())
    True
    """
    customers = _customers(index)
    old = new = np.ones(len(index), dtype=bool)
    days = index.get_level_values(0).astype(str)
    unique = days.unique().sort_values()
    if index.nlevels > 1 and len(unique) > 1 and unique.str.match(_DAY).all():
        new = np.asarray(days >= unique[-max(1, len(unique) // PARTS)])
        old = ~new
    parts = max(1, -(-len(index) // MOST_ROWS))
    used = customer_folds(customers, parts, key="drawn for settings") == 0
    aside = customer_folds(customers, PARTS, key="settings") == 0
    return used & ~aside & old, used & aside & new


def _customers(index: "pd.Index[Any]") -> npt.NDArray[np.str_]:
    level = "customer_id" if "customer_id" in index.names else index.nlevels - 1
    return np.asarray(index.get_level_values(level), dtype=str)


def _losses(y: Floats, p: Floats) -> Floats:
    clipped = np.clip(p, _CUT, 1 - _CUT)
    return np.asarray(-np.where(y > 0, np.log(clipped), np.log1p(-clipped)))


def _gain(gains: Floats, weights: Floats, customers: npt.NDArray[np.str_]) -> tuple[float, float]:
    """Return the weighted mean of gains and its standard error, over customers."""
    code = np.unique(customers, return_inverse=True)[1]
    total = float(weights.sum())
    mean = float((weights * gains).sum()) / total
    residuals = np.bincount(code, weights * (gains - mean))
    return mean, float(np.sqrt((residuals**2).sum())) / total
