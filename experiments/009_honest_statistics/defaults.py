"""Whether trees with no settings declared are as good as LightGBM with its own, on tables of other shops.

``python experiments/009_honest_statistics/defaults.py --data FOLDER`` writes JSON and its table of README.md.
Tables that are missing from the folder are named and left out; Complete Journey comes with the package.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

sys.path.append(str(Path(__file__).parents[1]))  # for what all experiments share

from study import markdown, parser, run, save, saved, show, shown_progress, write_between

from crm_ml.config import ChurnRun, load_run
from crm_ml.evaluation.predictions import Predictions
from crm_ml.evaluation.significance import evaluate
from crm_ml.models.model import create
from crm_ml.storage.paths import data_folder
from crm_ml.train.experiment import load_tables
from crm_ml.train.families.churn.experiment import compute_rows, fold
from crm_ml.train.families.probability.used_rows import used_rows
from crm_ml.uplift.learners import create as create_learner

if TYPE_CHECKING:
    from crm_ml.evaluation.significance import Evaluation

SEED, REPLICATES, TEST_SHARE, MOST_ROWS = 23, 500, 0.3, 30_000
REGULARISED, CHOSEN, PLAIN = "blend, regularised", "blend", "plain LightGBM"
MODELS: dict[str, tuple[str, dict[str, Any]]] = {
    CHOSEN: ("blend", {}),
    REGULARISED: ("blend", {"choose_settings": False}),
    PLAIN: ("plain_lightgbm", {}),
}
FILES = {
    "sparkify": ("sparkify/train.parquet", "userId", "churn"),
    "sparkify, a column moved": ("sparkify/train.parquet", "userId", "churn"),
    "telco": ("telco_churn/Telco-Customer-Churn.csv", "customerID", "Churn"),
    "starbucks": ("starbucks_promo/train.csv", "ID", "purchase"),
    "hillstrom": ("hillstrom/hillstrom.csv", None, "visit"),
}
JOURNEY, UPLIFT, STARBUCKS = "complete journey", "defaults of uplift", "starbucks_promo/train.csv"
LEARNERS: dict[str, dict[str, Any]] = {
    "undeclared": {},
    "random thresholds (before)": {"outcome_options": {"choose_thresholds": False}},
    "exact thresholds in both arms": {"outcome_options": {"extra_trees": False}},
}
PURCHASE_USD, COST_USD = 10.0, 0.15
OUTCOMES = ("conversion", "spend", "visit")
HEADER = (
    "table",
    "rows, columns, rate",
    "model",
    "AUC",
    "log-loss",
    "log-loss less plain LightGBM's",
    "chosen",
)
Parts = tuple[pd.DataFrame, "pd.Series[int]", np.ndarray[Any, np.dtype[np.bool_]]]


def main(argv: Sequence[str] | None = None) -> int:
    """Fit, judge and write down; return the exit code."""
    command = parser(__file__, __doc__.splitlines()[0], "defaults.json", [*FILES, JOURNEY, UPLIFT])
    command.add_argument("--data", type=Path, default=data_folder(), help="folder of the tables")
    return run(_judge_all, command.parse_args(argv))


def read(name: str, folder: Path) -> Parts | None:
    """Return features by customer, labels, and which rows test; None where the file is not there."""
    file, key, label = FILES[name]
    path = folder / file
    if not path.is_file():
        return None
    table = pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path)
    if len(table) > MOST_ROWS:
        table = table.sample(MOST_ROWS, random_state=SEED)
    ids = table.pop(key) if key else pd.Series(table.index, index=table.index)
    table.index = pd.Index(ids.astype(str), name="customer_id")
    y = (table.pop(label).replace({"Yes": 1, "No": 0}).astype(float) > 0).astype("int8")
    X = table.drop(columns=[other for other in OUTCOMES if other in table])
    if "TotalCharges" in X:
        X["TotalCharges"] = pd.to_numeric(X["TotalCharges"], errors="coerce")
    if "moved" in name:
        X = X[[*X.columns[1:], X.columns[0]]]
    return X, y, np.random.default_rng(SEED).random(len(X)) < TEST_SHARE


def journey() -> Parts:
    """Return the rows of the first test day of churn/lightgbm and of what trains for it."""
    config = load_run("churn/lightgbm", ())
    assert isinstance(config, ChurnRun)
    days = fold(config, config.split.test[0])
    with shown_progress() as progress:
        rows = compute_rows(config, load_tables(config), (*days.training, days.test), progress)
    rows = used_rows(rows, config)
    return rows.X, rows.y, np.asarray(rows.fold == str(days.test))


def judged(parts: Parts) -> "tuple[Evaluation, dict[str, str]]":
    """Fit all models to the same rows; return their evaluation, and what each chose."""
    X, y, test = parts
    scores, chosen = {}, {}
    for name, (kind, options) in MODELS.items():
        model = create(kind, **options).fit(X[~test], y[~test])
        scores[name] = model.predict_proba(X[test])[:, 1]
        chosen[name] = getattr(getattr(model, "choice_", None), "settings", "")
    ids = X.index.get_level_values("customer_id")[test].to_numpy(dtype=str)
    of_fold = np.full(len(ids), "test")
    predictions = Predictions(ids, of_fold, y[test].to_numpy().astype(float), scores)
    return evaluate(predictions, np.random.default_rng(SEED), ("auc", "log_loss"), REPLICATES), chosen


def earned(path: Path) -> Sequence[tuple[str, ...]]:
    """Return what the promotions of each T learner earn of 40 % of the rows, with an interval over customers.

    A promotion goes to whom it earns more than it costs by the learner; what is earned follows from the
    targeted rows of both arms, which are as many.
    """
    table = pd.read_csv(path, index_col="ID").rename_axis("customer_id")
    table.index = table.index.astype(str)
    arm, y = table.pop("Promotion").to_numpy(dtype=str), table.pop("purchase").to_numpy()
    rng = np.random.default_rng(SEED)
    test = rng.random(len(table)) < 0.4
    draws = rng.poisson(1, (REPLICATES, int(test.sum()))).astype(np.int8)
    rows = []
    for name, options in LEARNERS.items():
        learner = create_learner("t_learner", control="No", **options)
        learner.fit(table[~test], y[~test], treatment=arm[~test])
        targeted = np.asarray(learner.predict(table[test])) * PURCHASE_USD > COST_USD
        promoted = arm[test] == "Yes"
        each = targeted * np.where(promoted, PURCHASE_USD * y[test] - COST_USD, -PURCHASE_USD * y[test])
        low, high = np.quantile(draws @ each, (0.025, 0.975))
        choices = [getattr(learner.parts_[f"outcome_{number}"], "choice_", None) for number in (0, 1)]
        chosen = ", ".join(choice.settings for choice in choices if choice)
        rows.append((name, f"{targeted.mean():.1%}", f"{each.sum():.0f} [{low:.0f}, {high:.0f}]", chosen))
    return rows


def _judge_all(arguments: argparse.Namespace) -> None:
    path = arguments.folder / "defaults.json"
    results: dict[str, Any] = saved(path, {})
    with shown_progress() as progress:
        for name in progress.track(arguments.only or [*FILES, JOURNEY], description="tables"):
            if name == UPLIFT:
                continue
            parts = journey() if name == JOURNEY else read(name, arguments.data)
            if parts is None:
                print(f"left out: {name}, for there is no {FILES[name][0]} in the folder of --data")
                continue
            results[name] = {"rows": _described(parts), "models": _plain(*judged(parts))}
    if UPLIFT in (arguments.only or [UPLIFT]) and (arguments.data / STARBUCKS).is_file():
        results[UPLIFT] = earned(arguments.data / STARBUCKS)
    if UPLIFT in results:
        text = markdown(("T learner", "targeted", "USD earned of the test rows", "chosen"), results[UPLIFT])
        write_between(arguments.folder / "README.md", UPLIFT, text)
    save(path, results)
    rows = [row for name in [*FILES, JOURNEY] if name in results for row in _rows(name, results[name])]
    write_between(arguments.folder / "README.md", "defaults", markdown(HEADER, rows))
    show("defaults", HEADER, rows)


def _described(parts: Parts) -> str:
    X, y, _ = parts
    return f"{len(X):,}, {X.shape[1]}, {y.mean():.3f}"


def _plain(evaluation: "Evaluation", chosen: dict[str, str]) -> dict[str, Any]:
    return {
        name: {
            "auc": str(evaluation.interval(name, "auc")),
            "log_loss": str(evaluation.interval(name, "log_loss")),
            "difference": "" if name == PLAIN else str(evaluation.difference(name, PLAIN, "log_loss")),
            "chosen": chosen[name],
        }
        for name in MODELS
    }


def _rows(name: str, result: dict[str, Any]) -> list[tuple[str, ...]]:
    return [
        (name, result["rows"], model, *(cells[key] for key in ("auc", "log_loss", "difference", "chosen")))
        for model, cells in result["models"].items()
    ]


if __name__ == "__main__":
    sys.exit(main())
