"""How a search judges recommenders: the NDCG of each customer's list on days before the test."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from crm_ml.config import RecommendRun
from crm_ml.config.parts import Option
from crm_ml.evaluation.recommendation import judge_lists
from crm_ml.recommend.interactions import Ids
from crm_ml.recommend.memo import Memo
from crm_ml.recommend.recommendation_task import Task
from crm_ml.recommend.recommenders import create
from crm_ml.snapshots import Snapshot
from crm_ml.train.compare.scored_rows import ListRows
from crm_ml.train.families.recommend.report import MODEL, DayLists
from crm_ml.train.record.outcome import Outcome
from crm_ml.train.search.study_plan import metric_of
from crm_ml.train.search.validation_folds import Judges, Parts, Scores, check_apart

if TYPE_CHECKING:
    import numpy.typing as npt


@dataclass
class DayJudge:
    """A day on which recommenders are judged; its events are taken when they are first asked for.

    What trials and days have in common, such as windows and the head that is not tuned, is made once, which
    changes no list.

    Parameters
    ----------
    config : RecommendRun
        With a search.
    snapshot : Snapshot
    task_at : callable
        From a snapshot to its task.
    memo : Memo
    """

    config: RecommendRun
    snapshot: Snapshot
    task_at: Callable[[Snapshot], Task]
    memo: Memo

    @cached_property
    def task(self) -> Task:
        """Events before the day, and what was bought within the window after it."""
        return self.task_at(self.snapshot)

    @property
    def view(self) -> str:
        """Whether lists are of all items or of new ones."""
        return "new" if metric_of(self.config) == "new_ndcg" else "all"

    @property
    def customers(self) -> Ids:
        """Customers with something relevant, in the order of the scores."""
        rows, _ = DayLists(str(self.snapshot), self.task, {}, None).relevant(self.view)
        ids: Ids = self.task.data.customers[rows]
        return ids

    def __call__(self, options: Mapping[str, Option]) -> Scores:
        """Return the NDCG of each customer with something relevant."""
        part, k = self.config.model, self.config.target.k
        model = create(part.name, **{**part.options, **options})
        model.fit(self.task.data, self.task.categories, memo=self.memo)
        rows, relevant = DayLists(str(self.snapshot), self.task, {}, None).relevant(self.view)
        customers = self.task.data.customers[rows]
        lists, _ = model.top(customers, k, exclude_seen=self.view == "new")
        return judge_lists(lists, relevant, k)["ndcg"]


def judges(
    config: RecommendRun,
    days: "Parts[Snapshot]",
    task_at: Callable[[Snapshot], Task],
    tests: Sequence[Snapshot],
    memo: Memo,
) -> Judges:
    """Return how settings are scored; nothing is fitted yet.

    Parameters
    ----------
    config : RecommendRun
        With a search.
    days : Parts of Snapshot
    task_at : callable
        From a snapshot to its task.
    tests : sequence of Snapshot
    memo : Memo

    Raises
    ------
    LeakError
        As `crm_ml.train.search.validation_folds.check_apart`.
    """
    check_apart(days.search, days.confirm, min(day.as_of for day in tests))
    search, confirming, testing = (
        [DayJudge(config, day, task_at, memo) for day in part] for part in (days.search, days.confirm, tests)
    )
    return Judges(
        search=search,
        confirm=lambda options: np.concatenate([day(options) for day in confirming]),
        customers=lambda: np.concatenate([day.customers for day in confirming]).astype(str),
        test=lambda options: np.concatenate([day(options) for day in testing]),
        tested=lambda outcome: _tested(testing[0].view, outcome),
        names={"search": _names(days.search), "confirm": _names(days.confirm)},
    )


def _tested(view: str, outcome: Outcome) -> "tuple[npt.NDArray[Any], Scores]":
    assert outcome.rows is not None
    lists = outcome.rows.parts[view]
    assert isinstance(lists, ListRows)
    return lists.customer_id, lists.judged[MODEL]["ndcg"]


def _names(days: Sequence[Snapshot]) -> list[str]:
    return [str(day) for day in days]
