"""What the scripts of all experiments share: command line, progress, JSON, and tables in a README.

Nothing heavy is imported here, since scripts of ``performance`` measure the memory of their processes.
"""

import argparse
import hashlib
import json
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table as RichTable

from crm_ml import commands
from crm_ml.errors import ConfigError

if TYPE_CHECKING:
    from crm_ml.evaluation.significance import Interval

Table = tuple[Sequence[str], Sequence[Sequence[str]]]  # header and rows
_LOG_WIDTH = 220  # a log has room for whole cells


def parser(
    script: str, description: str, writes: str, only: Iterable[str] = (), settings: bool = False
) -> argparse.ArgumentParser:
    """Return the parser of a script.

    Parameters
    ----------
    script : str
        Its path; README.md and results lie beside it, or in ``--folder``.
    description, writes : str
        Help, and the name of the file of results.
    only : iterable of str
        Choices of ``--only``, which may be repeated.
    settings : bool
        Whether ``--set KEY=VALUE`` overrides settings.
    """
    path = Path(script)
    command = argparse.ArgumentParser(path.name, description=description)
    files = f"where README.md and {writes} stand"
    command.add_argument("--folder", type=Path, default=path.parent, help=files)
    if only:
        command.add_argument("--only", choices=only, action="append", help="this one alone")
    if settings:
        commands.add_settings(command)
    return command


def run(work: Callable[[argparse.Namespace], None], arguments: argparse.Namespace) -> int:
    """Do the work of a script and return its exit code."""
    logging.basicConfig(level=logging.ERROR)
    return commands.run(work, arguments)


def shown_progress() -> Progress:
    """Return the progress bar of all scripts, on standard error."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=Console(stderr=True))


def save(path: Path, content: Any) -> None:
    """Write JSON."""
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def saved(path: Path, default: Any) -> Any:
    """Return the content of a JSON file, or the default where it is absent."""
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else default


def markdown(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table for the README.

    Examples
    --------
    >>> print(markdown(["model", "AUC"], [["rule", "0.77"]]))
    | model | AUC |
    | --- | --- |
    | rule | 0.77 |
    """
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def write_between(path: Path, marker: str, text: str) -> None:
    """Replace the text between ``<!-- marker -->`` and ``<!-- end of marker -->``; the rest stays.

    Raises
    ------
    ConfigError
        If the file does not have both markers once, in this order.
    """
    content = path.read_text(encoding="utf-8")
    start, end = f"<!-- {marker} -->", f"<!-- end of {marker} -->"
    if content.count(start) != 1 or content.count(end) != 1 or content.index(start) > content.index(end):
        raise ConfigError(f"{path.name}: {start} and {end} must stand there once each, in this order")
    before, _, rest = content.partition(start)
    after = rest.partition(end)[2]
    path.write_text(f"{before}{start}\n{text}\n{end}{after}", encoding="utf-8")


def show(title: str, header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table."""
    table = RichTable(title=title)
    for name in header:
        table.add_column(name, justify="left" if name == header[0] else "right")
    for row in rows:
        table.add_row(*row)
    console = Console()
    (console if console.is_terminal else Console(width=_LOG_WIDTH)).print(table)


def write_tables(folder: Path, tables: Mapping[str, Table]) -> None:
    """Write tables between their markers in README.md, and print them."""
    for marker, (header, rows) in tables.items():
        write_between(folder / "README.md", marker, markdown(header, rows))
        show(marker, header, rows)


def verdict(met: bool) -> str:
    """Return how a target is judged."""
    return "met" if met else "**missed**"


def plain(intervals: "Mapping[str, Mapping[str, Interval]]") -> dict[str, dict[str, dict[str, float]]]:
    """Return intervals by model and metric, ready for JSON."""
    return {name: {metric: asdict(end) for metric, end in row.items()} for name, row in intervals.items()}


def test_evaluations(path: Path, config: str, figures: Mapping[str, float]) -> list[dict[str, Any]]:
    """Return all evaluations on the test window: those in a results file, and this one unless it repeats one.

    Parameters
    ----------
    path : Path
        JSON file with the key ``looks``; it may be absent.
    config : str
        What was run, for its hash.
    figures : mapping of str to float
        Metrics on the test window.
    """
    past: list[dict[str, Any]] = saved(path, {"looks": []})["looks"]
    rounded = {name: round(figure, 6) for name, figure in figures.items()}
    if any(evaluation["figures"] == rounded for evaluation in past):
        return past
    return [*past, dated(config, rounded)]


def dated(config: str, figures: Mapping[str, float]) -> dict[str, Any]:
    """Return the entry of an evaluation on the test window made now."""
    digest = hashlib.sha256(config.encode()).hexdigest()
    return {"on": f"{datetime.now(UTC):%Y-%m-%d}", "config_sha256": digest, "figures": dict(figures)}
