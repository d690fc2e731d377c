"""The measured parts of a model card: metrics, segments, importances, limits."""

import importlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from crm_ml.train.record.metric_names import baselines_by_metric
from crm_ml.train.training_family import training_family

if TYPE_CHECKING:
    import pandas as pd

    from crm_ml.config import Run
    from crm_ml.train.record.outcome import Outcome

_METRICS, _FEATURES, _SEED = 12, 15, 0


def metrics_part(metrics: Mapping[str, float], decides: str | None) -> str:
    """Return the metrics of the model beside the baselines, the one that decides first."""
    shown = sorted(_names(metrics), key=lambda name: not _decides(name, decides))
    lines = ["## Metrics on the test windows, 95 % intervals\n", metrics_table(metrics, shown[:_METRICS])]
    if len(shown) > _METRICS:
        lines.append(f"\n{len(shown) - _METRICS} more stand in `tables/metrics.csv`.")
    return "\n".join(lines) + "\n"


def first_metrics(metrics: Mapping[str, float], decides: str | None, most: int) -> list[str]:
    """Return the names of metrics that baselines have too, the one that decides first."""
    beside = baselines_by_metric(metrics)
    shown = [name for name in _names(metrics) if name in beside] or _names(metrics)
    return sorted(shown, key=lambda name: not _decides(name, decides))[:most]


def metrics_table(metrics: Mapping[str, float], names: Sequence[str]) -> str:
    """Return metrics of the model with their intervals, beside those of the baselines."""
    beside = baselines_by_metric(metrics)
    rows = [
        f"| {name} | {interval_text(metrics, f'test.{name}')} | "
        f"{', '.join(f'{each} {value:.4g}' for each, value in beside.get(name, {}).items()) or 'none'} |"
        for name in names
    ]
    return "\n".join(["| metric | model | baselines |", "|---|---:|---|", *rows])


def _names(metrics: Mapping[str, float]) -> list[str]:
    names = [key.removeprefix("test.") for key in metrics if key.startswith("test.")]
    return [name for name in names if not name.endswith((".low", ".high"))]


def _decides(name: str, decides: str | None) -> bool:
    return decides is not None and decides in name.split("_at_")[0].split(".")


def segments_part(segments: "pd.DataFrame | None", metric: str | None) -> str:
    """Return one metric by segment, and which segments are too small to rely on."""
    head = "## Segments\n\n"
    if segments is None or metric not in set(segments["metric"]):
        return head + "The experiments of this family are not judged by segment.\n"
    rows = segments[segments["metric"] == metric]
    lines = [f"| {metric} by segment | rows | positives | value |\n|---|---:|---:|---:|"]
    for row in rows.to_dict("records"):
        value = "undefined" if np.isnan(row["value"]) else f"{row['value']:.3f}"
        if np.isfinite(row["low"]):
            value += f" [{row['low']:.3f}, {row['high']:.3f}]"
        small = " (too few to rely on)" if row["small"] else ""
        lines.append(
            f"| {row['by']}: {row['segment']}{small} | {row['rows']:,} | {row['positives']:,} | {value} |"
        )
    return head + "\n".join(lines) + "\n"


def data_part(checks: Sequence[str] | None) -> list[str]:
    """Return signs of leaks and shifts from training to test, where a run looked for them."""
    if checks is None:
        return []
    clean = not any(text.startswith("look at") for text in checks)
    signs = "No sign of a leak, and no shift of the rate.\n\n" if clean else ""
    lines = "\n".join(f"- {text}" for text in checks)
    return [f"## Checks of the data\n\n{signs}{lines}\n"]


def features_part(outcome: "Outcome", folder: Path) -> str:
    """Return the features with their importances."""
    head = "## Features\n\n"
    candidate, rows = outcome.candidate, outcome.rows
    if rows is None or rows.inputs is None:
        return head + (
            f"Inputs: {', '.join(candidate.inputs)}. They are a history and not independent columns; "
            "importances by shuffling would mean nothing and are not given.\n"
        )
    by_feature = importances(candidate.loader_module, folder, rows.inputs)
    lines = [
        f"{len(by_feature)} features. Importance: mean absolute change of the prediction of the registered "
        f"model when the column is shuffled among {len(rows.inputs):,} test rows; columns that "
        "say the same share theirs.\n\n"
        "| feature | importance |\n|---|---:|"
    ]
    lines += [f"| {name} | {value:.5f} |" for name, value in list(by_feature.items())[:_FEATURES]]
    rest = list(by_feature.values())[_FEATURES:]
    if rest:
        lines.append(
            f"\n{len(rest)} more features have at most {rest[0]:.5f}; {sum(not v for v in rest)} have none."
        )
    return head + "\n".join(lines) + "\n"


def importances(loader_module: str, folder: Path, X: "pd.DataFrame") -> dict[str, float]:
    """Return how much predictions move when a column is shuffled, largest first.

    Parameters
    ----------
    loader_module : str
        Module whose ``_load_pyfunc`` reads the folder.
    folder : Path
    X : pandas.DataFrame, shape (n, k)

    Returns
    -------
    dict of str to float
        Mean absolute change over rows and outputs, by column.

    References
    ----------
    .. [1] Breiman (2001). Random forests. Machine Learning 45, section 10; here of the prediction, not of the
       error, so that no label is needed.
    """
    import pandas as pd

    model = importlib.import_module(loader_module)._load_pyfunc(str(folder))
    order = np.random.default_rng(_SEED).permutation(len(X))
    shuffled = [X.assign(**{str(name): X[name].array[order]}) for name in X.columns]
    predicted = np.asarray(
        model.predict(pd.concat([X, *shuffled])), dtype=float
    )  # at once: a call costs more
    parts = predicted.reshape(len(shuffled) + 1, len(X), -1)
    change = np.abs(parts[1:] - parts[0]).mean(axis=(1, 2))
    moved = {str(name): float(value) for name, value in zip(X.columns, change, strict=True)}
    return dict(sorted(moved.items(), key=lambda pair: (-pair[1], pair[0])))


def limits_part(config: "Run", outcome: "Outcome", details: Mapping[str, Any]) -> str:
    """Return what the model must not be trusted with, as far as the run can tell."""
    rows = outcome.rows
    lines = [
        f"It is fit to score days from {details.get('labels_end', 'the end of its labels')} on, of customers "
        "like those it was trained on; it was not judged on later days or other shops.",
        "The metrics are those of models trained before each test window; the registered model was fitted "
        "once more on later data, with the same settings, and has no test of its own yet.",
    ]
    if rows is not None and len({item.as_of for item in rows.windows.values()}) == 1:
        lines.append("It was tested on one day only: a season or an event of that day is in every number.")
    if rows is not None and rows.rescore is None:
        lines.append(
            "Its champion can't be scored again on new days; it is compared on shared test days only."
        )
    failed = [item.name for item in outcome.gates if not item.passed]
    if failed:
        lines.append(f"It did not pass: {', '.join(failed)}.")
    lines += training_family(config.family).CARD.limits(details)
    allowed = getattr(config, "allow_leaks", ())
    if allowed:
        lines.append(f"Features that nearly give the label away were allowed: {', '.join(allowed)}.")
    return "## Limits\n\n" + "\n".join(f"- {item}" for item in lines) + "\n"


def interval_text(metrics: Mapping[str, float], name: str) -> str:
    """Return a metric with its interval, where it has one."""
    text = f"{metrics[name]:.4g}"
    if f"{name}.low" in metrics:
        text += f" [{metrics[f'{name}.low']:.4g}, {metrics[f'{name}.high']:.4g}]"
    return text
