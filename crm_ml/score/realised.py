"""``python -m crm_ml.score.realised [CONFIG]``: log what came true of past scores to their model versions."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from crm_ml import commands

if TYPE_CHECKING:
    from rich.console import Console

    from crm_ml.learning.realised.realise import Realised, RealisedReport
    from crm_ml.score.settings import ScoreSettings


def main(arguments: Sequence[str] | None = None) -> int:
    """Join available labels to the score tables of lists, log metrics, each once; return the exit code.

    What can't be read is told and left out; the exit code is then that of the most serious failure.
    """
    return commands.run(_main, arguments)


def _main(arguments: Sequence[str] | None) -> int:
    parser = commands.parser("crm_ml.score.realised", "What came true of past scores.")
    commands.add_list_settings(parser, "today")
    options = parser.parse_args(arguments)
    return _run(options.config, commands.list_settings(options), options.out)


def _run(config: str, overrides: Sequence[str], out: Path | None) -> int:
    from rich.console import Console

    from crm_ml import datasets
    from crm_ml.config.day_places import naming_days, places_of
    from crm_ml.learning.realised.realise import LabelReach, realise
    from crm_ml.next_steps import after_realised
    from crm_ml.score.settings import settings_of

    settings = settings_of(config, overrides)
    tables = datasets.load(settings.data.name, settings.data.path, **settings.data.options)
    lists = (out or settings.out_folder) / settings.name
    name = config.removeprefix("configs/").removesuffix(".yaml")
    places = places_of({"as_of": settings.as_of}, f"configs/{name}.yaml", overrides)
    with naming_days(places):
        reach = LabelReach(settings.day, settings.data.ends_at)
        report = realise(lists, settings.work_folder, tables, reach)
    console = Console()
    show(console, report)
    worse = dict.fromkeys(_run_of(settings, result.name) for result in report.judged if result.worse)
    for line in after_realised([run for run in worse if run], name):
        console.print(line, soft_wrap=True, markup=False, highlight=False)
    return max((commands.tell(failure) for failure in report.failures), default=0)


def _run_of(settings: "ScoreSettings", model: str) -> str | None:
    """Return the config that registers a model of the list, if there is one."""
    from crm_ml.config.uses import runs_registering

    of_model = [family for family, named in settings.models.items() if str(named).partition("@")[0] == model]
    return next((run for family in of_model for run in runs_registering(family, model)), None)


def show(console: "Console", report: "RealisedReport") -> None:
    """Print a row for each metric of each score table, and what is not judged."""
    from rich.markup import escape
    from rich.table import Table

    if report.judged:
        table = Table(title="what came true, beside what training promised")
        for head in ("scores", "day", "rows", "metric", "realised", "promised", ""):
            table.add_column(head)
        for result in report.judged:
            for row in _rows(result):
                table.add_row(*map(escape, row))
        console.print(table)
        for result in report.judged:
            for line in _beside(result):
                console.print(line, soft_wrap=True, markup=False)
        new = sum(result.new for result in report.judged)
        console.print(f"{new} logged now, {len(report.judged) - new} before")
    else:
        console.print("no score table of a published list is judged")
    for (name, why), count in report.left_out.items():
        times = f" ({count} times)" if count > 1 else ""
        console.print(f"not judged, {name}: {why}{times}", soft_wrap=True, markup=False)


def _rows(result: "Realised") -> list[tuple[str, ...]]:
    from crm_ml.learning.realised.realised_metrics import JUDGED

    named = [name for name in JUDGED if name in result.metrics] or ["base_rate"]
    first = (f"{result.what} version {result.version}", result.day, f"{result.metrics.get('rows', 0):,.0f}")
    return [
        (
            *(first if place == 0 else ("", "", "")),
            name,
            result.in_words(result.metrics, name),
            result.in_words(result.promised, name),
            "worse" if name in result.worse else "",
        )
        for place, name in enumerate(named)
    ]


def _beside(result: "Realised") -> list[str]:
    """Say what the metrics of a table alone do not: whom a list contacted, and why nothing is promised."""
    lines = [f"{result.what} {result.day}: {result.unlike}"] if result.unlike else []
    keys = [f"mean_{column}_{who}" for who in ("contacted", "others") for column in ("score", "outcome")]
    if all(key in result.metrics for key in keys):
        means = [f"{result.metrics[key]:.4f}" for key in keys]
        lines.append(
            f"{result.what} {result.day}: {result.metrics['contacted']:,.0f} stood in the list: "
            f"predicted {means[0]}, observed {means[1]}; of the others predicted {means[2]}, "
            f"observed {means[3]}"
        )
    return lines


if __name__ == "__main__":
    sys.exit(main())
