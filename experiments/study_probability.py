"""What the experiments of churn and of propensity share: runs of baselines, predictions, reports."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from rich.progress import Progress
from study import Table, markdown, plain, save, show, test_evaluations, write_between, write_tables

from crm_ml.config import Calibration, ChurnRun, PropensityRun
from crm_ml.evaluation.predictions import Predictions
from crm_ml.evaluation.significance import Evaluation, Interval, Over
from crm_ml.models.labelled_rows import LabelledRows
from crm_ml.train.families.probability import run as probability_run
from crm_ml.train.families.probability.report import MODEL

Run = TypeVar("Run", ChurnRun, PropensityRun)
Candidate = tuple[str, ChurnRun | PropensityRun, LabelledRows, Sequence[Any]]
Views = Mapping[str, Over]  # metric to how it is averaged
METRICS = ("AUC", "average precision", "log-loss", "Brier", "ECE")
_DIFFERENCE = "_difference"


def baseline_runs(config: Run) -> dict[str, Run]:
    """Return each baseline of a run as a run of its own, by its name."""
    return {
        part.name: config.model_copy(update={"model": part, "calibration": Calibration()})
        for part in config.baselines
    }


def predict_models(candidates: Iterable[Candidate], number: int, progress: Progress) -> Predictions:
    """Predict the test rows of the same folds by the model of each candidate, without its baselines.

    Parameters
    ----------
    candidates : iterable of (str, ChurnRun or PropensityRun, LabelledRows, sequence of Fold)
        Name, run, rows with the columns that it uses, and folds.
    number : int
        Of candidates, for the progress bar.
    progress : rich.progress.Progress
    """
    task = progress.add_task("models", total=number)
    scores = {}
    for name, config, rows, folds in candidates:
        alone = config.model_copy(update={"baselines": ()})
        predictions = probability_run.predict(alone, rows, folds, Progress(disable=True))
        scores[name] = predictions.p[MODEL]
        progress.advance(task)
    return Predictions(predictions.customer_id, predictions.fold, predictions.y, scores)


def intervals(judged: Evaluation, name: str, views: Views, other: str | None = None) -> dict[str, Interval]:
    """Return each metric of a model, or its paired difference to another one."""
    if other is None:
        return {metric: judged.interval(name, metric, over) for metric, over in views.items()}
    return {metric: judged.difference(name, other, metric, over) for metric, over in views.items()}


def report_test(
    folder: Path,
    config: ChurnRun | PropensityRun,
    judged: Evaluation,
    views: Views,
    tables: Mapping[str, Table],
    facts: str,
) -> None:
    """Write results.json and README.md of a run beside its baselines on the test rows, and print the tables.

    Parameters
    ----------
    folder : Path
    config : ChurnRun or PropensityRun
    judged : Evaluation
        Of the model and all that it is compared with.
    views : mapping of str to str
    tables : mapping of str to (header, rows)
        By marker, beside metrics and differences; ``targets`` goes into results.json.
    facts : str
        About the test rows.
    """
    metrics = {name: intervals(judged, name, views) for name in judged.models}
    paired = {name: intervals(judged, MODEL, views, name) for name in judged.models if name != MODEL}
    path = folder / "results.json"
    figures = {metric: interval.value for metric, interval in metrics[MODEL].items()}
    evaluations = test_evaluations(path, config.model_dump_json(), figures)
    content = {"metrics": plain(metrics), "model_minus": plain(paired), "targets": tables["targets"][1]}
    save(path, content | {"looks": evaluations})
    written: dict[str, Table] = {
        "metrics": (("model", *METRICS), _cells(metrics)),
        "differences": (("model minus", *METRICS), _cells(paired)),
    }
    write_tables(folder, written | dict(tables))
    counted = f"{facts} Different results seen there so far: {len(evaluations)}."
    write_between(folder / "README.md", "looks", counted)
    print(counted)


def report_candidates(
    folder: Path, judged: Evaluation, views: Views, committed: str, columns: Mapping[str, str], facts: str
) -> None:
    """Write validation.json and README.md of settings that were compared, best first, and print the table.

    Parameters
    ----------
    folder : Path
    judged : Evaluation
    views : mapping of str to str
    committed : str
        The candidate that the others are compared with.
    columns : mapping of str to str
        Title to metric, or to ``"metric_difference"`` to the committed candidate. The first one orders.
    facts : str
        About the validation rows.
    """
    differences = [name for name in columns.values() if name.endswith(_DIFFERENCE)]
    compared = {name.removesuffix(_DIFFERENCE): name for name in differences}
    cells = {}
    for name in judged.models:
        paired = intervals(judged, name, {metric: views[metric] for metric in compared}, committed)
        named = {compared[metric]: interval for metric, interval in paired.items()}
        cells[name] = intervals(judged, name, views) | named
    first = next(iter(columns.values()))
    sign = -1 if first == "auc" else 1
    ranked = {name: cells[name] for name in sorted(cells, key=lambda name: sign * cells[name][first].value)}
    rows = []
    for name, row in ranked.items():
        empty = differences if name == committed else []
        rows.append((name, *("" if each in empty else str(row[each]) for each in columns.values())))
    save(folder / "validation.json", plain(ranked))
    header = ("candidate", *columns)
    write_between(folder / "README.md", "validation", f"{markdown(header, rows)}\n\n{facts}")
    show(f"validation: {facts}", header, rows)


def _cells(rows: Mapping[str, Mapping[str, Interval]]) -> list[tuple[str, ...]]:
    return [(name, *map(str, row.values())) for name, row in rows.items()]
