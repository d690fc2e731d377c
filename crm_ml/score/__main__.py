"""``python -m crm_ml.score [CONFIG]``: score customers and publish the list of a day."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from crm_ml.errors import CrmError

if TYPE_CHECKING:
    from rich.console import Console

    from crm_ml.score.batch import Outcome


def main(arguments: Sequence[str] | None = None) -> int:
    """Publish a list and show it in figures; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m crm_ml.score", description="Score, decide, publish a list."
    )
    parser.add_argument(
        "config",
        nargs="?",
        default="score/default",
        metavar="CONFIG",
        help="path under configs/ without .yaml",
    )
    parser.add_argument(
        "--as-of", metavar="DATE", help="day of the list, YYYY-MM-DD (default: of the config)"
    )
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="override a setting")
    parser.add_argument("--out", type=Path, metavar="DIR", help="folder of the lists")
    given = parser.parse_args(arguments)
    overrides = [*given.set, *([f"as_of={given.as_of}"] if given.as_of else [])]
    try:
        _score(given.config, overrides, given.out)
    except CrmError as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201
        return error.exit_code
    return 0


def _score(config: str, overrides: Sequence[str], out: Path | None) -> None:
    from rich.console import Console
    from rich.progress import Progress

    from crm_ml import config as configs
    from crm_ml import datasets
    from crm_ml.paths import inside, project_root
    from crm_ml.score.batch import run
    from crm_ml.score.catalog import Catalog
    from crm_ml.score.models import champions
    from crm_ml.score.settings import ScoreSettings

    root = project_root()
    path = inside(root / "configs", f"{config.removeprefix('configs/').removesuffix('.yaml')}.yaml")
    settings = configs.load(path, ScoreSettings, overrides)
    catalog = configs.load(inside(root, settings.actions), Catalog)
    console = Console()
    with Progress(console=console, transient=not console.is_terminal) as progress:
        task = progress.add_task("tables and model", total=None)
        tables = datasets.load(settings.data.name, settings.data.path, **settings.data.options)
        models = champions(settings)
        progress.update(task, description="features, scores and list")
        outcome = run(
            settings,
            catalog,
            tables,
            models,
            out,
            lambda done, rows: progress.update(task, completed=done, total=rows),
        )
    show(console, outcome)


def show(console: "Console", outcome: "Outcome") -> None:
    """Print a short table of a list."""
    from rich.table import Table

    table = Table(title=f"list {outcome.list_id}", show_header=False)
    table.add_column()
    table.add_column(justify="right")
    funnel = outcome.funnel
    figures = {
        "customers known": funnel.known,
        "scored": funnel.scored,
        "eligible for an action": funnel.eligible,
        "with consent": funnel.consented,
        "worth more than the cost": funnel.valued_above_zero,
        "rows in the list": funnel.within_cap,
        "expected value, cents": outcome.expected_value_cents,
        "cost, cents": outcome.cost_cents,
        "upper bound of the value": round(outcome.certificate.upper_bound_cents),
    } | {f"value {name}": value for name, value in outcome.certificate.compared_cents.items()}
    for name, figure in figures.items():
        table.add_row(name, f"{figure:,}")
    console.print(table)
    console.print(f"list: {outcome.folder}", soft_wrap=True)


if __name__ == "__main__":
    sys.exit(main())
