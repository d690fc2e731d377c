"""``python -m crm_ml.train [RUN ...]``: train the runs of ``configs/default.yaml`` or the named ones."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from crm_ml import commands

if TYPE_CHECKING:
    from rich.console import Console

    from crm_ml.train.experiment import Finished


def main(arguments: Sequence[str] | None = None) -> int:
    """Train runs and show their metrics beside the baselines; return the exit code."""
    return commands.run(_main, arguments)


def _main(arguments: Sequence[str] | None) -> None:
    parser = commands.parser("crm_ml.train", "Train, evaluate, log and register.")
    parser.add_argument("runs", nargs="*", metavar="RUN", help="path under configs/ without .yaml")
    commands.add_settings(parser)
    commands.add_new(parser, "family whose config is to be written, such as churn", metavar="FAMILY")
    parser.add_argument("--metrics-json", type=Path, metavar="PATH", help="write {run: {metric: value}}")
    options = parser.parse_args(arguments)
    commands.check_new(parser, options, options.runs)
    if options.new:
        _write(options.new, options.data, options.name, options.set, options.force)
    else:
        _train(options.runs, options.set, options.metrics_json)


def _write(family: str, data: str, name: str | None, overrides: Sequence[str], force: bool) -> None:
    from rich.console import Console

    from crm_ml.config.new_run import write_run
    from crm_ml.next_steps import next_line, train

    new = write_run(family, data, name, overrides, force)
    for line in (f"config: {new.path}", *new.reasons, next_line(train(new.run))):
        Console().print(line, soft_wrap=True, markup=False, highlight=False)


def _train(runs: Sequence[str], overrides: Sequence[str], metrics_json: Path | None) -> None:
    from rich.console import Console

    from crm_ml.config import Defaults, load, load_run
    from crm_ml.config.day_places import naming_days, places_of
    from crm_ml.progress import shown
    from crm_ml.storage.paths import configs_folder
    from crm_ml.storage.whole_file import check_place, write_text
    from crm_ml.train.experiment import run

    if metrics_json:
        check_place(metrics_json)
    names = list(runs) or list(load(configs_folder() / "default.yaml", Defaults).runs)
    for name in names:
        load_run(name, overrides)  # all configs are checked before the first one trains
    console = Console()
    finished = []
    with shown(console) as progress:
        for name in names:
            config = load_run(name, overrides).model_dump()
            with naming_days(places_of(config, f"configs/{name}.yaml", overrides)):
                finished.append(run(name, overrides, progress))
    for done in finished:
        _show(console, done, overrides)
    if metrics_json:
        metrics = {done.name: dict(done.outcome.metrics) for done in finished}
        write_text(metrics_json, json.dumps(metrics, indent=2, sort_keys=True))


def _show(console: "Console", done: "Finished", overrides: Sequence[str]) -> None:
    from crm_ml.tracking import store_name
    from crm_ml.train.next_step import next_lines
    from crm_ml.train.record.outcome_text import print_report

    outcome = done.outcome
    print_report(console, done.name, outcome.summary, outcome.notes, outcome.gates)
    name, decision = outcome.candidate.name, done.decision
    console.print(f"{name} version {done.version} ({decision.role}); run {done.run_id}", markup=False)
    console.print(f"{decision.role}: {decision.reason}", markup=False)
    uri = store_name()
    page = uri if uri.startswith("http") else f"mlflow server --backend-store-uri {uri}{_extra_of_page()}"
    console.print(f"page: {page}", soft_wrap=True, markup=False)
    for line in next_lines(done, overrides):
        console.print(line, soft_wrap=True, markup=False, highlight=False)


def _extra_of_page() -> str:
    """Say what MLflow's page needs where only the skinny form of it is installed."""
    from importlib.util import find_spec

    return "" if find_spec("flask") else '  (needs pip install "crm_ml[train]")'


if __name__ == "__main__":
    sys.exit(main())
