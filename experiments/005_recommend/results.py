"""Judge the committed recommendation runs on their test window, beside their baselines.

``python experiments/005_recommend/results.py`` writes results.json and the tables of README.md.
"""

import argparse
import json
import logging
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path.append(str(HERE.parent))  # for the tables of all experiments

import numpy as np  # noqa: E402
from readme_tables import looks, markdown, show, shown_progress, write_between  # noqa: E402

from crm_ml.config import RecommendRun, load_run  # noqa: E402
from crm_ml.errors import CrmError  # noqa: E402
from crm_ml.recommend.recommendation_task import task_of  # noqa: E402
from crm_ml.train.experiment import load_tables  # noqa: E402
from crm_ml.train.families.recommend import experiment  # noqa: E402
from crm_ml.train.families.recommend import report as recommend_report  # noqa: E402
from crm_ml.train.families.recommend.report import MODEL, RecommendReport  # noqa: E402

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
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # before lightgbm is imported
    logging.basicConfig(level=logging.ERROR)
    parser = argparse.ArgumentParser("results.py", description="Judge recommendations on the test window.")
    parser.add_argument("--only", choices=RUNS, action="append", help="this level alone")
    parser.add_argument("--folder", type=Path, default=HERE, help="where README.md and results.json stand")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="override a setting")
    given = parser.parse_args(argv)
    try:
        for level in given.only or RUNS:
            config = load_run(RUNS[level], given.set)
            assert isinstance(config, RecommendRun)
            _write(level, config, judged(config), given.folder)
    except CrmError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


def judged(config: RecommendRun) -> RecommendReport:
    """Return the report of a run on all of its test days."""
    tables = load_tables(config)
    with shown_progress() as progress:
        said = []
        for as_of in config.test:
            snapshot = config.target.snapshot(as_of)
            task = task_of(tables, snapshot, config.target.least_events, config.target.level)
            said.append(experiment.said_of(config, experiment.Day(snapshot, task), progress))
    return recommend_report.judge(config, said, np.random.default_rng(config.seed))


def _write(level: str, config: RecommendRun, report: RecommendReport, folder: Path) -> None:
    path = folder / "results.json"
    kept = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    figures = {
        f"{level}.{view}.ndcg": one.interval(MODEL, "ndcg").value for view, one in report.views.items()
    }
    content: dict[str, Any] = {
        view: {
            name: {metric: asdict(one.interval(name, metric)) for metric in one.metrics}
            for name in one.models
        }
        for view, one in (*report.views.items(), *report.parts.items())
    }
    content["lists"] = report.described.to_dict("records")
    seen = looks(path, config.model_dump_json(), figures)
    path.write_text(json.dumps(kept | {level: content, "looks": seen}, indent=1) + "\n", encoding="utf-8")
    for name, (header, rows) in _tables(level, report).items():
        write_between(folder / "README.md", name, markdown(header, rows))
        show(name, header, rows)
    write_between(
        folder / "README.md",
        "looks",
        f"Different results seen on the test window so far: {len(seen)}.",
    )


def _tables(level: str, report: RecommendReport) -> dict[str, tuple[list[str], list[tuple[str, ...]]]]:
    found: dict[str, tuple[list[str], list[tuple[str, ...]]]] = {}
    for view, one in report.views.items():
        header = ["model", *SHOWN.values(), "NDCG@10 of the model -"]
        order = sorted(one.models, key=lambda name, one=one: -one.interval(name, "ndcg").value)
        found[f"{view} {level}"] = (
            header,
            [
                (
                    name,
                    *(str(one.interval(name, metric)) for metric in SHOWN),
                    "" if name == MODEL else str(one.difference(MODEL, name, "ndcg")),
                )
                for name in order
            ],
        )
    found[f"{level} apart"] = _apart(report)
    lists = report.described
    numbers = [name for name in lists if name not in ("view", "model")]
    found[f"lists of {level}"] = (
        ["list", *numbers],
        [
            (f"{row['view']} {level}, {row['model']}", *(f"{row[name]:.3f}" for name in numbers))
            for row in lists.to_dict("records")
        ],
    )
    rows = []
    for view, limit in TARGETS[level].items():
        value = report.views[view].interval(MODEL, "ndcg")
        what = f"NDCG@10 of {view} {level} at least {limit}"
        rows.append((what, str(value), "met" if value.value >= limit else "**missed**"))
    assert report.calibration is not None
    ece = report.calibration.interval(MODEL, "ece")
    rows.append((f"ECE at most {LARGEST_ECE}", str(ece), "met" if ece.value <= LARGEST_ECE else "**missed**"))
    found[f"targets of {level}"] = ["target", "figure", "verdict"], rows
    return found


def _apart(report: RecommendReport) -> tuple[list[str], list[tuple[str, ...]]]:
    """Return how much of the repeats and of the new items a list of both meets."""
    first = report.views["all"]
    rows = []
    for name in sorted(first.models, key=lambda name: -first.interval(name, "ndcg").value):
        cells = [
            str(one.interval(name, metric)) for one in report.parts.values() for metric in ("recall", "ndcg")
        ]
        rows.append((name, *cells))
    names = [f"{SHOWN[metric]} of {what}" for what in report.parts for metric in ("recall", "ndcg")]
    return ["model", *names], rows


if __name__ == "__main__":
    sys.exit(main())
