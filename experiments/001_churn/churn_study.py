"""What the scripts of this experiment share: candidates judged on the same rows, and tables in the README."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from crm_ml.config import ChurnRun
from crm_ml.errors import ConfigError
from crm_ml.evaluation.predictions import Predictions
from crm_ml.tables import Tables
from crm_ml.train import churn
from crm_ml.train.churn_report import MODEL

HERE = Path(__file__).parent
RUN = "churn/lightgbm"


def predict_all(
    candidates: Mapping[str, ChurnRun], days: Sequence[date], tables: Tables, progress: Progress
) -> Predictions:
    """Predict each day by the model of each candidate, trained on what its split says.

    Features and labels are computed once for all of them; a candidate sees the columns that it does not
    leave out. Target and feature groups must be the same for all.

    Parameters
    ----------
    candidates : mapping of str to ChurnRun
    days : sequence of date
        Evaluation snapshots.
    tables : Tables
    progress : rich.progress.Progress

    Raises
    ------
    LeakError
        If training labels would end after an evaluation snapshot.
    """
    folds = {(name, day): churn.fold(one, day) for name, one in candidates.items() for day in days}
    needed = [one for each in folds.values() for one in (each.test, *each.training)]
    rows = churn.compute_rows(next(iter(candidates.values())), tables, needed, progress)
    task = progress.add_task("models", total=len(folds))
    parts = []
    for day in days:
        found = {}
        for name, one in candidates.items():
            alone = one.model_copy(update={"baselines": ()})
            quiet = Progress(disable=True)
            used = churn.used_rows(rows, one)
            found[name] = churn.predict(alone, used, [folds[name, day]], quiet)
            progress.advance(task)
        first = next(iter(found.values()))
        scores = {name: each.p[MODEL] for name, each in found.items()}
        parts.append(Predictions(first.customer_id, first.fold, first.y, scores))
    return Predictions.join(parts)


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
