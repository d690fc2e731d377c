"""The test rows of a run with the predictions of them, as a family hands them back."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

import numpy.typing as npt

from crm_ml.evaluation.base_predictions import BasePredictions
from crm_ml.evaluation.predictions import Predictions
from crm_ml.evaluation.ranking import Floats
from crm_ml.evaluation.uplift_predictions import UpliftPredictions
from crm_ml.evaluation.value_predictions import ValuePredictions
from crm_ml.plugins import full_name, named

if TYPE_CHECKING:
    from datetime import datetime

    import pandas as pd

    from crm_ml.evaluation.significance import Over

MODEL = "model"
LISTS = "lists"
_INPUTS = 500
KINDS: dict[str, type[BasePredictions]] = {
    "probability": Predictions,
    "value": ValuePredictions,
    "uplift": UpliftPredictions,
}
Rescore = Callable[[Path], Mapping[str, Floats]]


@dataclass(frozen=True)
class TestWindow:
    """Days of a fold, as ISO texts, and whether the data hold the whole of its label window."""

    as_of: str
    labels_end: str
    complete: bool = True


@dataclass(frozen=True, eq=False)
class ListRows:
    """Metrics of lists, row by row; of lists the items themselves are not kept.

    Parameters
    ----------
    customer_id, fold : numpy.ndarray of str, shape (n,)
    y : numpy.ndarray of float, shape (n,)
        Number of relevant items, which depends on no model.
    judged : mapping of str to mapping of str to numpy.ndarray, shape (n,)
        By model and metric.
    """

    customer_id: npt.NDArray[Any]
    fold: npt.NDArray[Any]
    y: Floats
    judged: Mapping[str, Mapping[str, Floats]]

    @property
    def scores(self) -> dict[str, Floats]:
        """Metrics as columns ``<metric>.<model>``."""
        return {f"{m}.{name}": p for name, each in self.judged.items() for m, p in each.items()}


@dataclass(frozen=True, eq=False)
class ScoredRows:
    """Test rows of a run.

    Parameters
    ----------
    parts : mapping of str to BasePredictions or ListRows
        By arm, view or quantity; the model of the run is ``"model"`` in each.
    views : mapping of str to {"pooled", "folds"}
        Metrics, and how each is taken over the folds.
    decides : str
        Metric by which a model beats another; more is better.
    deciding : tuple of str
        Parts that it is taken on.
    windows : mapping of str to TestWindow
        By fold.
    terms : mapping of str to value
        What runs must share to be compared, beyond the outcomes, such as the length of a list.
    rescore : callable, optional
        From the folder of a registered model to its scores of each part's rows. None where the rows of a
        model of another day can't be scored.
    inputs : pandas.DataFrame, optional
        Features of some of the rows, for importances.
    """

    parts: Mapping[str, BasePredictions | ListRows]
    views: "Mapping[str, Over]"
    decides: str
    deciding: tuple[str, ...]
    windows: Mapping[str, TestWindow]
    terms: Mapping[str, Any] = field(default_factory=dict)
    rescore: Rescore | None = None
    inputs: "pd.DataFrame | None" = None


def kind_of(part: BasePredictions | ListRows) -> str:
    """Return the name of a part's kind; of a kind of one's own ``module:Class``."""
    names = {kind: name for name, kind in KINDS.items()} | {ListRows: LISTS}
    return names.get(type(part)) or full_name(type(part))


def predictions_of(kind: str) -> type[BasePredictions]:
    """Return the class of a kind of predictions.

    Raises
    ------
    ConfigError
        If a kind of one's own can't be imported.
    """
    return KINDS[kind] if kind in KINDS else cast("type[BasePredictions]", named(kind))


class Windowed(Protocol):
    """A snapshot, a campaign or a trial: what has a day and an end of its labels."""

    @property
    def as_of(self) -> "datetime":
        """Moment of which features know the past."""
        ...

    @property
    def label_ends_at(self) -> "datetime":
        """First moment after the label window."""
        ...


def window_of(fold: Windowed, complete: bool = True) -> TestWindow:
    """Return the days of a fold."""
    return TestWindow(f"{fold.as_of:%Y-%m-%d}", f"{fold.label_ends_at:%Y-%m-%d}", complete)


def some_rows(X: "pd.DataFrame") -> "pd.DataFrame":
    """Return up to 500 rows, evenly over the frame."""
    return X.iloc[:: max(1, -(-len(X) // _INPUTS))]
