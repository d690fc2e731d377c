"""How often 95 % intervals of AUC and average precision hold the truth where positives are few.

``python experiments/009_honest_statistics/few_positives.py`` writes its JSON file and a table of README.md.
"""

import argparse
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np

sys.path.append(str(Path(__file__).parents[1]))  # for what all experiments share

from study import markdown, parser, run, save, show, shown_progress, write_between

from crm_ml.evaluation.classification import auc, average_precision
from crm_ml.evaluation.metric_intervals import percentile_ends
from crm_ml.evaluation.predictions import Predictions
from crm_ml.evaluation.significance import evaluate
from crm_ml.learning.calibration_of_value import share_interval

RATES, ROWS, DAYS = (0.02, 0.05, 0.20), (300, 1_000, 3_000), (1, 2)
STRENGTH, LOYALTY, SEED, TARGET = 1.3, 0.7, 20, 0.93
TRUTH_ROWS = 500_000
METRICS = {"auc": "AUC", "average_precision": "AP"}
SHOWN = ("AUC", "AP", "AUC difference", "AP difference")
HEADER = ("rows", "test days", "rate", "positives", *SHOWN, *(f"{name}, percentiles" for name in SHOWN))


def shop(rows: int, rate: float, days: int, rng: np.random.Generator) -> Predictions:
    """Draw test rows of customers on one or two days, judged by a model and by a worse one."""
    from scipy.stats import norm

    customers = rows // days
    stable = np.sqrt(LOYALTY if days > 1 else 1.0)
    taste, luck = (
        np.tile(rng.normal(0, 1, customers), days) * stable
        + rng.normal(0, 1, rows) * np.sqrt(max(0.0, 1 - stable**2))
        for _ in range(2)
    )
    blurred = 0.8 * taste + 0.6 * rng.normal(0, 1, rows)
    y = (norm.cdf(luck) < _logistic(_offset(rate) + STRENGTH * taste)).astype(float)
    scores = {"model": _logistic(STRENGTH * taste), "other": _logistic(blurred)}
    ids, fold = (
        np.tile(np.arange(customers), days),
        np.repeat([f"day {day}" for day in range(days)], customers),
    )
    return Predictions(ids, fold, y, scores)


@cache
def truth(rate: float) -> dict[str, dict[str, float]]:
    """Return both metrics of both models on many rows."""
    judged = shop(TRUTH_ROWS, rate, 1, np.random.default_rng(SEED))
    metrics = {"auc": auc, "average_precision": average_precision}
    return {name: {key: of(judged.y, p) for key, of in metrics.items()} for name, p in judged.p.items()}


def draw(rows: int, rate: float, days: int, replicates: int, rng: np.random.Generator) -> dict[str, float]:
    """Judge one draw: whether each interval holds the truth, and the positives; none below four."""
    rows_drawn = shop(rows, rate, days, rng)
    if rows_drawn.y.sum() < 4:
        return {}
    judged = evaluate(rows_drawn, rng, tuple(METRICS), replicates, ("pooled",))
    right, drawn = truth(rate), {"positives": float(rows_drawn.y.sum())}
    for metric, name in METRICS.items():
        values = {model: judged.replicates[model, metric, "pooled"] for model in judged.models}
        gap = right["model"][metric] - right["other"][metric]
        own, paired = judged.interval("model", metric), judged.difference("model", "other", metric)
        drawn[name] = float(own.low <= right["model"][metric] <= own.high)
        drawn[f"{name} difference"] = float(paired.low <= gap <= paired.high)
        low, high = _percentiles(values["model"])
        drawn[f"{name}, percentiles"] = float(low <= right["model"][metric] <= high)
        low, high = _percentiles(values["model"] - values["other"])
        drawn[f"{name} difference, percentiles"] = float(low <= gap <= high)
    return drawn


def _percentiles(values: np.ndarray) -> tuple[float, float]:
    return percentile_ends(values[1:][np.isfinite(values[1:])], 0.95)


def main(argv: Sequence[str] | None = None) -> int:
    """Simulate, count and write down; return the exit code."""
    command = parser(__file__, __doc__.splitlines()[0], "few_positives.json")
    command.add_argument("--draws", type=int, default=200, help="of each number of rows, days and rate")
    command.add_argument("--replicates", type=int, default=200, help="of the bootstrap")
    return run(_simulate, command.parse_args(argv))


def _simulate(arguments: argparse.Namespace) -> None:
    content, cells = [], [(rows, days, rate) for rows in ROWS for days in DAYS for rate in RATES]
    with shown_progress() as progress:
        task = progress.add_task("draws", total=len(cells))
        for place, (rows, days, rate) in enumerate(cells):
            rngs = (np.random.default_rng([SEED, place, number]) for number in range(arguments.draws))
            draws = [drawn for rng in rngs if (drawn := draw(rows, rate, days, arguments.replicates, rng))]
            means = {name: float(np.nanmean([drawn[name] for drawn in draws])) for name in draws[0]}
            content.append({"rows": rows, "days": days, "rate": rate, "draws": len(draws), **means})
            progress.advance(task)
    save(arguments.folder / "few_positives.json", content)
    report(content, arguments)


def report(content: Sequence[dict[str, float]], arguments: argparse.Namespace) -> None:
    """Write the table of the README."""
    lines = [_line(cell) for cell in content]
    text = (
        f"Share of {arguments.draws:,} draws whose 95 % interval holds the truth, with its own 95 % "
        "interval; bold where it is below .93. Beside it the percentiles of the replicates, as before. "
        f"{arguments.replicates} replicates of customers; on two test days a customer's rows go together. "
        "Draws of fewer than four positives are left out.\n\n"
        f"{markdown(HEADER, lines)}"
    )
    write_between(arguments.folder / "README.md", "few positives", text)
    show("few positives", HEADER, lines)


def _line(cell: dict[str, float]) -> tuple[str, ...]:
    draws = int(cell["draws"])
    first = (
        f"{int(cell['rows']):,}",
        f"{int(cell['days'])}",
        f"{cell['rate']:.0%}",
        f"{cell['positives']:.0f}",
    )
    shares = (_share(cell[name], draws) for name in SHOWN)
    before = (f"{cell[f'{name}, percentiles']:.3f}" for name in SHOWN)
    return (*first, *shares, *before)


def _share(value: float, draws: int) -> str:
    end = share_interval(round(value * draws), draws)
    shown = f"{value:.3f}" if value >= TARGET else f"**{value:.3f}**"
    return f"{shown} [{end.low:.3f}, {end.high:.3f}]"


@cache
def _offset(rate: float) -> float:
    """Return the offset at which the mean of the logistic is the rate."""
    from scipy.optimize import brentq

    z = np.random.default_rng(SEED).normal(0, 1, 200_000)
    return float(brentq(lambda offset: _logistic(offset + STRENGTH * z).mean() - rate, -12, 5))


def _logistic(value: np.ndarray) -> np.ndarray:
    return np.asarray(1 / (1 + np.exp(-value)))


if __name__ == "__main__":
    sys.exit(main())
