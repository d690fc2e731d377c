"""Tables, progress and counted looks of all experiments: in a README between markers, and in the terminal."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from crm_ml.errors import ConfigError


def shown_progress() -> Progress:
    """Return the progress bar of all scripts, on standard error."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=Console(stderr=True))


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
    """Replace what stands between ``<!-- marker -->`` and ``<!-- end of marker -->``; keep the rest.

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
    table = Table(title=title)
    for name in header:
        table.add_column(name, justify="left" if name == header[0] else "right")
    for row in rows:
        table.add_row(*row)
    console = Console()
    console = console if console.is_terminal else Console(width=160)  # a log has room for whole cells
    console.print(table)


def looks(path: Path, config: str, figures: Mapping[str, float]) -> list[dict[str, Any]]:
    """Return the looks at the test window kept in a results file and this one, unless it shows the same.

    Parameters
    ----------
    path : Path
        JSON file with the key ``looks``; it may be absent.
    config : str
        What was run, for its hash.
    figures : mapping of str to float
        What was seen.
    """
    kept = json.loads(path.read_text(encoding="utf-8"))["looks"] if path.is_file() else []
    seen = {name: round(one, 6) for name, one in figures.items()}
    if any(one["figures"] == seen for one in kept):
        return list(kept)
    digest = hashlib.sha256(config.encode()).hexdigest()
    return [*kept, {"on": f"{datetime.now(UTC):%Y-%m-%d}", "config_sha256": digest, "figures": seen}]
