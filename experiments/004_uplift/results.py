"""Judge every learner on the test rows of the committed runs, with both controls beside each figure.

``python experiments/004_uplift/results.py`` writes results.json and the tables of README.md.
"""

import argparse
import json
import logging
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from effect_study import HERE, candidates, predict_all, rows_of, settings, shown
from readme_tables import looks, markdown, show, shown_progress, write_between
from rich.progress import Progress
from uplift_rates import starbucks_rates
from uplift_truth import truth_table

from crm_ml.config import UpliftRun
from crm_ml.errors import CrmError
from crm_ml.evaluation.significance import Interval
from crm_ml.evaluation.uplift_predictions import RANDOM, RESPONSE
from crm_ml.evaluation.uplift_verdict import verdict
from crm_ml.train.families.uplift.fitting import MODEL, Said
from crm_ml.train.families.uplift.report import ArmReport, UpliftReport, judge

RUNS = ("hillstrom", "hillstrom_spend", "starbucks", "simulated")
QINI = {"qini": "Qini", "qini_causalml": "Qini (causalml)", "uplift_at_30": "uplift at 30 %"}
WOMEN_TARGET = 0.058


def main(argv: Sequence[str] | None = None) -> int:
    """Judge the runs and write their tables; return the exit code."""
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # before lightgbm is imported
    logging.basicConfig(level=logging.ERROR)
    parser = argparse.ArgumentParser("results.py", description="Judge learners of uplift on test rows.")
    parser.add_argument("--only", choices=RUNS, action="append", help="these runs alone")
    parser.add_argument("--folder", type=Path, default=HERE, help="where README.md and results.json stand")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="override a setting")
    given = parser.parse_args(argv)
    try:
        with shown_progress() as progress:
            for run in given.only or RUNS:
                _run(run, settings(f"uplift/{run}", given.set), given.folder, progress)
    except CrmError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


def _run(run: str, config: UpliftRun, folder: Path, progress: Progress) -> None:
    rows, folds, _tables = rows_of(config, progress)
    said = predict_all(config, candidates(config), rows, folds, progress)
    report = judge(config, rows, said, np.random.default_rng(config.seed))
    figures = {arm: _figures(one) for arm, one in report.arms.items()}
    _keep(folder / "results.json", run, config, {"arms": figures, **report.facts()})
    for arm, one in report.arms.items():
        header, table = _orders(config, one)
        write_between(folder / "README.md", f"{run} {arm}", markdown(header, table))
        show(f"{run}: {arm}", header, table)
    _more(run, config, report, said, folder)


def _more(run: str, config: UpliftRun, report: UpliftReport, said: Sequence[Said], folder: Path) -> None:
    """Write what only some of the runs have: rules in money, targets, the truth."""
    tables: dict[str, tuple[Sequence[str], list[tuple[str, ...]]]] = {}
    if report.policies is not None:
        tables["policies"] = _policies(report)
    if run == "starbucks":
        assert config.worth is not None
        tables["rates"] = starbucks_rates(said, config.worth)
    if run == "simulated":
        tables["truth"] = truth_table(config, said)
    if run == "hillstrom":
        tables["targets"] = _targets(report)
    tables["draw"] = _draw(report)
    for name, (header, table) in tables.items():
        write_between(folder / "README.md", f"{run} {name}", markdown(header, table))
        show(f"{run}: {name}", header, table)


def _keep(path: Path, run: str, config: UpliftRun, content: Mapping[str, Any]) -> None:
    """Write the figures of a run beside those of the others; looks at its test rows are counted by metric."""
    kept = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {"runs": {}, "looks": []}
    first = next(iter(content["arms"].values()))
    figures = {f"{run}.{metric}": one["value"] for metric, one in first["model"].items() if metric in QINI}
    kept["looks"] = looks(path, config.model_dump_json(), figures)
    kept["runs"][run] = content
    path.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")


def _figures(one: ArmReport) -> dict[str, Any]:
    judged = one.evaluation
    found: dict[str, Any] = {
        name: {metric: asdict(judged.interval(name, metric, "folds")) for metric in judged.metrics}
        for name in judged.models
    }
    for name in judged.models:
        if name not in (RANDOM, RESPONSE):
            found[name]["verdict"] = verdict(judged, name, _metric(one)).decision
    return found


def _metric(one: ArmReport) -> str:
    return "qini" if "qini" in one.evaluation.metrics else "qini_causalml"


def _orders(config: UpliftRun, one: ArmReport) -> tuple[list[str], list[tuple[str, ...]]]:
    """Return a row for each order: its metrics, and how it stands to both controls."""
    judged, metric = one.evaluation, _metric(one)
    told = [name for name in QINI if name in judged.metrics]
    against = f"{QINI[metric]} -"
    header = ["order", *(QINI[name] for name in told), f"{against} random", f"{against} response", "verdict"]
    table = []
    for name in sorted(judged.models, key=lambda name: -judged.interval(name, metric, "folds").value):
        cells = [str(judged.interval(name, each, "folds")) for each in told]
        control = name in (RANDOM, RESPONSE)
        paired = [
            "" if name == other else str(judged.difference(name, other, metric, "folds"))
            for other in (RANDOM, RESPONSE)
        ]
        decision = "control" if control else verdict(judged, name, metric).decision
        table.append((shown(name, config), *cells, *paired, decision))
    return header, table


def _policies(report: UpliftReport) -> tuple[list[str], list[tuple[str, ...]]]:
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


def _draw(report: UpliftReport) -> tuple[list[str], list[tuple[str, ...]]]:
    """Return average effect, draw and greatest imbalance of each arm."""
    header = ["arm", "average effect", "greatest standardised difference", "draw"]
    draw = "no probability declared" if report.ratio is None else str(report.ratio)
    table = [
        (arm, str(one.effect), f"{one.balance['difference'].abs().max():.3f}", draw)
        for arm, one in report.arms.items()
    ]
    return header, table


def _targets(report: UpliftReport) -> tuple[list[str], list[tuple[str, ...]]]:
    women, men = report.arms["womens"], report.arms["mens"]
    qini = women.evaluation.interval(MODEL, "qini", "folds")
    lead = women.evaluation.difference(MODEL, RESPONSE, "qini", "folds")
    asked = [
        (f"Women, Qini at least {WOMEN_TARGET}", str(qini), qini.value >= WOMEN_TARGET),
        ("Women, Qini above the response model", str(lead), lead.value > 0),
        ("Women, verdict", women.verdict.decision, women.verdict.by_uplift),
        ("Men are not to be targeted by uplift", men.verdict.decision, not men.verdict.by_uplift),
    ]
    return ["target", "figure", "verdict"], [(a, b, "met" if met else "**missed**") for a, b, met in asked]


if __name__ == "__main__":
    sys.exit(main())
