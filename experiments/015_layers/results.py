"""Moves between layers: does the model beat the table, does hysteresis stop flicker, do intervals hold.

``python experiments/015_layers/results.py`` writes results.json and the tables of README.md.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from crm_ml import datasets
from crm_ml.config import load
from crm_ml.evaluation.predictions import Predictions
from crm_ml.evaluation.significance import evaluate
from crm_ml.evaluation.wilson import wilson_interval
from crm_ml.features import matrices, matrix
from crm_ml.layers import LayerSettings, keep_edges, layers_of, learn_edges, tiers_of, transitions
from crm_ml.layers.customer_value import value_cents
from crm_ml.layers.layer_days import snapshot_of
from crm_ml.layers.move_model import METRICS, MoveTable, split
from crm_ml.layers.move_rows import TARGETS, MoveRows, move_rows
from crm_ml.layers.tiers import tier_edges
from crm_ml.models.model import create
from crm_ml.snapshots import Snapshot
from crm_ml.tables.bundle import Tables

from study import parser, run, save, saved, write_tables  # isort: skip

ROOT = Path(__file__).resolve().parents[2]
DATA = ("grocer", "simulated")
WEEKS, BANDS = 16, (0.0, 0.05, 0.1, 0.2)
CUSTOMERS, CHAIN_DAYS, CHAINS, KEEP = 200, 8, 1000, 0.7
FINER = "table by layer and levels"


def main(argv: Sequence[str] | None = None) -> int:
    """Judge, and write; return the exit code."""
    command = parser(__file__, "Moves between layers.", "results.json", (*DATA, "coverage"))
    return run(_results, command.parse_args(argv))


def _results(arguments: argparse.Namespace) -> None:
    path = arguments.folder / "results.json"
    content = saved(path, {})
    for name in arguments.only or (*DATA, "coverage"):
        content[name] = coverage() if name == "coverage" else _of_data(name)
        save(path, content)
    tables = {"coverage": _coverage_table(content["coverage"])} if "coverage" in content else {}
    for name in DATA:
        if name in content:
            tables[f"moves {name}"] = _moves_table(content[name]["moves"])
            tables[f"stability {name}"] = _stability_table(content[name]["stability"])
    write_tables(arguments.folder, tables)


def _of_data(name: str) -> dict[str, Any]:
    settings = load(ROOT / f"configs/layers/{name}.yaml", LayerSettings)
    assert settings.as_of is not None
    tables = datasets.load(settings.data.name, settings.data.path, **settings.data.options)
    as_of = snapshot_of(tables, settings.as_of, settings)
    return {"moves": judged(tables, as_of, settings), "stability": stability(tables, as_of, settings)}


def judged(tables: Tables, as_of: Snapshot, settings: LayerSettings) -> dict[str, Any]:
    """Compare the model with two tables on the newest days with a known outcome.

    Edges are learned on the first day that judges: nothing of what is predicted was known then.
    """
    train, test = split(as_of, settings)
    edges = learn_edges(matrix(tables, test[0], settings.features), settings.cuts, str(test[0]))
    rows = move_rows(tables, [*train, *test], settings, edges)
    found = {"train": f"{train[0]} to {train[-1]}", "test": f"{test[0]} to {test[-1]}"}
    return found | {target: _target(rows, target, train, test, settings) for target in TARGETS}


def _target(
    rows: MoveRows, target: Any, train: list[Snapshot], test: list[Snapshot], settings: LayerSettings
) -> dict[str, Any]:
    labelled = rows.labelled(target)
    learned, later = labelled.at(train), labelled.at(test)
    model = learned.fitted(create(settings.moves.model, **settings.moves.options))
    table = MoveTable.of(learned)
    p = {
        "model": model.predict_proba(later.X)[:, 1],
        "table": table.probabilities(later.X["layer_name"]),
        FINER: _finer(learned.X, learned.y, later.X, settings),
    }
    predictions = Predictions(
        np.asarray(later.customer_id), np.asarray(later.fold), np.asarray(later.y, dtype=float), p
    )
    rng = np.random.default_rng(settings.moves.seed)
    metrics = evaluate(predictions, rng, METRICS, settings.moves.replicates, over=("pooled",))
    return {
        "rows": len(later.y),
        "customers": int(later.customer_id.nunique()),
        "positives": int(later.y.sum()),
        "metrics": {name: {m: asdict(metrics.interval(name, m)) for m in METRICS} for name in p},
        "minus": {
            name: {m: asdict(metrics.difference("model", name, m)) for m in METRICS}
            for name in p
            if name != "model"
        },
    }


def _finer(
    X: pd.DataFrame, y: "pd.Series[int]", later: pd.DataFrame, settings: LayerSettings
) -> "np.ndarray[Any, np.dtype[np.float64]]":
    """Return shares by layer and all levels, drawn to those of the layer."""
    by_layer = y.groupby(X["layer_name"].to_numpy()).mean()
    keys = ["layer_name", *(f"layer_{name}" for name in settings.cuts)]
    cells = pd.MultiIndex.from_frame(X[keys].fillna(0))
    sums = pd.DataFrame({"y": y.to_numpy()}, index=cells).groupby(level=keys)["y"].agg(["sum", "size"])
    wanted = sums.reindex(pd.MultiIndex.from_frame(later[keys].fillna(0))).fillna(0)
    prior = later["layer_name"].map(by_layer).fillna(float(y.mean())).to_numpy()
    return np.asarray((wanted["sum"].to_numpy() + prior) / (wanted["size"].to_numpy() + 1))


def stability(tables: Tables, as_of: Snapshot, settings: LayerSettings) -> dict[str, Any]:
    """Count weekly changes of tiers by the width of the band, and of layers by what becomes of the edges."""
    weeks = [as_of.shifted(-7 * week) for week in reversed(range(WEEKS))]
    frames = list(matrices(tables, weeks, settings.features))
    values = [
        value_cents(tables, week, frame, settings.value) for week, frame in zip(weeks, frames, strict=True)
    ]
    assert settings.tiers is not None
    edges, _ = tier_edges(values[0], settings.tiers, None, settings.tolerance, str(weeks[0]))
    tiers = {f"{band:g}": _tier_changes(values, settings, edges.values, band) for band in BANDS}
    return {
        "weeks": WEEKS,
        "first": str(weeks[0]),
        "tiers": tiers,
        "edges kept": _layer_changes(frames, weeks, settings, settings.tolerance),
        "edges learned every week": _layer_changes(frames, weeks, settings, -1.0),
    }


def _tier_changes(
    values: "list[pd.Series[int]]", settings: LayerSettings, edges: Sequence[float], band: float
) -> dict[str, float]:
    assert settings.tiers is not None
    tiers = settings.tiers.model_copy(update={"hysteresis": band})
    history: list[pd.Series[str]] = []
    for value in values:
        history.append(tiers_of(value, tiers, edges, history[-1] if history else None))
    plain = [tiers_of(value, tiers, edges) for value in values]
    rows = changes = early = back = other = 0
    for week in range(1, len(history)):
        before = history[week - 1]
        now = history[week].loc[before.index]
        moved = now != before
        rows, changes = rows + len(now), changes + int(moved.sum())
        other += int((history[week] != plain[week]).sum())
        if week + 3 < len(history):
            after = [history[week + ahead].loc[before.index] == before for ahead in (1, 2, 3)]
            early += int(moved.sum())
            back += int((moved & (after[0] | after[1] | after[2])).sum())
    counts = {"rows": rows, "changes": changes, "early": early}
    return counts | {"back_within_3_weeks": back, "not_in_plain_tier": other}


def _layer_changes(
    frames: list[pd.DataFrame], weeks: list[Snapshot], settings: LayerSettings, tolerance: float
) -> dict[str, int]:
    edges = learn_edges(frames[0], settings.cuts, str(weeks[0]))
    before, rows, changes, learned = layers_of(frames[0], settings, edges)["layer_name"], 0, 0, 0
    for frame, week in zip(frames[1:], weeks[1:], strict=True):
        edges, notes = keep_edges(frame, settings.cuts, edges, tolerance, str(week))
        now = layers_of(frame, settings, edges)["layer_name"]
        learned += len(notes)
        rows, changes = rows + len(before), changes + int((now.loc[before.index] != before).sum())
        before = now
    return {"rows": rows, "changes": changes, "learned_again": learned}


def coverage() -> dict[str, Any]:
    """Count how often intervals hold the truth where each customer has a probability of its own to stay."""
    rng = np.random.default_rng(15)
    held = {"clustered": 0, "rows as if independent": 0}
    ids = range(CUSTOMERS)
    for _ in range(CHAINS):
        own = rng.beta(KEEP * 1.2, (1 - KEEP) * 1.2, CUSTOMERS)
        start = pd.Series("a", index=ids)
        pairs = [
            (start, pd.Series(np.where(rng.random(CUSTOMERS) < own, "a", "b"), index=ids))
            for _ in range(CHAIN_DAYS)
        ]
        row = transitions(pairs, ("a", "b")).iloc[0]
        [low], [high] = wilson_interval([row["share"]], [row["rows"]])
        held["clustered"] += int(row["low"] <= KEEP <= row["high"])
        held["rows as if independent"] += int(low <= KEEP <= high)
    return {"chains": CHAINS, "customers": CUSTOMERS, "days": CHAIN_DAYS, "held": held}


def _moves_table(content: Mapping[str, Any]) -> tuple[Sequence[str], list[Sequence[str]]]:
    rows = []
    for target, what in (("move", "P(move)"), ("down", "P(move down)")):
        each = content[target]
        for name, metrics in each["metrics"].items():
            rows.append((f"{what}, {name}", *(_text(metrics[m]) for m in METRICS)))
        for name, minus in each["minus"].items():
            rows.append((f"{what}, model - {name}", *(_text(minus[m]) for m in METRICS)))
    return ("", "log-loss", "ROC AUC", "ECE"), rows


def _stability_table(content: Mapping[str, Any]) -> tuple[Sequence[str], list[Sequence[str]]]:
    rows = [
        (
            f"tiers, hysteresis {band}",
            f"{each['changes'] / each['rows']:.4f}",
            f"{each['back_within_3_weeks'] / max(each['early'], 1):.3f}",
            f"{each['not_in_plain_tier'] / each['rows']:.4f}",
        )
        for band, each in content["tiers"].items()
    ]
    for name in ("edges kept", "edges learned every week"):
        each = content[name]
        again = f"{each['learned_again']} times learned again"
        rows.append((f"layers, {name}", f"{each['changes'] / each['rows']:.4f}", "", again))
    head = ("", "changes a customer and week", "back within 3 weeks", "not in the tier of plain edges")
    return head, rows


def _coverage_table(content: Mapping[str, Any]) -> tuple[Sequence[str], list[Sequence[str]]]:
    rows = [(name, f"{held / content['chains']:.3f}") for name, held in content["held"].items()]
    return ("95 % interval", "holds the truth"), rows


def _text(interval: Mapping[str, float]) -> str:
    return "{value:.4f} [{low:.4f}, {high:.4f}]".format(**interval)


if __name__ == "__main__":
    sys.exit(main())
