"""Scoring of a blend beside LightGBM's own predict: one row, a thousand, a hundred thousand.

``python experiments/performance/scoring.py [--rows 1 1000 100000]`` fits a calibrated blend to generated
features, scores frames of each size, and writes the table and scoring.json.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from measured import HERE, machine, machine_text

if TYPE_CHECKING:
    import pandas as pd

NUMBERS, TEXTS, TRAINING = 60, 9, 40_000
ROWS = (1, 1_000, 100_000)
REPEATS = {1: 300, 1_000: 30}  # fewer of more rows
MOST, MOST_MS = 1.2, 1.0
HEADER = ("rows", "crm_ml, ms", "LightGBM's own predict, ms", "ratio", "target", "verdict")


def main() -> None:
    """Measure all sizes and write down."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, nargs="+", default=list(ROWS))
    parser.add_argument("--training", type=int, default=TRAINING, help="rows of the fit")
    parser.add_argument("--rounds", type=int, default=400)
    parser.add_argument("--readme", type=Path, default=HERE / "README.md", help="whose table is rewritten")
    options = parser.parse_args()
    model = fitted(options.training, options.rounds)
    X = frame(max(options.rows), seed=1)
    report(options, {rows: seconds(model, X.iloc[:rows]) for rows in options.rows})


def frame(rows: int, seed: int) -> "pd.DataFrame":
    """Return features in the shape of churn's: numbers, a fifth of them with gaps, and texts."""
    import pandas as pd

    rng = np.random.default_rng(seed)
    numbers = rng.lognormal(2, 2, (rows, NUMBERS)).round(2)
    gaps = rng.random((rows, NUMBERS)) < np.where(np.arange(NUMBERS) % 5, 0.0, 0.3)
    columns = {f"number_{i}": np.where(gaps[:, i], np.nan, numbers[:, i]) for i in range(NUMBERS)}
    texts = {
        f"text_{i}": rng.choice([f"level {n}" for n in range(3 + i)], rows).astype(object)
        for i in range(TEXTS)
    }
    index = pd.Index([f"c{n}" for n in range(rows)], name="customer_id")
    return pd.DataFrame(columns | texts, index=index).astype(dict.fromkeys(texts, "str")).copy()


def fitted(rows: int, rounds: int) -> Any:
    """Return a calibrated blend."""
    from crm_ml.evaluation.calibrators import Platt
    from crm_ml.models import Blend, CalibratedModel

    X = frame(rows, seed=0)
    score = np.log1p(X[["number_1", "number_2", "number_3"]].to_numpy()).sum(axis=1)
    y = np.random.default_rng(2).logistic(0, 1, rows) < score - np.median(score)
    model = Blend(rounds=rounds, num_threads=1).fit(X, y.astype(float))
    return CalibratedModel(model, Platt(slope=1.05, intercept=-0.02))


def seconds(model: Any, X: "pd.DataFrame") -> dict[str, float]:
    """Return the least CPU seconds of both ways, and the least wall seconds of ours."""
    trees = model.model.trees_
    matrix = np.ascontiguousarray(trees.encoding_.encode(X))

    def own() -> None:
        for booster in trees.boosters_:
            booster.booster.predict(matrix, raw_score=True, num_threads=1)

    p = model.expected(X)
    assert np.array_equal(p[:1], model.expected(X.iloc[:1])), "a row alone scores otherwise"
    repeats = REPEATS.get(len(X), 3)
    ours, theirs = [], []
    for _ in range(repeats):  # in turns, so that both meet the same machine
        ours.append(_spent(lambda: model.expected(X)))
        theirs.append(_spent(own))
    cpu, wall = np.min(ours, axis=0)
    return {"crm_ml": float(cpu), "lightgbm": float(np.min(theirs, axis=0)[0]), "wall": float(wall)}


def _spent(work: Callable[[], Any]) -> tuple[float, float]:
    started = time.process_time(), time.perf_counter()
    work()
    return time.process_time() - started[0], time.perf_counter() - started[1]


def report(options: argparse.Namespace, spent: dict[int, dict[str, float]]) -> None:
    """Write the table and the figures."""
    from study import markdown, save, show, verdict, write_between

    rows = []
    for number, each in spent.items():
        ratio = each["crm_ml"] / each["lightgbm"]
        few = number == 1
        target = f"at most {MOST_MS:g} ms" if few else f"at most {MOST:g}"
        met = max(each["crm_ml"], each["wall"]) <= MOST_MS / 1e3 if few else ratio <= MOST
        milliseconds = [1e3 * each[name] for name in ("crm_ml", "lightgbm")]
        times = [f"{ms:,.0f}" if ms > 100 else f"{ms:.3g}" for ms in milliseconds]
        rows.append((f"{number:,}", *times, f"{ratio:.2f}", target, verdict(met)))
    words = machine_text("lightgbm", "numpy", "pandas", "scikit-learn")
    facts = (
        f"{NUMBERS} numbers and {TEXTS} texts, {options.rounds} trees, one thread, the least of several. "
        f"{words[0].upper()}{words[1:]}."
    )
    save(options.readme.parent / "scoring.json", {"seconds": spent, "machine": machine("lightgbm", "pandas")})
    write_between(options.readme, "scoring", f"{markdown(HEADER, rows)}\n\n{facts}")
    show("scoring", HEADER, rows)


if __name__ == "__main__":
    main()
