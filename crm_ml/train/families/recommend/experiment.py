"""The recommendation experiment: lists of a day, judged by what was bought within the window after it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from crm_ml.config import RecommendRun
from crm_ml.config.parts import Part
from crm_ml.consents import check_purpose
from crm_ml.errors import LeakError
from crm_ml.models import model_folder
from crm_ml.recommend import recommend_pyfunc
from crm_ml.recommend.interactions import Interactions
from crm_ml.recommend.memo import Memo
from crm_ml.recommend.recommendation_task import Task, allowing, task_of
from crm_ml.recommend.recommender import Recommender, fitted
from crm_ml.recommend.recommenders import create
from crm_ml.recommend.two_heads import TwoHeads
from crm_ml.snapshots import Snapshot, check_data_reach
from crm_ml.tables import Tables
from crm_ml.tables.zones import declared
from crm_ml.train.families.recommend import report as recommend_report
from crm_ml.train.families.recommend.report import MODEL, DayLists
from crm_ml.train.families.recommend.search import judges
from crm_ml.train.families.recommend.test_rows import of_lists
from crm_ml.train.families.recommend.trace import trace_of
from crm_ml.train.record.outcome import Candidate, Outcome, no_leak
from crm_ml.train.search.search_job import tune
from crm_ml.train.search.validation_folds import days_before

if TYPE_CHECKING:
    from pathlib import Path

    from rich.progress import Progress


@dataclass(frozen=True, eq=False)
class TestDay:
    """A test day and its task."""

    snapshot: Snapshot
    task: Task


def execute(
    config: RecommendRun, tables: Tables, progress: "Progress", studies: "Path | None" = None
) -> Outcome:
    """Run the recommendation experiment of one config.

    Parameters
    ----------
    config : RecommendRun
    tables : Tables
    progress : rich.progress.Progress
    studies : Path, optional
        Where the trials of a search are retained; in memory without it.

    Returns
    -------
    Outcome
        Metrics are means over the customers of all test days who bought something relevant; those named
        ``new_`` are over items that they had never bought before.

    Raises
    ------
    LeakError
        If what a model learns from differs without the rows after the test day.
    InputError
        If the tables do not reach far enough, or too little was bought.
    """
    check_purpose(tables, config.target.purpose)
    days = [_day(config, tables, config.target.snapshot(as_of)) for as_of in config.test]
    check_point_in_time(config, tables, days[-1])
    memo = Memo()
    if config.tuning is None:
        return _judged(config, tables, days, progress, memo)
    ahead = days_before(days[0].snapshot, config.tuning.validation)
    tests = [day.snapshot for day in days]
    scoring = judges(config, ahead, lambda day: _day(config, tables, day).task, tests, memo)
    result = tune(config, scoring, studies, progress)
    return result.beside(_judged(result.config, tables, days, progress, memo), progress)


def _judged(
    config: RecommendRun, tables: Tables, days: "list[TestDay]", progress: "Progress", memo: Memo
) -> Outcome:
    lists = [lists_of(config, day, progress, memo) for day in days]
    report = recommend_report.judge(config, lists, np.random.default_rng(config.seed))
    final = _allowed(config, tables, _final(config, tables))
    training = progress.add_task("final model", total=1)
    model = fit(config.model, final, memo)
    progress.advance(training)
    return Outcome(
        metrics=report.metrics(),
        summary=report.summary(),
        gates=(*report.gates(config.largest_ece), no_leak("events")),
        candidate=_candidate(config, model, final, tables.zone),
        trace=trace_of({str(day.snapshot): day.task for day in days} | {"final": final}, lists),
        tables=report.tables(),
        figures=report.figures(),
        facts={"test": [str(day.snapshot) for day in days], "items": len(final.data.items)} | report.facts(),
        rows=of_lists(config, lists, recommend_report.VIEWS, report.views["all"].metrics),
        notes=report.losses(),
    )


def fit(part: Part, task: Task, memo: Memo) -> Recommender:
    """Fit a model or baseline to the events of a task, or take an equal fit."""
    return fitted(create(part.name, **part.options), task.data, task.categories, memo=memo)


def lists_of(config: RecommendRun, day: TestDay, progress: "Progress", memo: Memo) -> DayLists:
    """Fit model and baselines to a test day and take their lists, of all items and of new ones alone."""
    task = day.task
    assert task.relevant is not None
    parts = {MODEL: config.model} | {part.name: part for part in config.baselines}
    lists: dict[str, dict[str, Any]] = {"all": {}, "new": {}}
    probabilities = None
    for name, part in progress.track(list(parts.items()), description=f"models of {day.snapshot}"):
        model = fit(part, task, memo)
        for view, exclude in (("all", False), ("new", True)):
            lists[view][name] = model.top(task.data.customers, config.target.k, exclude_seen=exclude)[0]
        if name == MODEL and isinstance(model, TwoHeads):
            probabilities = model.probabilities()
    return DayLists(str(day.snapshot), task, lists, probabilities)


def check_point_in_time(config: RecommendRun, tables: Tables, day: TestDay) -> None:
    """Take the events of a test day once more without all later rows and compare them exactly.

    Raises
    ------
    LeakError
        If an event differs.
    """
    target = config.target
    known = task_of(day.snapshot.known(tables), day.snapshot, target.least_events, target.level, after=False)
    ours, theirs = day.task.data, _kept(known.data, day.task.data)
    for name in ("customers", "items", "customer", "item", "at", "quantity"):
        if not np.array_equal(getattr(ours, name), getattr(theirs, name)):
            raise LeakError(f"interactions: {name} at {day.snapshot} differs without the rows after it")


def _day(config: RecommendRun, tables: Tables, snapshot: Snapshot) -> TestDay:
    check_data_reach(tables, snapshot, config.data.ends_at)
    task = task_of(tables, snapshot, config.target.least_events, config.target.level)
    return TestDay(snapshot, _allowed(config, tables, task))


def _final(config: RecommendRun, tables: Tables) -> Task:
    snapshot = config.target.snapshot(config.register_as.as_of)
    return task_of(tables, snapshot, config.target.least_events, config.target.level, after=False)


def _allowed(config: RecommendRun, tables: Tables, task: Task) -> Task:
    """Return the task of customers who allow the purpose at the day of registration."""
    today = config.target.snapshot(config.register_as.as_of)
    return allowing(task, tables, today, config.target.purpose)


def _kept(data: Interactions, wanted: Interactions) -> Interactions:
    """Return the events of the customers who stand in other events."""
    return data.of_customers(np.isin(data.customers.astype(str), wanted.customers.astype(str)))


def _candidate(config: RecommendRun, model: Recommender, task: Task, zone: str) -> Candidate:
    details: Mapping[str, Any] = {
        "target": config.target.model_dump(mode="json"),
        "labels_end": f"{config.register_as.as_of:%Y-%m-%d}",
        **declared(zone),
        "items": len(task.data.items),
    }
    return Candidate(
        name=config.register_as.name,
        save=lambda folder: model_folder.save(model, folder, "recommend", **details),
        loader_module=recommend_pyfunc.__name__,
        inputs={"customer_id": "string"},
        outputs={
            "customer_id": "string",
            "rank": "double",
            "item_id": "string",
            "score": "double",
            "reason": "string",
        },
    )
