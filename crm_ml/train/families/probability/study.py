"""The rows and folds of an experiment that predicts a probability."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from crm_ml.config import ProbabilityRun
from crm_ml.models.labelled_rows import LabelledRows
from crm_ml.models.model_profiles import Seen
from crm_ml.models.row_draw import RowDraw

if TYPE_CHECKING:
    from crm_ml.evaluation.significance import Over


class Dated(Protocol):
    """What rows are named by: a snapshot, or a campaign; ``str`` of it is the fold of its rows."""

    @property
    def as_of(self) -> datetime:
        """Moment of which the features know the past."""
        ...

    @property
    def label_ends_at(self) -> datetime:
        """First moment after the label window."""
        ...


One = TypeVar("One", bound=Dated, covariant=True)


@dataclass(frozen=True)
class Fold(Generic[One]):
    """What is predicted, and what trains for it, oldest first."""

    test: One
    training: tuple[One, ...]


@dataclass(frozen=True, eq=False)
class Study:
    """Rows and folds of an experiment that are ready to be judged.

    Parameters
    ----------
    config : ProbabilityRun
    rows : LabelledRows
        With every feature, those that the config leaves out too, for segments.
    folds : tuple of Fold
    final : Fold
        What trains the model that is registered; its test is the day of registration.
    views : mapping of str to {"pooled", "folds"}
        Metrics, and how each is taken over the folds.
    loader : module
        Of the family, with ``FAMILY``, ``COLUMN`` and ``_load_pyfunc``.
    details : mapping
        Entries of the model's manifest.
    extra : tuple of str
        Columns of the rows beyond the feature groups.
    customers : mapping of str to int
        Customers that the model would have scored, by day.
    seen : tuple of Seen
        What it would have scored, where that is not what trains it.
    draw : RowDraw, optional
        By which the rows were drawn, where there were more than the config holds.
    """

    config: ProbabilityRun
    rows: LabelledRows
    folds: tuple[Fold[Dated], ...]
    final: Fold[Dated]
    views: "Mapping[str, Over]"
    loader: Any
    details: Mapping[str, Any]
    extra: tuple[str, ...] = ()
    customers: Mapping[str, int] = field(default_factory=dict)
    seen: tuple[Seen, ...] = ()
    draw: RowDraw | None = None
