"""What a refresh costs beside a fit, where a hundredth of the customers has one more item: Amazon Beauty.

``python experiments/005_recommend/refresh.py --data FOLDER`` writes refresh.json and a table of README.md.
"""

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))  # for what all experiments share

import benchmarks
import numpy as np
from study import markdown, parser, run, save, show, write_between

from crm_ml.recommend import EASE, ItemKNN
from crm_ml.recommend.interactions import Interactions, as_interactions
from crm_ml.recommend.recommender import Recommender
from crm_ml.snapshots import DAY_S
from crm_ml.storage.paths import data_folder

MOVED, SEED, TESTED = 0.01, 0, 7
MODELS: dict[str, Callable[[], Recommender]] = {"ease": lambda: EASE(l2=100.0), "item_knn": ItemKNN}


def main(argv: Sequence[str] | None = None) -> int:
    """Refresh both models; return the exit code."""
    command = parser(__file__, "CPU seconds of a refresh beside a fit.", "refresh.json")
    command.add_argument("--data", type=Path, default=data_folder(), help="folder with s3rec/")
    return run(_measure, command.parse_args(argv))


def _measure(arguments: argparse.Namespace) -> None:
    before, now = _two_days(arguments.data / "s3rec" / "Beauty.txt")
    rows, content = [], {}
    for name, make in MODELS.items():
        figures = _figures(make, before, now)
        content[name] = figures
        fit, refresh, difference, lists = figures.values()
        rows.append(
            (
                name,
                f"{fit:.2f}",
                f"{refresh:.2f}",
                f"{fit / refresh:.1f}",
                f"{difference:.1e}",
                f"{lists:.4%}",
            )
        )
    header = [
        "model",
        "fit, CPU s",
        "refresh, CPU s",
        "ratio",
        "largest difference of a score",
        "equal places of lists",
    ]
    save(arguments.folder / "refresh.json", content)
    write_between(arguments.folder / "README.md", "refresh", markdown(header, rows))
    show("refresh", header, rows)


def _two_days(path: Path) -> tuple[Interactions, Interactions]:
    """Return all events but the last one of some customers, and all of them a day later."""
    events = benchmarks.sequences(path)
    customers = np.unique(events["customer_id"])
    moved = np.random.default_rng(SEED).choice(customers, round(MOVED * len(customers)), replace=False)
    last = events.groupby("customer_id").tail(1)
    hidden = last.index[last["customer_id"].isin(moved)]
    end = int(events["occurred_at"].max()) + 1
    return as_interactions(events.drop(hidden), end), as_interactions(events, end + DAY_S)


def _figures(make: Callable[[], Recommender], before: Interactions, now: Interactions) -> dict[str, float]:
    refreshed, fitted = make().fit(before), make()
    start = time.process_time()
    fitted.fit(now)
    between = time.process_time()
    refreshed.refresh(now)
    end = time.process_time()
    tested = np.arange(0, len(now.customers), TESTED)
    scores = [np.nan_to_num(each.scores(tested), neginf=0.0) for each in (refreshed, fitted)]
    places = [each.top(now.customers[tested])[0] for each in (refreshed, fitted)]
    return {
        "fit": between - start,
        "refresh": end - between,
        "difference": float(np.abs(scores[0] - scores[1]).max()),
        "lists": float((places[0] == places[1]).mean()),
    }


if __name__ == "__main__":
    sys.exit(main())
