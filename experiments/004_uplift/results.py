"""Judge every learner on the test rows of the committed runs, with both controls beside each figure.

``python experiments/004_uplift/results.py`` writes results.json and the tables of README.md.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from effect_study import candidates, predict_all, rows_of, settings, shown
from rich.progress import Progress
from study import (
    Table,
    parser,
    run,
    save,
    saved,
    shown_progress,
    test_evaluations,
    verdict,
    write_tables,
)
from uplift_rates import starbucks_rates
from uplift_truth import truth_table

from crm_ml.config import UpliftRun
from crm_ml.evaluation.significance import Interval
from crm_ml.evaluation.uplift_predictions import RANDOM, RESPONSE
from crm_ml.evaluation.uplift_verdict import verdict as uplift_verdict
from crm_ml.train.families.uplift.fitting import MODEL, FoldPredictions
from crm_ml.train.families.uplift.report import ArmReport, UpliftReport, judge
from crm_ml.uplift.trial_draw import check_trials
from crm_ml.uplift.trial_rows import trials

RUNS = ("hillstrom", "hillstrom_spend", "starbucks", "simulated")
QINI = {"qini": "Qini", "qini_causalml": "Qini (causalml)", "uplift_at_30": "uplift at 30 %"}
WOMEN_TARGET = 0.058


def main(argv: Sequence[str] | None = None) -> int:
    """Judge the runs and write their tables; return the exit code."""
    command = parser(__file__, "Judge learners of uplift on test rows.", "results.json", RUNS, settings=True)
    return run(_judge_all, command.parse_args(argv))


def _judge_all(arguments: argparse.Namespace) -> None:
    with shown_progress() as progress:
        for name in arguments.only or RUNS:
            _judge_run(name, settings(f"uplift/{name}", arguments.set), arguments.folder, progress)


def _judge_run(name: str, config: UpliftRun, folder: Path, progress: Progress) -> None:
    rows, folds, tables_of_run = rows_of(config, progress)
    known = trials(tables_of_run, config.target.horizon)
    predicted = predict_all(config, candidates(config), rows, folds, progress)
    draw = check_trials(rows, known, tables_of_run, config.target.control)
    report = judge(config, rows, predicted, draw, np.random.default_rng(config.seed))
    figures = {arm: _figures(each) for arm, each in report.arms.items()}
    _save(folder / "results.json", name, config, {"arms": figures, **report.facts()})
    tables = {arm: _orders(config, each) for arm, each in report.arms.items()}
    tables |= _more(name, config, report, predicted)
    write_tables(folder, {f"{name} {marker}": table for marker, table in tables.items()})


def _more(
    name: str, config: UpliftRun, report: UpliftReport, predicted: Sequence[FoldPredictions]
) -> dict[str, Table]:
    """Return the tables that only some of the runs have: rules in money, targets, the truth; and the draw."""
    tables: dict[str, Table] = {}
    if report.policies is not None:
        tables["policies"] = _policies(report)
    if name == "starbucks":
        assert config.worth is not None
        tables["rates"] = starbucks_rates(predicted, config.worth)
    if name == "simulated":
        tables["truth"] = truth_table(config, predicted)
    if name == "hillstrom":
        tables["targets"] = _targets(report)
    return tables | {"draw": _draw(report)}


def _save(path: Path, name: str, config: UpliftRun, content: Mapping[str, Any]) -> None:
    """Write the figures of a run beside those of the others, and count the evaluations on its test rows."""
    results = saved(path, {"runs": {}, "looks": []})
    first = next(iter(content["arms"].values()))
    figures = {f"{name}.{metric}": each["value"] for metric, each in first["model"].items() if metric in QINI}
    results["looks"] = test_evaluations(path, config.model_dump_json(), figures)
    results["runs"][name] = content
    save(path, results)


def _figures(report: ArmReport) -> dict[str, Any]:
    judged = report.evaluation
    figures: dict[str, Any] = {
        name: {metric: asdict(judged.interval(name, metric, "folds")) for metric in judged.metrics}
        for name in judged.models
    }
    for name in judged.models:
        if name not in (RANDOM, RESPONSE):
            figures[name]["verdict"] = uplift_verdict(judged, name, _metric(report)).decision
    return figures


def _metric(report: ArmReport) -> str:
    return "qini" if "qini" in report.evaluation.metrics else "qini_causalml"


def _orders(config: UpliftRun, report: ArmReport) -> Table:
    """Return a row for each order: its metrics, and its differences to both controls."""
    judged, metric = report.evaluation, _metric(report)
    metrics = [name for name in QINI if name in judged.metrics]
    against = (f"{QINI[metric]} - random", f"{QINI[metric]} - response")
    header = ["order", *(QINI[name] for name in metrics), *against, "verdict"]
    rows = []
    for name in sorted(judged.models, key=lambda name: -judged.interval(name, metric, "folds").value):
        cells = [str(judged.interval(name, each, "folds")) for each in metrics]
        paired = [
            "" if name == other else str(judged.difference(name, other, metric, "folds"))
            for other in (RANDOM, RESPONSE)
        ]
        control = name in (RANDOM, RESPONSE)
        decision = "control" if control else uplift_verdict(judged, name, metric).decision
        rows.append((shown(name, config), *cells, *paired, decision))
    return header, rows


def _policies(report: UpliftReport) -> Table:
    assert report.policies is not None
    header = ["rule", "treated", "cents a customer", "more than treating nobody"]
    table = [
        (
            str(row.policy),
            f"{row.treated:.1%}",
            str(Interval(row.value, row.low, row.high)),
            str(Interval(row.difference, row.difference_low, row.difference_high)),
        )
        for row in report.policies.itertuples()
    ]
    return header, table


def _draw(report: UpliftReport) -> Table:
    """Return average effect, draw and greatest imbalance of each arm."""
    header = ["arm", "average effect", "greatest standardised difference", "draw"]
    counts = "no probability declared" if report.draw.ratio is None else str(report.draw.ratio)
    draw = f"{counts}; {'comparable' if report.draw.comparable else report.draw.reason}"
    table = [
        (arm, str(each.effect), f"{each.balance['difference'].abs().max():.3f}", draw)
        for arm, each in report.arms.items()
    ]
    return header, table


def _targets(report: UpliftReport) -> Table:
    women, men = report.arms["womens"], report.arms["mens"]
    qini = women.evaluation.interval(MODEL, "qini", "folds")
    lead = women.evaluation.difference(MODEL, RESPONSE, "qini", "folds")
    asked = [
        (f"Women, Qini at least {WOMEN_TARGET}", str(qini), qini.value >= WOMEN_TARGET),
        ("Women, Qini above the response model", str(lead), lead.value > 0),
        ("Women, verdict", women.verdict.decision, women.verdict.by_uplift),
        ("Men are not to be targeted by uplift", men.verdict.decision, not men.verdict.by_uplift),
    ]
    return ["target", "figure", "verdict"], [(what, figure, verdict(met)) for what, figure, met in asked]


if __name__ == "__main__":
    sys.exit(main())
