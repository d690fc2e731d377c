"""Other ends of a relationship: silence on the events of an app and a shop, and Sparkify's cancellations.

``python experiments/001_churn/ends.py`` writes ends.json and three tables of README.md; data that are absent
are skipped with a message.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).parents[1]))  # for what all experiments share

import numpy as np
import pandas as pd
import yaml
from rich.progress import Progress
from study import markdown, parser, plain, run, save, saved, show, shown_progress, write_between
from study_probability import intervals

from crm_ml.config import ChurnRun
from crm_ml.config.suggested import suggested
from crm_ml.customer_hash import customer_folds
from crm_ml.evaluation.predictions import Predictions
from crm_ml.evaluation.significance import Over, evaluate
from crm_ml.models.model import create
from crm_ml.tables import Tables
from crm_ml.tables.config_file import load_config
from crm_ml.tables.strict import validate
from crm_ml.train.families.churn import experiment
from crm_ml.train.families.probability.report import MODEL

SHARED = Path(__file__).parents[2] / ".." / "shared"
FILES = {
    "app": SHARED / "cases" / "exports" / "app_events.csv.gz",
    "ecom": SHARED / "data" / "retentioneering" / "ecom.csv.gz",
    "sparkify": SHARED / "data" / "sparkify" / "train.parquet",
}
VIEWS: Mapping[str, Over] = dict.fromkeys(("auc", "average_precision", "log_loss", "brier", "ece"), "pooled")
COLUMNS = ("AUC", "average precision", "log-loss", "Brier", "ECE")
BLEND = {"name": "blend", "options": {"choose_settings": False}}
UNTIL_THE_END = (
    "tenure_days",
    "count",
    "sum_",
    "submit_upgrade",
)  # grow until a user cancels or the data end
FOLDS = 3


def main(argv: Sequence[str] | None = None) -> int:
    """Judge the models on each of the data that are there; return the exit code."""
    command = parser(__file__, "Judge silence and cancellations.", "ends.json", only=list(FILES))
    return run(_judge_all, command.parse_args(argv))


def _judge_all(arguments: argparse.Namespace) -> None:
    judged: dict[str, Callable[[Path, Progress], tuple[Predictions, str]]] = {
        "app": app, "ecom": ecom, "sparkify": sparkify,
    }  # fmt: skip
    results = saved(arguments.folder / "ends.json", {})
    for name in arguments.only or FILES:
        if not FILES[name].is_file():
            print(f"skipped {name}: {FILES[name]} is not there")
            continue
        with shown_progress() as progress:
            predictions, facts = judged[name](FILES[name], progress)
        results[name] = _report(name, predictions, facts, arguments.folder)
    save(arguments.folder / "ends.json", results)


def app(path: Path, progress: Progress) -> tuple[Predictions, str]:
    """Judge silence on any event of the app export, read by its ready mapping."""
    table = {"path": path.name}
    content = {
        "name": "app", "like": "app_events", "root": str(path.parent.resolve()), "currency": {"code": "USD"},
        "tables": {"events": table, "order_lines": table},
    }  # fmt: skip
    kinds = ["session_start", "level_up", "purchase"]
    return silence(_loaded(content), kinds, progress)


def ecom(path: Path, progress: Progress) -> tuple[Predictions, str]:
    """Judge silence on visits to a made-up shop: who sees the start page, the catalogue or a product."""
    events = {"customer_id": "user_id", "kind": "event", "occurred_at": "timestamp"}
    orders = {
        "customer_id": "user_id", "order_id": {"made": "customer_time"}, "item_id": {"constant": "any"},
        "ordered_at": "timestamp", "paid_cents": "paid",
    }  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        pd.read_csv(path).assign(paid=0).to_csv(Path(folder) / "ecom.csv", index=False)
        table = {"path": "ecom.csv", "ignore": ["*"]}
        content = {
            "name": "ecom", "root": folder, "currency": {"code": "USD"},
            "tables": {
                "customers": {"ids_of": ["events"]}, "items": {"ids_of": ["order_lines"]},
                "events": {**table, "columns": events},
                "order_lines": {**table, "where": 'event = "purchase"', "columns": orders},
            },
        }  # fmt: skip
        tables = _loaded(content)
    return silence(tables, ["home", "catalog", "product_view"], progress)


def silence(tables: Tables, kinds: list[str], progress: Progress) -> tuple[Predictions, str]:
    """Train and test the run that is suggested for silence on some kinds of event."""
    suggestion = suggested("churn", tables, silence={"kinds": kinds})
    content = {"data": {"name": "own"}, **suggestion.content, "model": BLEND}
    config = validate(content, ChurnRun, "ends.py")
    outcome = experiment.execute(config, tables, progress)
    assert outcome.rows is not None
    predictions = outcome.rows.parts["test"]
    assert isinstance(predictions, Predictions)
    target, tests = config.target, ", ".join(map(str, config.split.test))
    gates = "; ".join(f"{gate.name}: {'holds' if gate.passed else 'fails'}" for gate in outcome.gates)
    return predictions, (
        f"None of {', '.join(kinds)} within {target.horizon_days} days, of users with one within "
        f"{target.active_within_days}. Tests {tests}. {gates}."
    )


def sparkify(path: Path, progress: Progress) -> tuple[Predictions, str]:
    """Predict each user by models of the others, with all columns and without those that count to the end."""
    table = pd.read_parquet(path).set_index("userId").sort_index()
    y = table.pop("churn").to_numpy().astype(float)
    shares = table[[name for name in table if not any(part in name for part in UNTIL_THE_END)]]
    fold = customer_folds(table.index, FOLDS, key="sparkify")
    candidates = {
        MODEL: (shares, BLEND),
        "logistic": (shares, {"name": "logistic", "options": {"strength": 0.03}}),
        "thumbs_up_pct alone": (shares, {"name": "one_feature_rule", "options": {"column": "thumbs_up_pct"}}),
        "tenure_days alone": (table, {"name": "one_feature_rule", "options": {"column": "tenure_days"}}),
        "model, all columns": (table, BLEND),
    }
    scores = {}
    for name, (X, part) in progress.track(list(candidates.items()), description="models"):
        p = np.full(len(y), np.nan)
        for number in range(FOLDS):
            test = fold == number
            model = create(part["name"], **part["options"]).fit(X[~test], y[~test])
            p[test] = model.expected(X[test])
        scores[name] = p
    predictions = Predictions(np.asarray(table.index), np.full(len(y), "users"), y, scores)
    used = f"{shares.shape[1]} of the {table.shape[1]} columns, without those that count until a user cancels"
    return predictions, f"{FOLDS} folds of whole users; the model has {used}."


def _loaded(content: Mapping[str, Any]) -> Tables:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "configs" / "data" / f"{content['name']}.yaml"
        path.parent.mkdir(parents=True)
        path.write_text(yaml.safe_dump(dict(content)), encoding="utf-8")
        return load_config(path)


def _report(name: str, predictions: Predictions, facts: str, folder: Path) -> dict[str, Any]:
    judged = evaluate(predictions, np.random.default_rng(17), tuple(VIEWS), 1_000, ("pooled",))
    metrics = {model: intervals(judged, model, VIEWS) for model in judged.models}
    paired = {model: intervals(judged, MODEL, VIEWS, model) for model in judged.models if model != MODEL}
    rows = [(model, *map(str, row.values())) for model, row in metrics.items()]
    rows += [(f"model - {model}", *map(str, row.values())) for model, row in paired.items()]
    header = ("model", *COLUMNS)
    counts = f"{len(predictions.y):,} rows, {predictions.y.mean():.1%} left. {facts}"
    write_between(folder / "README.md", f"ends {name}", f"{markdown(header, rows)}\n\n{counts}")
    show(name, header, rows)
    print(counts)
    return {"metrics": plain(metrics), "model_minus": plain(paired), "facts": counts}


if __name__ == "__main__":
    sys.exit(main())
