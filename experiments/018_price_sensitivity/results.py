"""Whether the price sensitivity of a household is the same in both halves of its orders.

``python experiments/018_price_sensitivity/results.py`` writes results.json and the table of README.md.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))  # for what all experiments share

import numpy as np
import pandas as pd
from study import markdown, parser, run, save, show, write_between

from crm_ml import datasets
from crm_ml.features import assembly
from crm_ml.snapshots import Snapshot, as_utc
from crm_ml.tables import Tables
from crm_ml.tags.price_sensitivity import price_sensitivity

DAY, LEAST, REPLICATES, SEED = date(2017, 12, 1), 30, 1_000, 0


def main(argv: Sequence[str] | None = None) -> int:
    """Compare halves of the orders; return the exit code."""
    return run(
        _judge, parser(__file__, "Split halves of price sensitivity.", "results.json").parse_args(argv)
    )


def _judge(arguments: argparse.Namespace) -> None:
    tables = datasets.load("complete_journey").to("pandas")
    lines = tables.pandas("order_lines")
    number = lines.groupby("customer_id")["order_id"].transform(lambda ids: pd.factorize(ids)[0])
    halves = [replace(tables, order_lines=lines[number % 2 == half]) for half in (0, 1)]
    ways = {"beyond item and week": _beyond, "plain share of discounts": _share}
    rows, content = [], {}
    for name, way in ways.items():
        first, other = (way(half) for half in halves)
        both = pd.concat([first, other], axis=1, join="inner").dropna()
        found = _correlation(both.to_numpy())
        content[name] = {"households": len(both), **found}
        r, low, high = found.values()
        rows.append((name, f"{len(both):,}", f"{r:.3f} [{low:.3f}, {high:.3f}]", f"{2 * r / (1 + r):.3f}"))
    header = ["score", "households", "correlation of the halves", "reliability of the whole"]
    save(arguments.folder / "results.json", content)
    write_between(arguments.folder / "README.md", "halves", markdown(header, rows))
    show("split halves", header, rows)


def _beyond(tables: Tables) -> "pd.Series[float]":
    scores = price_sensitivity(tables, DAY)
    return scores.loc[scores["price_sensitivity_lines"] >= LEAST, "price_sensitivity"]


def _share(tables: Tables) -> "pd.Series[float]":
    frame = assembly.matrix(tables, Snapshot(as_utc(DAY), pd.Timedelta(days=1)), ["price", "rfm"])
    known = _beyond(tables).index
    return frame.loc[known, "price_discount_share"]


def _correlation(pairs: "np.ndarray[tuple[int, int], np.dtype[np.float64]]") -> dict[str, float]:
    """Return the correlation of two columns with its 95 % interval over resampled households."""
    rng = np.random.default_rng(SEED)
    drawn = [np.corrcoef(pairs[rng.integers(0, len(pairs), len(pairs))].T)[0, 1] for _ in range(REPLICATES)]
    low, high = np.quantile(drawn, [0.025, 0.975])
    return {"r": float(np.corrcoef(pairs.T)[0, 1]), "low": float(low), "high": float(high)}


if __name__ == "__main__":
    sys.exit(main())
