"""Test rows of each family as they are logged and compared."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
import pandas as pd

from crm_ml.config import RecommendRun
from crm_ml.evaluation.predictions import Predictions
from crm_ml.evaluation.recommendation import judge_lists
from crm_ml.evaluation.uplift_predictions import UpliftPredictions
from crm_ml.models.labelled_rows import LabelledRows
from crm_ml.snapshots import Snapshot
from crm_ml.train.comparing.scored_rows import ListRows, ScoredRows, Window

if TYPE_CHECKING:
    from datetime import datetime

    from crm_ml.evaluation.ranking import Floats
    from crm_ml.train.clv import Tested
    from crm_ml.train.probability import Study
    from crm_ml.train.recommend_report import Said as Lists
    from crm_ml.train.uplift_fitting import Said
    from crm_ml.uplift.target import Trial

_INPUTS = 500


class _Dated(Protocol):
    @property
    def as_of(self) -> "datetime": ...

    @property
    def label_ends_at(self) -> "datetime": ...


def of_probability(study: "Study", rows: LabelledRows, predictions: Predictions) -> ScoredRows:
    """Return the test rows of churn or propensity, scored again by whatever model has these features.

    A window is complete when it had ended on the day of registration; where the config admits no open
    windows, the data were checked to hold all of them.
    """
    tests = pd.concat([study.rows.at([each.test]).X for each in study.folds])
    may_be_open = bool(getattr(getattr(study.config, "split", None), "open_windows", False))
    windows = {
        str(each.test): _window(
            each.test, not may_be_open or each.test.label_ends_at <= study.final.test.as_of
        )
        for each in study.folds
    }

    def rescore(folder: Path) -> "Mapping[str, Floats]":
        from crm_ml.models import artefact

        return {"test": artefact.load(folder).predict(tests)}

    return ScoredRows(
        parts={"test": predictions},
        views=study.views,
        decides="auc",
        deciding=("test",),
        windows=windows,
        rescore=rescore,
        inputs=_some(rows.at([study.folds[-1].test]).X),
    )


def of_value(tested: "Tested") -> ScoredRows:
    """Return the test rows of lifetime value: spend and purchases within the window."""
    window = tested.window

    def rescore(folder: Path) -> "Mapping[str, Floats]":
        from crm_ml.clv import artefact

        said = replace(artefact.load(folder), terms=window.terms).predict(window.summary)
        return {"value": said["clv"].to_numpy(), "purchases": said["expected_purchases"].to_numpy()}

    return ScoredRows(
        parts={"value": tested.value, "purchases": tested.purchases},
        views=dict.fromkeys(tested.value.kind.metrics, "pooled"),
        decides="normalised_gini",
        deciding=("value",),
        windows={window.name: _window(window.snapshot)},
        rescore=rescore,
    )


def of_uplift(
    said: "Sequence[Said]",
    parts: Mapping[str, UpliftPredictions],
    metrics: Sequence[str],
    known: "Sequence[Trial]",
    control: str,
    today: "datetime",
) -> ScoredRows:
    """Return the test rows of every treated arm; splits of a single trial have its days.

    A window is complete when it had ended on `today`, the day of registration.
    """
    days = {str(one): one for one in known}
    tests = {one.name: days.get(one.name, known[-1]) for one in said}
    windows = {name: _window(one, one.label_ends_at <= today) for name, one in tests.items()}

    def rescore(folder: Path) -> "Mapping[str, Floats]":
        from crm_ml.uplift import artefact

        learner = artefact.load(folder)
        found = {}
        for arm in [one for one in parts if one in learner.arms_]:
            rows = [one.rows.where(np.asarray(one.rows.arm.isin([control, arm]))).X for one in said]
            found[arm] = np.concatenate([learner.predict(X, arm) for X in rows])
        return found

    return ScoredRows(
        parts=parts,
        views=dict.fromkeys(metrics, "folds"),
        decides="qini" if "qini" in metrics else "qini_causalml",
        deciding=tuple(parts),
        windows=windows,
        rescore=rescore,
        inputs=_some(said[-1].rows.X),
    )


def of_lists(
    config: RecommendRun, said: "Sequence[Lists]", views: Iterable[str], metrics: Sequence[str]
) -> ScoredRows:
    """Return the metrics of each customer's list; models of other days can't score it."""
    windows = {
        one.name: _window(config.target.snapshot(day)) for one, day in zip(said, config.test, strict=True)
    }
    return ScoredRows(
        parts={view: _lists(said, view, config.target.k, metrics) for view in views},
        views=dict.fromkeys(metrics, "pooled"),
        decides="ndcg",
        deciding=("all",),
        windows=windows,
        terms={"k": config.target.k, "level": config.target.level},
    )


def _lists(said: "Sequence[Lists]", view: str, k: int, metrics: Sequence[str]) -> ListRows:
    ids, folds, wanted = [], [], []
    judged: dict[str, dict[str, list[Floats]]] = {}
    for one in said:
        rows, relevant = one.relevant(view)
        ids.append(one.task.data.customers[rows].astype(str))
        folds.append(np.full(len(rows), one.name))
        wanted.append(np.diff(relevant.indptr).astype(float))
        for name, lists in one.lists[view].items():
            values = judge_lists(lists[rows], relevant, k)
            for metric in metrics:
                judged.setdefault(name, {}).setdefault(metric, []).append(values[metric])
    joined: dict[str, dict[str, Floats]] = {}
    for name, each in judged.items():
        joined[name] = {metric: np.concatenate(parts) for metric, parts in each.items()}
    return ListRows(np.concatenate(ids), np.concatenate(folds), np.concatenate(wanted), joined)


def _window(one: "_Dated | Snapshot", complete: bool = True) -> Window:
    return Window(f"{one.as_of:%Y-%m-%d}", f"{one.label_ends_at:%Y-%m-%d}", complete)


def _some(X: "pd.DataFrame") -> "pd.DataFrame":
    """Return up to 500 rows, evenly over the frame."""
    return X.iloc[:: max(1, -(-len(X) // _INPUTS))]
