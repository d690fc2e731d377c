"""``python -m crm_ml.score.evaluate LIST``: what a list brought, beside what it promised."""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from crm_ml import commands
from crm_ml.errors import CrmError, InputError

if TYPE_CHECKING:
    from crm_ml.actions.catalog import Catalog
    from crm_ml.learning.list_outcomes import Published
    from crm_ml.score.settings import ScoreSettings

MARGIN = 0.25
Made = TypeVar("Made")


def main(arguments: Sequence[str] | None = None) -> int:
    """Evaluate a list, show and keep the figures; return the exit code."""
    return commands.run(_main, arguments)


def _main(arguments: Sequence[str] | None) -> None:
    parser = commands.parser("crm_ml.score.evaluate", "What a list brought, beside what it promised.")
    parser.add_argument("list", type=Path, metavar="LIST", help="folder of a list, or of all of a name")
    parser.add_argument(
        "--config", default="score/default", help="configuration that made it, below configs/"
    )
    commands.add_settings(parser)
    parser.add_argument("--days", type=int, help="window from the day of the list on (default: longest row)")
    parser.add_argument(
        "--margin", type=float, default=MARGIN, metavar="SHARE",
        help=f"share of what is paid that is earned (default: {MARGIN})",
    )  # fmt: skip
    parser.add_argument("--against", type=Path, metavar="LIST2", help="list of another policy to value")
    parser.add_argument("--json", type=Path, metavar="PATH", help="write all figures as JSON")
    _run(parser.parse_args(arguments))


def _run(options: argparse.Namespace) -> None:
    from rich.console import Console

    from crm_ml import datasets
    from crm_ml.learning.evaluation_files import save_evaluation, write_json
    from crm_ml.learning.evaluation_report import show
    from crm_ml.learning.list_evaluation import Question, evaluate
    from crm_ml.next_steps import after_evaluation
    from crm_ml.progress import shown

    published, other, settings, catalog = _prepared(options)
    days = options.days if options.days is not None else published.longest_days()
    console = Console()
    with shown(console) as progress:
        progress.add_task("tables and outcomes", total=None)
        tables = datasets.load(settings.data.name, settings.data.path, **settings.data.options)
        evaluation = evaluate(
            published, tables, catalog, Question(days, options.margin, settings.data.ends_at, other)
        )
    folder = save_evaluation(published, evaluation)
    if options.json is not None:
        write_json(options.json, evaluation)
    show(console, evaluation, folder)
    name = options.config.removeprefix("configs/").removesuffix(".yaml")
    for line in after_evaluation(name):
        console.print(line, soft_wrap=True, markup=False, highlight=False)


def _prepared(
    options: argparse.Namespace,
) -> "tuple[Published, Published | None, ScoreSettings, Catalog]":
    """Read everything but the tables; raise all that is wrong at once."""
    from crm_ml import config as configs
    from crm_ml.actions.catalog import Catalog
    from crm_ml.learning.off_policy_value import check_same_day
    from crm_ml.score.settings import settings_of
    from crm_ml.storage.paths import inside, project_root

    problems: list[CrmError] = []

    def attempt(make: Callable[[], Made]) -> Made | None:
        try:
            return make()
        except CrmError as error:
            problems.append(error)
            return None

    attempt(lambda: _check_flags(options))
    published = attempt(lambda: _located(options.list))
    other = attempt(lambda: _located(options.against)) if options.against else None
    if published and other:
        attempt(lambda: check_same_day(published, other))
    settings = attempt(lambda: settings_of(options.config, options.set))
    catalog = (
        attempt(lambda: configs.load(inside(project_root(), settings.actions), Catalog)) if settings else None
    )
    if published is None or settings is None or catalog is None or problems:
        raise _together(problems)
    return published, other, settings, catalog


def _located(folder: Path) -> "Published":
    from crm_ml.learning.list_outcomes import Published
    from crm_ml.lists.read_list import locate

    return Published.of(locate(folder))


def _check_flags(options: argparse.Namespace) -> None:
    breaches = []
    if options.days is not None and not 1 <= options.days <= 3660:
        breaches.append(f"--days is {options.days}; give 1 to 3660")
    if not 0 < options.margin <= 1:
        breaches.append(f"--margin is {options.margin}; give a share above 0 and at most 1, such as 0.25")
    if options.json is not None and not options.json.absolute().parent.is_dir():
        breaches.append(f"--json {options.json}: there is no such folder")
    if breaches:
        raise InputError("; ".join(breaches))


def _together(problems: Sequence[CrmError]) -> CrmError:
    """Return one error for all, of the most serious kind."""
    worst = max(problems, key=lambda error: error.exit_code)
    return worst if len(problems) == 1 else type(worst)("\n  ".join(["", *map(str, problems)]))


if __name__ == "__main__":
    sys.exit(main())
