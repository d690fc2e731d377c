"""Judge the committed recommendation runs on their test window, beside their baselines.

``python experiments/005_recommend/results.py`` writes results.json and the tables of README.md.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).parents[1]))  # for what all experiments share

import numpy as np
from study import (
    Table,
    parser,
    plain,
    run,
    save,
    saved,
    shown_progress,
    test_evaluations,
    verdict,
    write_between,
    write_tables,
)

from crm_ml.config import RecommendRun, load_run
from crm_ml.evaluation.significance import Evaluation
from crm_ml.recommend.memo import Memo
from crm_ml.recommend.recommendation_task import task_of
from crm_ml.train.experiment import load_tables
from crm_ml.train.families.recommend import experiment
from crm_ml.train.families.recommend import report as recommend_report
from crm_ml.train.families.recommend.report import MODEL, RecommendReport

RUNS = {"items": "recommend/two_heads", "categories": "recommend/category"}
SHOWN = {
    "ndcg": "NDCG@10",
    "recall": "recall@10",
    "map": "MAP@10",
    "hit_rate": "hit rate@10",
    "mrr": "MRR@10",
}
TARGETS = {
    "items": {"all": 0.437, "new": 0.0515},
    "categories": {"new": 0.205},
}
LARGEST_ECE = 0.02


def main(argv: Sequence[str] | None = None) -> int:
    """Judge the run and write its tables; return the exit code."""
    about = "Judge recommendations on the test window."
    command = parser(__file__, about, "results.json", RUNS, settings=True)
    return run(_judge_all, command.parse_args(argv))


def _judge_all(arguments: argparse.Namespace) -> None:
    for level in arguments.only or RUNS:
        config = load_run(RUNS[level], arguments.set)
        assert isinstance(config, RecommendRun)
        _write(level, config, judged(config), arguments.folder)


def judged(config: RecommendRun) -> RecommendReport:
    """Return the report of a run on all of its test days."""
    tables = load_tables(config)
    predicted, memo = [], Memo()
    with shown_progress() as progress:
        for as_of in config.test:
            snapshot = config.target.snapshot(as_of)
            task = task_of(tables, snapshot, config.target.least_events, config.target.level)
            day = experiment.TestDay(snapshot, task)
            predicted.append(experiment.lists_of(config, day, progress, memo))
    return recommend_report.judge(config, predicted, np.random.default_rng(config.seed))


def _write(level: str, config: RecommendRun, report: RecommendReport, folder: Path) -> None:
    path = folder / "results.json"
    figures = {
        f"{level}.{view}.ndcg": each.interval(MODEL, "ndcg").value for view, each in report.views.items()
    }
    content: dict[str, Any] = {
        view: plain({name: {m: each.interval(name, m) for m in each.metrics} for name in each.models})
        for view, each in (*report.views.items(), *report.parts.items())
    }
    content["lists"] = report.described.to_dict("records")
    evaluations = test_evaluations(path, config.model_dump_json(), figures)
    save(path, saved(path, {}) | {level: content, "looks": evaluations})
    write_tables(folder, _tables(level, report))
    counted = f"Different results seen on the test window so far: {len(evaluations)}."
    write_between(folder / "README.md", "looks", counted)


def _tables(level: str, report: RecommendReport) -> dict[str, Table]:
    tables: dict[str, Table] = {f"{view} {level}": _metrics(each) for view, each in report.views.items()}
    tables[f"{level} apart"] = _apart(report)
    lists = report.described
    numbers = [name for name in lists if name not in ("view", "model")]
    rows = [
        (f"{row['view']} {level}, {row['model']}", *(f"{row[name]:.3f}" for name in numbers))
        for row in lists.to_dict("records")
    ]
    tables[f"lists of {level}"] = ["list", *numbers], rows
    tables[f"targets of {level}"] = ["target", "figure", "verdict"], _targets(level, report)
    return tables


def _best_first(judged: Evaluation) -> list[str]:
    return sorted(judged.models, key=lambda name: -judged.interval(name, "ndcg").value)


def _metrics(judged: Evaluation) -> Table:
    rows = []
    for name in _best_first(judged):
        difference = "" if name == MODEL else str(judged.difference(MODEL, name, "ndcg"))
        rows.append((name, *(str(judged.interval(name, metric)) for metric in SHOWN), difference))
    return ["model", *SHOWN.values(), "NDCG@10 of the model -"], rows


def _targets(level: str, report: RecommendReport) -> list[tuple[str, str, str]]:
    rows = []
    for view, limit in TARGETS[level].items():
        value = report.views[view].interval(MODEL, "ndcg")
        what = f"NDCG@10 of {view} {level} at least {limit}"
        rows.append((what, str(value), verdict(value.value >= limit)))
    assert report.calibration is not None
    ece = report.calibration.interval(MODEL, "ece")
    return [*rows, (f"ECE at most {LARGEST_ECE}", str(ece), verdict(ece.value <= LARGEST_ECE))]


def _apart(report: RecommendReport) -> Table:
    """Return recall and NDCG of a list of both on repeats alone and on new items alone."""
    metrics = ("recall", "ndcg")
    rows = [
        (name, *(str(part.interval(name, metric)) for part in report.parts.values() for metric in metrics))
        for name in _best_first(report.views["all"])
    ]
    return ["model", *(f"{SHOWN[metric]} of {what}" for what in report.parts for metric in metrics)], rows


if __name__ == "__main__":
    sys.exit(main())
