"""What training on some of the rows costs: paired differences to all rows, CPU time and memory of both.

``python experiments/011_sampled_training/results.py`` trains each candidate in a process of its own, unless
an earlier start has, and writes results.json and the tables of README.md.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from one_training import ALL, BY_CLASS, EVENLY

from crm_ml.evaluation.predictions import Predictions
from crm_ml.evaluation.significance import Evaluation, evaluate
from crm_ml.storage.paths import data_folder

from study import parser, plain, run, save, saved, write_tables  # isort: skip  (its path is added above)

METRICS = {
    "auc": "ROC AUC",
    "average_precision": "PR AUC",
    "log_loss": "log-loss",
    "ece": "ECE",
}
SEEDS = {"complete_journey": (17, 18), "simulated": (17,), "simulated, rare": (17,)}
FEWER = {"simulated, rare": 50_000}  # customers
FOLDER, REPLICATES = "sampled_training", 1_000


def main(argv: Sequence[str] | None = None) -> int:
    """Train what is not trained yet, compare, and write; return the exit code."""
    command = parser(__file__, "Compare training on all rows with training on some.", "results.json", SEEDS)
    command.add_argument("--trained", type=Path, help="folder of what each training wrote")
    command.add_argument("--world", type=Path, help="folder of simulated worlds")
    return run(_compare, command.parse_args(argv))


def candidates(data: str) -> list[tuple[str, int]]:
    """Return the candidates of a data set, all rows first, with the seed of their draw."""
    seeds = SEEDS[data]
    return [(ALL, seeds[0]), *((kind, seed) for kind in (BY_CLASS, EVENLY) for seed in seeds)]


def _compare(arguments: argparse.Namespace) -> None:
    path = arguments.folder / "results.json"
    content = saved(path, {})
    for data in arguments.only or SEEDS:
        trained = _trained(data, arguments.trained or data_folder() / FOLDER, arguments.world)
        judged = evaluate(_joined(trained), np.random.default_rng(0), tuple(METRICS), REPLICATES, ("pooled",))
        content[data] = _content(
            judged, {name: json.loads(file.read_text()) for name, file in trained.items()}
        )
        save(path, content)
    tables = {}
    for data, each in content.items():
        tables |= {f"differences {data}": _differences(each), f"cost {data}": _costs(each)}
    write_tables(arguments.folder, tables)


def _trained(data: str, folder: Path, world: Path | None) -> dict[str, Path]:
    """Return the file of figures of each candidate, trained unless it is there."""
    folder.mkdir(parents=True, exist_ok=True)
    files = {}
    for kind, seed in candidates(data):
        path = folder / f"{data} {kind} {seed}"
        figures = folder / f"{path.name}.json"
        if not figures.is_file():
            command = [
                sys.executable,
                str(Path(__file__).with_name("one_training.py")),
                data,
                kind,
                str(seed),
            ]
            where = ["--world", str(world or data_folder() / "simulated")]
            fewer = ["--customers", str(FEWER[data])] if data in FEWER else []
            subprocess.run([*command, str(path), *where, *fewer], check=True)
        files[kind if kind == ALL else f"{kind}, seed {seed}"] = figures
    return files


def _joined(files: Mapping[str, Path]) -> Predictions:
    parts = {name: np.load(file.with_suffix(".npz")) for name, file in files.items()}
    first = parts[ALL]
    return Predictions(
        first["customer_id"], first["fold"], first["y"], {name: each["p"] for name, each in parts.items()}
    )


def _content(judged: Evaluation, costs: Mapping[str, Any]) -> dict[str, Any]:
    metrics = {name: {each: judged.interval(name, each) for each in METRICS} for name in judged.models}
    minus = {
        name: {each: judged.difference(name, ALL, each) for each in METRICS}
        for name in judged.models
        if name != ALL
    }
    return {"metrics": plain(metrics), "minus_all_rows": plain(minus), "cost": dict(costs)}


def _differences(content: Mapping[str, Any]) -> tuple[Sequence[str], list[Sequence[str]]]:
    whole = content["metrics"][ALL]
    rows = [(ALL, *(_text(whole[each]) for each in METRICS))]
    for name, minus in content["minus_all_rows"].items():
        rows.append((f"{name} - {ALL}", *(_text(minus[each]) for each in METRICS)))
    return ("trained on", *METRICS.values()), rows


def _costs(content: Mapping[str, Any]) -> tuple[Sequence[str], list[Sequence[str]]]:
    rows = [
        (
            name,
            *(f"{cost[each]:,}" for each in ("drawn", "rarer")),
            f"{cost['cpu_s']:,.0f}",
            f"{cost['peak_gb']}",
        )
        for name, cost in content["cost"].items()
    ]
    return ("trained on", "rows", "of the rarer class", "CPU s", "peak memory, GB"), rows


def _text(interval: Mapping[str, float]) -> str:
    """Return a value with its interval, to the fifth digit: differences are small."""
    return "{value:.5f} [{low:.5f}, {high:.5f}]".format(**interval)


if __name__ == "__main__":
    sys.exit(main())
