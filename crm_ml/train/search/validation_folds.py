"""Days before the test that choose and that confirm, and the proof that no label of one reaches the next."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import numpy as np
import numpy.typing as npt

from crm_ml.config.parts import Option
from crm_ml.errors import LeakError

if TYPE_CHECKING:
    from datetime import datetime

    from crm_ml.config.tuning import Validation
    from crm_ml.snapshots import Snapshot
    from crm_ml.train.families.probability.study import Dated
    from crm_ml.train.record.outcome import Outcome

Scores = npt.NDArray[np.float64]
Judge = Callable[[Mapping[str, Option]], Scores]
One = TypeVar("One")


@dataclass(frozen=True)
class Parts(Generic[One]):
    """What a search sees and what confirms its choice, each in the order of time."""

    search: tuple[One, ...]
    confirm: tuple[One, ...]

    @property
    def every(self) -> tuple[One, ...]:
        """Both."""
        return (*self.search, *self.confirm)


@dataclass(frozen=True, eq=False)
class Judges:
    """How settings are scored.

    Parameters
    ----------
    search : sequence of callable
        From settings to the score of each row, one for each fold of the search.
    confirm : callable
        From settings to the score of each row that confirms.
    customers : callable
        Returns whose rows confirm, shape (n,).
    test : callable
        From settings to the score of each test row; asked once all is decided, and only to tell.
    tested : callable
        From the outcome of the run to whose rows those are and the scores that the run has there.
    names : mapping of str to list of str
        Folds of each part.
    """

    search: Sequence[Judge]
    confirm: Judge
    customers: Callable[[], "npt.NDArray[Any]"]
    test: Judge
    tested: "Callable[[Outcome], tuple[npt.NDArray[Any], Scores]]"
    names: Mapping[str, list[str]]


def days_before(first_test: "Snapshot", validation: "Validation") -> "Parts[Snapshot]":
    """Return the newest days that leave each label window its place before what comes after it.

    Examples
    --------
    >>> from datetime import timedelta
    >>> from crm_ml.config.tuning import Validation
    >>> from crm_ml.snapshots import Snapshot
    >>> found = days_before(Snapshot("2017-08-30", timedelta(days=28)), Validation(search=2, every_days=14))
    >>> [str(one) for one in found.search], [str(one) for one in found.confirm]
    (['2017-06-21', '2017-07-05'], ['2017-08-02'])
    """
    confirm = first_test.training(validation.confirm, validation.every_days)
    return Parts(tuple(confirm[0].training(validation.search, validation.every_days)), tuple(confirm))


def check_apart(search: "Iterable[Dated]", confirm: "Iterable[Dated]", first_test: "datetime") -> None:
    """Refuse folds whose labels reach into what is to judge them.

    Parameters
    ----------
    search, confirm : iterable of Dated
    first_test : datetime
        Moment of the first test.

    Raises
    ------
    LeakError
        With every fold whose labels end too late.
    """
    confirming = list(confirm)
    begins = min(fold.as_of for fold in confirming)
    late = [(fold, "the first day that confirms", begins) for fold in search if fold.label_ends_at > begins]
    late += [(fold, "the first test", first_test) for fold in confirming if fold.label_ends_at > first_test]
    if late:
        lines = [
            f"labels of {fold} end on {fold.label_ends_at:%Y-%m-%d}, after {what} on {end:%Y-%m-%d}"
            for fold, what, end in late
        ]
        raise LeakError(f"tuning.validation: {'; '.join(lines)}")
