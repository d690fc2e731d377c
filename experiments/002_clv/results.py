"""Lifetime value on four data sets: the choice of validation, beside baselines and the textbook models.

``python experiments/002_clv/results.py [--online-retail PATH]`` writes results.json and the tables of
README.md. It is no tool for choosing: each run with other figures of a chosen model is counted in
results.json and README.md. Online Retail is left as it stands where its file is not given.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from clv_study import DataSetResult, studies, study
from study import (
    Table,
    dated,
    parser,
    run,
    save,
    saved,
    shown_progress,
    verdict,
    write_between,
    write_tables,
)

from crm_ml.evaluation.significance import Evaluation
from crm_ml.train.families.clv.report import MODEL

METRICS = ("rmse", "mae", "msle", "total_error", "normalised_gini", "top_decile_share")
TITLES = ("RMSE", "MAE", "MSLE", "total error", "normalised Gini", "top-decile share")
TARGETS = (("dollar RMSE below 72.0", "rmse"), ("normalised Gini at least .69", "normalised_gini"),
           ("total within 10 %", "total_error"))  # fmt: skip


def main(argv: Sequence[str] | None = None) -> int:
    """Judge the choice of each data set on its test window; return the exit code."""
    command = parser(__file__, "Judge lifetime value on the test windows.", "results.json", settings=True)
    command.add_argument("--online-retail", type=Path, help="Parquet file of Online Retail II")
    command.add_argument("--only", nargs="*", help="names of data sets (default: all)")
    return run(_judge_all, command.parse_args(argv))


def _judge_all(arguments: argparse.Namespace) -> None:
    runs = studies(arguments.online_retail, arguments.only, arguments.set)
    with shown_progress() as progress:
        judged = {name: study(config, progress, name) for name, config in runs.items()}
    for name, result in judged.items():
        report(name, result, arguments.folder)


def report(name: str, result: DataSetResult, folder: Path) -> None:
    """Write the tables of one data set into README.md and results.json, and print them."""
    path = folder / "results.json"
    results = saved(path, {})
    evaluations = evaluations_of(results.get(name, {}).get("looks", []), result)
    results[name] = plain(result) | {"looks": evaluations}
    save(path, dict(sorted(results.items())))
    tables: dict[str, Table] = {}
    for kind, judged in (("value", result.value), ("purchases", result.purchases)):
        tables[f"{name} {kind}"] = ("model", *TITLES), _rows(judged, METRICS)
    views = ("rmse", "normalised_gini", "total_error")
    header = ("model", "RMSE", "normalised Gini", "total error")
    tables[f"{name} validation"] = header, _rows(result.validation, views)
    if name == "cdnow_sample":
        tables["targets"] = ("target", "figure", "verdict"), targets(result.value)
    write_tables(folder, tables)
    text = facts(result, len(evaluations))
    write_between(folder / "README.md", f"{name} facts", text)
    print(text)


def _rows(judged: Evaluation, metrics: Sequence[str]) -> list[tuple[str, ...]]:
    return [(model, *(cell(judged, model, metric) for metric in metrics)) for model in judged.models]


def targets(judged: Evaluation) -> list[tuple[str, str, str]]:
    """Return each target of the CDNOW sample with its figure and ``met`` or ``missed``."""
    values = {metric: judged.interval(MODEL, metric).value for _, metric in TARGETS}
    met = (values["rmse"] < 72.0, values["normalised_gini"] >= 0.69, abs(values["total_error"]) <= 0.10)
    return [
        (what, cell(judged, MODEL, metric), verdict(good))
        for (what, metric), good in zip(TARGETS, met, strict=True)
    ]


def cell(judged: Evaluation, model: str, metric: str) -> str:
    """Return a value with its interval, in as many digits as it has meaning."""
    over = "pooled" if (model, metric, "pooled") in judged.replicates else "folds"
    end = judged.interval(model, metric, over)
    digits = 3 if abs(end.value) < 10 else 2
    if metric == "total_error":
        return f"{end.value:+.3f} [{end.low:+.3f}, {end.high:+.3f}]"
    return f"{end.value:.{digits + (digits == 3)}f} [{end.low:.{digits}f}, {end.high:.{digits}f}]"


def facts(result: DataSetResult, counted: int) -> str:
    """Describe the test window and the choice in words."""
    window, choice = result.window, result.choice
    actual = window.outcomes.as_dict()
    tilt = f"power {result.tilt.power:.3f}, total {result.tilt.total:.3f}" if choice.tilted else "none"
    paired = result.value.difference(MODEL, "recency_rule", "rmse")
    bare = result.value.difference(MODEL, choice.base, "rmse")
    trees = ", challenger" if choice.challenger else ""
    return (
        f"Test window from {window.name}, {window.snapshot.horizon.days} days: {actual['customers']:,} "
        f"customers, {actual['purchases']:,} purchases, {actual['value']:,.0f} spent; "
        f"{actual['new_customers']:,} customers who are new in it ({actual['new_value']:,.0f} spent) "
        f"count in no metric. Chosen: {choice.base}{trees}; tilt: {tilt}. On validation {choice.reason}. "
        f"RMSE minus that of the recency rule: {paired}, minus that of {choice.base} as it is: {bare}. "
        f"Different results of a chosen model seen there so far: {counted}."
    )


def evaluations_of(past: list[dict[str, Any]], result: DataSetResult) -> list[dict[str, Any]]:
    """Return the evaluations on the test window, with this one unless it repeats one to four digits."""
    figures = {metric: round(result.value.interval(MODEL, metric).value, 6) for metric in METRICS}
    new = [*figures.values()]
    if any(np.allclose([*each["figures"].values()], new, rtol=1e-4, atol=0) for each in past):
        return past
    return [*past, dated(result.config.model_dump_json(), figures)]


def plain(result: DataSetResult) -> dict[str, Any]:
    """Return the figures of a data set, ready for JSON."""
    return {
        "choice": asdict(result.choice),
        "tilt": asdict(result.tilt),
        "outcomes": result.window.outcomes.as_dict(),
        **{
            kind: {
                model: {metric: asdict(judged.interval(model, metric)) for metric in METRICS}
                for model in judged.models
            }
            for kind, judged in (("value", result.value), ("purchases", result.purchases))
        },
        "params": result.params,
        "log_likelihood": result.log_likelihood,
    }


if __name__ == "__main__":
    sys.exit(main())
