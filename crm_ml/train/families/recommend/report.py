"""What a recommendation experiment reports: lists beside baselines, of all items and new ones, and P(buy)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from crm_ml import plots
from crm_ml.config import RecommendRun
from crm_ml.errors import InputError
from crm_ml.evaluation.calibration_check import CalibrationCheck, check_calibration
from crm_ml.evaluation.lost_to import lost_to
from crm_ml.evaluation.predictions import Predictions
from crm_ml.evaluation.recommendation import NONE, describe_lists, evaluate_lists, judge_lists
from crm_ml.evaluation.significance import Evaluation, Interval, evaluate
from crm_ml.recommend.recommendation_task import Task
from crm_ml.train.record.outcome import Gate, calibrated, named

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from scipy.sparse import csr_array

MODEL = "model"
VIEWS = ("all", "new")
PARTS = ("repeat", "explore")
_SHOWN = ("ndcg", "recall", "map", "hit_rate", "mrr")


@dataclass(frozen=True, eq=False)
class DayLists:
    """Lists of a test day.

    Parameters
    ----------
    name : str
    task : Task
    lists : mapping of str to mapping of str to numpy.ndarray of int, shape (customers, k)
        By view and model.
    probabilities : scipy.sparse.csr_array, optional
        P(buy) of the pairs that the model judged.
    """

    name: str
    task: Task
    lists: Mapping[str, Mapping[str, "np.ndarray[Any, np.dtype[np.int64]]"]]
    probabilities: "csr_array | None"

    def relevant(self, view: str) -> tuple["np.ndarray[Any, np.dtype[np.int64]]", "csr_array"]:
        """Return the customers with something relevant, and what it is.

        That is what they had before for ``"repeat"``, what they never had for ``"new"`` and ``"explore"``,
        and both for ``"all"``.
        """
        wanted = self.task.relevant
        assert wanted is not None
        if view != "all":
            seen = self.task.data.matrix()
            seen.data[:] = 1.0
            again = wanted.multiply(seen).tocsr()
            wanted = again if view == "repeat" else wanted - again
            wanted.eliminate_zeros()
        rows = np.flatnonzero(np.diff(wanted.indptr) > 0)
        if not len(rows):
            raise InputError(f"{self.name}: nobody bought a {view} item within the window; test another day")
        return rows, wanted[rows]


@dataclass(frozen=True, eq=False)
class RecommendReport:
    """All of an experiment's figures.

    Parameters
    ----------
    views : mapping of str to Evaluation
        Lists of all items, and lists of new items alone, by what was bought of them.
    parts : mapping of str to Evaluation
        Lists of all items by the repeats that they meet, and by the new items that they meet.
    described : pandas.DataFrame
        What the lists are like.
    bought : Predictions or None
        P(buy) of recommended items beside whether they were bought.
    calibration : Evaluation or None
        The ECE.
    checked : CalibrationCheck or None
    k : int
    """

    views: Mapping[str, Evaluation]
    parts: Mapping[str, Evaluation]
    described: pd.DataFrame
    bought: Predictions | None
    calibration: Evaluation | None
    checked: CalibrationCheck | None
    k: int

    def metrics(self) -> dict[str, float]:
        """Return ``test.<metric>_at_<k>`` and those of baselines with intervals.

        Names begin with ``new_``, ``repeat_`` or ``explore_`` where they are not about all items.
        """
        by_name: dict[str, float] = {}
        for view, judged in (*self.views.items(), *self.parts.items()):
            for metric in judged.metrics:
                label = f"{'' if view == 'all' else f'{view}_'}{metric}_at_{self.k}"
                for model in judged.models:
                    prefix = "test" if model == MODEL else f"baseline.{model}"
                    by_name |= named(f"{prefix}.{label}", judged.interval(model, metric))
                    if model != MODEL:
                        paired = judged.difference(MODEL, model, metric)
                        by_name |= named(f"difference.{model}.{label}", paired)
        if self.calibration is not None and self.checked is not None:
            by_name |= named("test.ece", self.calibration.interval(MODEL, "ece"))
            by_name |= {f"test.{name}": value for name, value in self.checked.metrics.items()}
        return by_name

    def summary(self) -> pd.DataFrame:
        """Return the table for people."""
        rows = []
        first = self.views["all"]
        for model in first.models:
            cells = {
                f"{view} {metric}": _shown(judged.interval(model, metric))
                for view, judged in self.views.items()
                for metric in ("ndcg", "recall")
            }
            rows.append({"model": model} | cells)
        best = self.best
        cells = {
            f"{view} {metric}": _shown(judged.difference(MODEL, best, metric))
            for view, judged in self.views.items()
            for metric in ("ndcg", "recall")
        }
        return pd.DataFrame([*rows, {"model": f"model - {best}"} | cells])

    @cached_property
    def best(self) -> str:
        """Name of the baseline of greatest NDCG over all items."""
        judged = self.views["all"]
        others = [name for name in judged.models if name != MODEL]
        return max(others, key=lambda name: judged.interval(name, "ndcg").value)

    def gates(self, largest_ece: float) -> tuple[Gate, ...]:
        """Return what must hold before the model becomes champion."""
        conditions = []
        for view, judged in self.views.items():
            others = [name for name in judged.models if name != MODEL]
            best = max(others, key=lambda name: judged.interval(name, "ndcg").value)
            paired = judged.difference(MODEL, best, "ndcg")
            reason, name = f"{view} items, NDCG - {best} {paired}", "not worse than the best baseline"
            conditions.append(Gate(f"{name}, {view} items", paired.high > 0, reason))
        if self.checked is not None:
            conditions.append(calibrated(self.checked, largest_ece))
        return tuple(conditions)

    def losses(self) -> tuple[str, ...]:
        """Return a line for each baseline, popularity among them, whose lists are better for certain."""
        return tuple(
            f"{view} items: {sentence}"
            for view, judged in self.views.items()
            for sentence in lost_to(judged, MODEL, "ndcg").values()
        )

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return metrics, differences and what the lists are like."""
        every = {**self.views, **self.parts}
        parts = {"metrics": [judged.table().assign(view=view) for view, judged in every.items()]}
        parts["differences"] = [judged.differences(MODEL).assign(view=view) for view, judged in every.items()]
        return {name: pd.concat(tables) for name, tables in parts.items()} | {"lists": self.described}

    def figures(self) -> "dict[str, Figure]":
        """Return the calibration of P(buy)."""
        if self.bought is None:
            return {}
        return {"calibration": plots.calibration(self.bought, model=MODEL, check=self.checked)}

    def facts(self) -> dict[str, Any]:
        """Return what the lists are like as plain data."""
        return {"lists": self.described.to_dict("records")}


def judge(config: RecommendRun, lists: Sequence[DayLists], rng: np.random.Generator) -> RecommendReport:
    """Judge the lists of all test days; customers are drawn whole over them.

    Parameters
    ----------
    config : RecommendRun
    lists : sequence of DayLists
    rng : numpy.random.Generator
    """
    views = {view: _judge(config, lists, view, rng) for view in VIEWS}
    parts = {part: _judge(config, lists, part, rng) for part in PARTS}
    bought = _bought(lists)
    calibration = checked = None
    if bought is not None:
        calibration = evaluate(bought, rng, ("ece",), config.replicates, ("pooled",))
        checked = check_calibration(bought, MODEL, rng.spawn(1)[0])
    described = _described(config, lists)
    return RecommendReport(views, parts, described, bought, calibration, checked, config.target.k)


def _judge(config: RecommendRun, days: Sequence[DayLists], view: str, rng: np.random.Generator) -> Evaluation:
    ids, parts = [], []
    of_lists = view if view in VIEWS else "all"
    for day_lists in days:
        rows, relevant = day_lists.relevant(view)
        ids.append(day_lists.task.data.customers[rows].astype(str))
        parts.append(
            {
                name: judge_lists(lists[rows], relevant, config.target.k)
                for name, lists in day_lists.lists[of_lists].items()
            }
        )
    joined = {
        name: {metric: np.concatenate([part[name][metric] for part in parts]) for metric in _SHOWN}
        for name in parts[0]
    }
    return evaluate_lists(np.concatenate(ids), joined, rng, config.replicates, _SHOWN)


def _bought(lists: Sequence[DayLists]) -> Predictions | None:
    """Return P(buy) of the first places and whether they were bought; each place of a list is a fold."""
    parts = []
    for day_lists in lists:
        if day_lists.probabilities is None:
            return None
        rows, relevant = day_lists.relevant("all")
        for place in range(day_lists.lists["all"][MODEL].shape[1]):
            items = day_lists.lists["all"][MODEL][rows, place]
            p = np.where(items == NONE, 0.0, np.asarray(day_lists.probabilities[rows, items]).ravel())
            recommended = p > 0
            hit = np.asarray(relevant[np.arange(len(rows)), items]).ravel()
            ids = day_lists.task.data.customers[rows].astype(str)
            fold = np.full(int(recommended.sum()), f"{day_lists.name} place {place + 1}")
            parts.append(
                Predictions(ids[recommended], fold, hit[recommended], {MODEL: np.clip(p[recommended], 0, 1)})
            )
    return Predictions.join(parts)


def _described(config: RecommendRun, days: Sequence[DayLists]) -> pd.DataFrame:
    last = days[-1]
    data = last.task.data
    events = np.bincount(data.item, minlength=len(data.items))
    category = [last.task.categories.get(str(item), str(item)) for item in data.items]
    rows = [
        {"view": view, "model": name} | describe_lists(lists, events, category, config.target.k)
        for view in VIEWS
        for name, lists in last.lists[view].items()
    ]
    return pd.DataFrame(rows)


def _shown(interval: Interval) -> str:
    return f"{interval.value:.4f}\n{interval.low:.3f} to {interval.high:.3f}"
