"""``python -m crm_ml.score [CONFIG]``: score customers and publish the list of a day."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from crm_ml import commands

if TYPE_CHECKING:
    from rich.console import Console

    from crm_ml.score.batch import PublishedList


_REASONS = 5


def main(arguments: Sequence[str] | None = None) -> int:
    """Publish a list and show it in figures; return the exit code."""
    return commands.run(_main, arguments)


def _main(arguments: Sequence[str] | None) -> None:
    from crm_ml.config.score_data import engine_settings

    parser = commands.parser("crm_ml.score", "Score, decide, publish a list.")
    commands.add_list_settings(parser, "day of the list")
    parser.add_argument(
        "--engine",
        metavar="ADDRESS",
        help="duckdb, or a Spark cluster: local[2], spark://host:port, sc://host:port",
    )
    parser.add_argument("--parts", type=int, metavar="N", help="parts of the customers, a power of two")
    parser.add_argument("--workers", type=int, metavar="N", help="processes that work on parts")
    commands.add_new(parser, "settings and actions of a list", action="store_true")
    options = parser.parse_args(arguments)
    commands.check_new(parser, options)
    overrides = [*commands.list_settings(options), *engine_settings(options.engine)]
    for name in ("parts", "workers"):
        value = getattr(options, name)
        overrides += [] if value is None else [f"{name}={value}"]
    if options.new:
        _write(options.data, options.name, overrides, options.force)
    else:
        _score(options.config, overrides, options.out)


def _write(data: str, name: str | None, overrides: Sequence[str], force: bool) -> None:
    from rich.console import Console

    from crm_ml.next_steps import command, next_line
    from crm_ml.score.new_list import write_list

    new = write_list(data, name, overrides, force)
    files = (f"settings: {new.settings}", f"actions: {new.actions}")
    for line in (*files, *new.notes, next_line(command("crm_ml.score", new.config))):
        Console().print(line, soft_wrap=True, markup=False, highlight=False)


def _score(config: str, overrides: Sequence[str], out: Path | None) -> None:
    from rich.console import Console

    from crm_ml import config as configs
    from crm_ml.actions.catalog import Catalog
    from crm_ml.config.day_places import naming_days, places_of
    from crm_ml.next_steps import after_list
    from crm_ml.progress import shown
    from crm_ml.score.batch import run
    from crm_ml.score.engine import engine_of, tables_of
    from crm_ml.score.settings import open_lists, settings_of
    from crm_ml.score_tables.champion_set import champions
    from crm_ml.storage.paths import inside, project_root

    settings = settings_of(config, overrides)
    open_lists(settings, out)
    catalog = configs.load(inside(project_root(), settings.actions), Catalog)
    console = Console()
    name = config.removeprefix("configs/").removesuffix(".yaml")
    places = places_of({"as_of": settings.as_of}, f"configs/{name}.yaml", overrides)
    with naming_days(places), shown(console) as progress, ExitStack() as opened:
        task = progress.add_task("tables and model", total=None)
        workers = opened.enter_context(engine_of(settings))
        tables, parts = tables_of(settings, workers)
        models = settings.with_published(champions(settings.models, settings.day), catalog.tags)
        progress.update(task, description="features, scores and list")
        outcome = run(
            settings,
            catalog,
            tables,
            models,
            out,
            lambda done, rows: progress.update(task, completed=done, total=rows),
            workers,
            parts,
        )
    show(console, outcome)
    if outcome.funnel.why_empty:  # nothing to export or to evaluate
        console.print(outcome.funnel.why_empty, soft_wrap=True, markup=False, highlight=False)
        return
    days = max(action.limits.expires_after_days for action in catalog.actions)
    for line in after_list(outcome.folder, name, days):
        console.print(line, soft_wrap=True, markup=False, highlight=False)


def show(console: "Console", outcome: "PublishedList") -> None:
    """Print a short table of a list."""
    from rich.markup import escape
    from rich.table import Table

    from crm_ml.lists.page.certificate_part import price_in_words
    from crm_ml.lists.page.list_page import PAGE_FILE
    from crm_ml.pages import Currency
    from crm_ml.storage.manifest import read_manifest

    currency = Currency(str(read_manifest(outcome.folder).get("currency") or ""))
    amount = currency.amount
    table = Table(title=escape(f"list {outcome.list_id}"), show_header=False)
    table.add_column()
    table.add_column(justify="right")
    left, certificate = outcome.funnel.left, outcome.certificate
    figures = {
        "customers known": outcome.funnel.customers,
        "eligible for an action": left["not_eligible"],
        "to whom one applies": left["not_applicable"],
        "with consent": left["no_consent"],
        "free by the contact policy": left["contact_policy"],
        "worth more than the cost": left["not_worth_it"],
        "not held out": left["held_out"],
        "rows in the list": outcome.rows,
        "expected value": amount(outcome.expected_value_cents),
        "cost": amount(outcome.cost_cents),
        "value that was maximised": amount(certificate.value_cents),
        "upper bound of it": amount(certificate.upper_bound_cents),
        **_drift(outcome),
    }
    on = f" on {certificate.compared_customers:,} customers"
    beside = "" if certificate.compared_customers == outcome.funnel.customers else on
    figures |= {f"{name}{beside}": amount(value) for name, value in certificate.compared_cents.items()}
    for name, figure in figures.items():
        table.add_row(escape(name), escape(figure) if isinstance(figure, str) else f"{figure:,}")
    console.print(table)
    for name, price in certificate.prices_cents.items():
        sentence, worth = price_in_words(name, price, currency)
        console.print(f"{sentence} {worth}", soft_wrap=True, markup=False)
    for line in _drift_lines(outcome):
        console.print(line, soft_wrap=True, markup=False)
    console.print(f"page: {outcome.folder / PAGE_FILE}", soft_wrap=True, markup=False)
    console.print(f"list: {outcome.folder}", soft_wrap=True, markup=False)


def _drift(outcome: "PublishedList") -> dict[str, int]:
    models = (outcome.drift.get("models") or {}).values()
    if not models:
        return {}
    return {
        "columns compared with training": sum(model["columns"] for model in models),
        "drift warnings": sum(len(model["reasons"]) for model in models),
        "moved, accepted by name": sum(len(model["accepted"]) for model in models),
    }


def _drift_lines(outcome: "PublishedList") -> Iterator[str]:
    for name, model in (outcome.drift.get("models") or {}).items():
        yield from (f"drift of {name}: {reason}" for reason in model["reasons"][:_REASONS])
        yield from (f"accepted of {name}: {reason}" for reason in model["accepted"][:_REASONS])
    for name in outcome.drift.get("without_profile") or []:
        yield f"drift of {name}: not known, it has no profile"


if __name__ == "__main__":
    sys.exit(main())
