"""What a comparison shows: a table for people, files for programs, and a picture."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from crm_ml.plots.plot_style import GREY, MODEL, blank_figure, line_colors, tidy
from crm_ml.storage.manifest import new_folder
from crm_ml.train.compare.paired import LESS_IS_BETTER, NEITHER, Comparison

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from rich.table import Table

    from crm_ml.train.compare.stores import Named

_COLUMNS = 3
_STYLES = {"better": "green", "worse": "red"}


def table_of(comparison: Comparison) -> "Table":
    """Return the table for people: a row a metric, a column a run and a difference."""
    from rich.markup import escape
    from rich.table import Table

    rows = "; ".join(
        f"{part}: {counts['rows']:,} common rows of {counts['customers']:,} customers, "
        f"test folds: {counts['folds']}"
        for part, counts in comparison.parts.items()
    )
    table = Table(
        title=escape(f"{comparison.family}: {len(comparison.runs)} runs on common rows, 95 % intervals"),
        caption=escape(f"{rows}. Differences are paired, to {comparison.runs[0]}."),
    )
    table.add_column("metric", no_wrap=True)
    for run in comparison.runs:
        table.add_column(escape(run), justify="right")
        if run != comparison.runs[0]:
            table.add_column("difference", justify="right")
    for (part, metric), lines in comparison.table.groupby(["part", "metric"], sort=False):
        label = str(metric) if len(comparison.parts) == 1 else f"{part} {metric}"
        table.add_row(escape(label), *(cell for line in lines.to_dict("records") for cell in _cells(line)))
    return table


def write(comparison: Comparison, runs: "Sequence[Named]", folder: Path) -> None:
    """Write ``comparison.csv``, ``comparison.json`` and ``differences.png`` into a new folder, whole.

    Raises
    ------
    AlreadyPublished
        If the folder stands already.
    """
    with new_folder(folder, family=comparison.family) as part:
        comparison.table.to_csv(part / "comparison.csv", index=False)
        content = {
            "family": comparison.family,
            "runs": [{"label": run.label, "run_id": run.run_id} for run in runs],
            "parts": comparison.parts,
            "metrics": [_plain(row) for row in comparison.table.to_dict("records")],
        }
        text = json.dumps(content, indent=2, sort_keys=True, allow_nan=False)
        (part / "comparison.json").write_text(text + "\n", encoding="utf-8")
        figure = differences_plot(comparison)
        figure.savefig(part / "differences.png", metadata={"Software": None})


def differences_plot(comparison: Comparison) -> "Figure":
    """Draw the paired differences to the first run, one panel a metric, each with its own scale."""
    rows = comparison.table[comparison.table["run"] != comparison.runs[0]]
    panels = list(rows.groupby(["part", "metric"], sort=False))
    others = comparison.runs[1:]
    columns = min(_COLUMNS, len(panels))
    lines = -(-len(panels) // columns)
    figure = blank_figure(4.2 * columns, 0.9 + lines * (1.35 + 0.3 * len(others)))
    grid = np.atleast_1d(figure.subplots(lines, columns, squeeze=False)).ravel()
    colors = line_colors(len(others))
    for axes, ((part, metric), each) in zip(grid, panels, strict=False):
        name = str(metric) if len(comparison.parts) == 1 else f"{part}: {metric}"
        _panel(axes, each, name, colors)
    for axes in grid[len(panels) :]:
        axes.set_visible(False)
    figure.suptitle(
        f"Paired difference to {comparison.runs[0]}, common rows, 95 % intervals", x=0.01, ha="left"
    )
    handles = [_handle(label, color) for label, color in zip(others, colors, strict=True)]
    figure.legend(handles=handles, loc="outside lower left", frameon=False, ncols=min(2, len(handles)))
    return figure


def _panel(axes: "Axes", rows: "pd.DataFrame", name: str, colors: Sequence[str]) -> None:
    for height, (row, color) in enumerate(zip(rows.to_dict("records"), colors, strict=True)):
        ends = [row["difference_low"], row["difference_high"]]
        axes.plot(ends, [-height, -height], color=color, linewidth=2.2)
        axes.plot(row["difference"], -height, "o", color=color)
    metric = str(rows["metric"].iloc[0])
    way = (
        "" if metric in NEITHER else " (less is better)" if metric in LESS_IS_BETTER else " (more is better)"
    )
    axes.axvline(0, color=GREY, linestyle="--", linewidth=1)
    axes.set_title(name + way, loc="left", fontsize=10)
    axes.set_yticks([])
    axes.set_ylim(-len(rows) + 0.4, 0.6)
    axes.locator_params(axis="x", nbins=5)
    tidy(axes)
    axes.spines["left"].set_visible(False)


def _handle(label: str, color: str = MODEL) -> Any:
    from matplotlib.lines import Line2D

    return Line2D([], [], color=color, marker="o", linewidth=2.2, label=label)


def _cells(line: dict[Any, Any]) -> list[str]:
    own = f"{line['value']:.4f}\n{line['low']:.4f} to {line['high']:.4f}"
    if line["verdict"] == "first":
        return [own]
    ends = f"{line['difference_low']:+.4f} to {line['difference_high']:+.4f}"
    text = f"{line['difference']:+.4f} {line['verdict']}\n{ends}"
    style = _STYLES.get(line["verdict"])
    return [own, f"[{style}]{text}[/]" if style else text]


def _plain(row: dict[Any, Any]) -> dict[Any, Any]:
    return {key: None if isinstance(v, float) and not np.isfinite(v) else v for key, v in row.items()}
