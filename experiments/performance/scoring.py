"""Scoring of a blend beside LightGBM's own predict: one row, a thousand, a hundred thousand, a score table.

``python experiments/performance/scoring.py [--rows 1 1000 100000]`` fits a calibrated blend to generated
features, scores frames of each size and a table of features, explains the rows of a list, and writes the
tables and scoring.json.
"""

import argparse
import tempfile
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
MOST, MOST_MS, MOST_TABLE_S = 1.2, 1.0, 15.0
UNUSED = 30  # further numbers of the table of features, which the model has not learned from
FEW = 300  # rows that LightGBM explains
REASONS_HEADER = (
    "rows explained together", "CPU s a million", "LightGBM's pred_contrib", "ratio", "largest difference",
)  # fmt: skip
TABLE_HEADER = ("a score table of churn", "CPU s a million customers", "target", "verdict")
HEADER = ("rows", "crm_ml, ms", "LightGBM's own predict, ms", "ratio", "target", "verdict")


def main() -> None:
    """Measure all sizes and write down."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, nargs="+", default=list(ROWS))
    parser.add_argument("--table", type=int, default=200_000, help="rows of the score table")
    parser.add_argument("--explained", type=int, nargs="+", default=[1_000, 15_000, 30_000])
    parser.add_argument("--training", type=int, default=TRAINING, help="rows of the fit")
    parser.add_argument("--rounds", type=int, default=400)
    parser.add_argument("--readme", type=Path, default=HERE / "README.md", help="whose table is rewritten")
    options = parser.parse_args()
    model = fitted(options.training, options.rounds)
    X = frame(max(options.rows), seed=1)
    spent = {rows: seconds(model, X.iloc[:rows]) for rows in options.rows}
    explained = [reason_seconds(model, rows) for rows in options.explained]
    report(options, spent, table_seconds(model, options.table), explained)


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
    model = Blend(rounds=rounds, num_threads=1, choose_settings=False).fit(X, y.astype(float))
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


def table_seconds(model: Any, rows: int) -> dict[str, float]:
    """Return the CPU seconds a million customers of a score table, from file to file, by who adds trees."""
    from crm_ml.models import booster_scores
    from crm_ml.score_tables.churn import ChurnSource
    from crm_ml.score_tables.source import Output, ScoringDay

    X = frame(rows, seed=4)
    others = np.random.default_rng(5).normal(size=(rows, UNUSED)).round(3)
    X = X.assign(**{f"other_{number}": values for number, values in enumerate(others.T)})
    source = ChurnSource(
        name="churn", sums="0" * 64, where="number_1 >= 0", inputs=model.model.trees_.encoding_.columns,
        predict=lambda X: model.predict_proba(X)[:, 1],
    )  # fmt: skip
    contents, spent = set(), {"compiled": [], "LightGBM": []}
    with tempfile.TemporaryDirectory() as folder:
        features, path = Path(folder) / "features.parquet", Path(folder) / "scores.parquet"
        X.reset_index().to_parquet(features, index=False, row_group_size=100_000)
        day, output = ScoringDay(None, None, features), Output(path, Path(folder) / "parts")  # type: ignore[arg-type]
        from_rows = booster_scores.COMPILED_ROWS
        for name, least in 3 * [("compiled", from_rows), ("LightGBM", rows + 1)]:
            booster_scores.COMPILED_ROWS = least
            spent[name].append(_spent(lambda: source.write(day, None, output))[0])
            contents.add(path.read_bytes())
        booster_scores.COMPILED_ROWS = from_rows
    assert len(contents) == 1, "compiled trees make another score table"
    return {name: 1e6 * min(each) / rows for name, each in spent.items()}


def reason_seconds(model: Any, rows: int) -> dict[str, float]:
    """Return the CPU seconds a million rows of the contributions to the margins of the trees, both ways."""
    trees = model.model.trees_
    matrix = np.ascontiguousarray(trees.encoding_.encode(frame(rows, seed=6)))

    def own() -> list[Any]:
        return [booster.contributions(matrix, 1)[:FEW] for booster in trees.boosters_]

    def of_lightgbm() -> list[Any]:
        options = {"pred_contrib": True, "num_threads": 1}
        return [booster.booster.predict(matrix[:FEW], **options) for booster in trees.boosters_]

    found, expected = np.array(own()), np.array(of_lightgbm())
    ours = min(_spent(own)[0] for _ in range(3))
    theirs = _spent(of_lightgbm)[0]
    return {
        "rows": rows,
        "crm_ml": 1e6 * ours / rows,
        "lightgbm": 1e6 * theirs / FEW,
        "difference": float(np.abs(found - expected).max()),
    }


def _spent(work: Callable[[], Any]) -> tuple[float, float]:
    started = time.process_time(), time.perf_counter()
    work()
    return time.process_time() - started[0], time.perf_counter() - started[1]


def report(
    options: argparse.Namespace,
    spent: dict[int, dict[str, float]],
    table: dict[str, float],
    explained: list[dict[str, float]],
) -> None:
    """Write the tables and the figures."""
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
    target = f"at most {MOST_TABLE_S:g} s"
    within = table["compiled"] <= MOST_TABLE_S
    tables = [
        (
            "with compiled trees",
            f"{table['compiled']:.1f}",
            target,
            verdict(within),
        ),
        ("with LightGBM's own predict", f"{table['LightGBM']:.1f}", "", ""),
    ]
    reasons = [
        (
            f"{each['rows']:,}",
            f"{each['crm_ml']:,.0f}",
            f"{each['lightgbm']:,.0f}",
            f"{each['crm_ml'] / each['lightgbm']:.3f}",
            f"{each['difference']:.1e}",
        )
        for each in explained
    ]
    content = {"seconds": spent, "table_s_a_million": table, "reasons": explained}
    content |= {"machine": machine("lightgbm", "pandas")}
    save(options.readme.parent / "scoring.json", content)
    tables_of_all = [
        markdown(HEADER, rows),
        markdown(TABLE_HEADER, tables),
        markdown(REASONS_HEADER, reasons),
    ]
    write_between(options.readme, "scoring", "\n\n".join([*tables_of_all, facts]))
    show("scoring", HEADER, rows)
    show("score table", TABLE_HEADER, tables)
    show("reasons", REASONS_HEADER, reasons)


if __name__ == "__main__":
    main()
