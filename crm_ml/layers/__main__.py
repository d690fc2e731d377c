"""``python -m crm_ml.layers CONFIG --as-of DAY [--previous DIR]``: publish the layers of a day."""

import sys
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from crm_ml import commands

if TYPE_CHECKING:
    from rich.console import Console

    from crm_ml.layers.layer_run import LayerResult
    from crm_ml.layers.settings import LayerSettings


def main(arguments: Sequence[str] | None = None) -> int:
    """Publish the layers of a day and return the exit code."""
    return commands.run(_main, arguments)


def _main(arguments: Sequence[str] | None) -> None:
    parser = commands.parser("crm_ml.layers", "Publish the layers of a day.")
    words = "path under configs/layers/ without .yaml"
    parser.add_argument("config", metavar="CONFIG", help=words)
    parser.add_argument(
        "--as-of", metavar="DATE", help="day of the layers, YYYY-MM-DD (default: of the config)"
    )
    previous = (
        "folder of the layers of an earlier day, or of all days of the name, of which the newest counts"
    )
    parser.add_argument("--previous", type=Path, metavar="DIR", help=previous)
    commands.add_settings(parser)
    parser.add_argument("--out", type=Path, metavar="DIR", help="folder of all layers")
    parser.add_argument("--track", action="store_true", help="log the day as a run of MLflow")
    options = parser.parse_args(arguments)
    _run(options.config, commands.list_settings(options), options.previous, options.out, options.track)


def _run(config: str, overrides: Sequence[str], previous: Path | None, out: Path | None, track: bool) -> None:
    from rich.console import Console

    from crm_ml import datasets
    from crm_ml.errors import ConfigError
    from crm_ml.layers.layer_folder import LayerFolder
    from crm_ml.layers.layer_run import publish_layers
    from crm_ml.layers.reading import layer_settings, out_folder

    settings = layer_settings(config, overrides)
    if settings.as_of is None:
        raise ConfigError("as_of: give the day as --as-of YYYY-MM-DD or in the configuration")
    earlier = None if previous is None else LayerFolder.read(previous, settings.as_of - timedelta(days=1))
    tables = datasets.load(settings.data.name, settings.data.path, **settings.data.options)
    target = out / settings.name if out else out_folder(settings)
    folder, result = publish_layers(tables, settings.as_of, settings, target, earlier)
    show(Console(), folder, result)
    if track:
        _track(settings, result)


def _track(settings: "LayerSettings", result: "LayerResult") -> None:
    """Log the model of moves beside the table of past ones, and how many customers each layer has."""
    from crm_ml import tracking

    verdicts = result.forecast.verdicts
    intervals = {
        f"{verdict.target}.{of}.{metric}": each
        for verdict in verdicts
        for of in ("model", "table", "difference")
        for metric, each in getattr(verdict, of).items()
    }
    facts = {
        "customers": {str(name): int(n) for name, n in result.frame["layer_name"].value_counts().items()},
        "moved_down": len(result.moves.down),
        "verdicts": [verdict.facts() for verdict in verdicts],
    }
    name = f"{settings.name} {result.as_of}"
    tracking.log_day("layers", name, settings.model_dump(mode="json"), intervals, facts)


def show(console: "Console", folder: Path, result: "LayerResult") -> None:
    """Print the layers in figures, and where they lie."""
    from rich.markup import escape
    from rich.table import Table

    from crm_ml.layers.layer_folder import PAGE_FILE
    from crm_ml.pages import Currency
    from crm_ml.storage.manifest import read_manifest

    table = Table(title=escape(f"layers of {result.as_of}, moves since {result.before}"))
    for head in ("layer", "customers", "came", "went", "new"):
        table.add_column(head, justify="left" if head == "layer" else "right")
    found, counts = result.moves, result.moves.by_layer()
    sizes = result.frame["layer_name"].value_counts().to_dict()
    for name in found.order:
        came = sum(counts[was][name] for was in found.order if was != name)
        went = sum(counts[name].values()) - counts[name][name]
        figures = (sizes.get(name, 0), came, went, int(found.entered.loc[name]))
        table.add_row(escape(name), *(f"{figure:,}" for figure in figures))
    console.print(table)
    worth = Currency(str(read_manifest(folder)["currency"])).amount(found.value_down_cents)
    lines = [f"{len(found.down):,} customers moved down; together they were worth {worth}"]
    lines += [*map(str, result.forecast.verdicts), *result.notes]
    lines += [f"page: {folder / PAGE_FILE}", f"layers: {folder}"]
    for line in lines:
        console.print(line, soft_wrap=True, markup=False, highlight=False)


if __name__ == "__main__":
    sys.exit(main())
