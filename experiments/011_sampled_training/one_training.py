"""One training of the comparison in a process of its own: predictions of the test rows, CPU time, memory.

``results.py`` starts it. Of data, candidate, seed and a path it writes PATH.npz and PATH.json.
"""

import argparse
import functools
import json
import resource
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).parents[1]))  # for what all experiments share

import numpy as np
from rich.progress import Progress
from study_probability import predict_models

from crm_ml.churn.snapshot_rows import labelled_rows
from crm_ml.churn.target import labels
from crm_ml.config import load_run
from crm_ml.datasets import simulated
from crm_ml.evaluation.predictions import Predictions
from crm_ml.models.labelled_rows import LabelledRows
from crm_ml.models.model import create
from crm_ml.models.row_draw import RowDraw
from crm_ml.snapshots import Snapshot
from crm_ml.tables import Tables
from crm_ml.train.experiment import load_tables
from crm_ml.train.families.churn import experiment
from crm_ml.train.families.probability.report import MODEL
from crm_ml.train.families.probability.used_rows import used_rows

ALL, BY_CLASS, EVENLY = "all rows", "drawn by class", "drawn evenly"
RUN, SHARE = "churn/lightgbm", 0.1
MOST, CUSTOMERS, SNAPSHOTS = 500_000, 500_000, 20
TEST, ACTIVE_WITHIN = "2024-10-02", timedelta(days=182)
GROUPS = ("rfm", "cadence", "trend")
HORIZONS = {"simulated": 28, "simulated, rare": 7}
BOOSTED = {"choose_settings": False, "seed": 17}


def draw_of(
    kind: str,
    seed: int,
    most: int,
    counts: Mapping[str, Any],
    training: Sequence[Sequence[str]],
    judging: Any,
) -> RowDraw:
    """Return the draw of a candidate; that of all rows draws everything."""
    names = frozenset(name for each in training for name in each)
    whole = RowDraw(seed, (1.0, 1.0), 1.0, names, frozenset(judging), counts)
    if kind == ALL:
        return whole
    if kind == EVENLY:
        rows = max(sum(sum(counts[name]) for name in each) for each in training)
        return replace(whole, shares=(most / rows, most / rows))
    return RowDraw.within((most, None), seed, counts, training, judging) or whole


def complete_journey(kind: str, seed: int) -> tuple[Predictions, dict[str, Any]]:
    """Predict the test window of the committed run, each model trained on all rows or on a tenth."""
    config = load_run(RUN).model_copy(update={"baselines": ()})
    tables = load_tables(config)
    folds = [experiment.fold(config, day) for day in config.split.test]
    training = [[str(day) for day in each.training] for each in folds]
    days = {str(day): day for each in folds for day in (each.test, *each.training)}
    label = functools.partial(labels, data_ends_at=config.data.ends_at, minimum=0)
    counts = {name: _classes(label(tables, day, config.target.active_within)) for name, day in days.items()}
    most = int(SHARE * max(sum(sum(counts[name]) for name in each) for each in training))
    judging = [str(day) for each in folds for day in (each.test, each.training[-1])]
    draw = draw_of(kind, seed, most, counts, training, judging)
    rows = experiment.compute_rows(config, tables, days.values(), Progress(disable=True), draw)
    candidate = (kind, config, used_rows(rows, config), folds)
    return predict_models([candidate], 1, Progress(disable=True)), _drawn(draw, training[-1])


def shop(kind: str, seed: int, horizon_days: int, world: Path, customers: int) -> Any:
    """Predict a day of a simulated shop by trees that learned from all earlier rows or from some."""
    tables = simulated.load(world, customers=customers, campaigns=0)
    test = Snapshot(TEST, timedelta(days=horizon_days))
    training = test.training(SNAPSHOTS)
    names, judging = [str(day) for day in training], [str(test)]
    counts = {str(day): _classes(_labels(tables, day)) for day in training}
    counts[str(test)] = (0, 0)
    most = MOST * customers // CUSTOMERS
    draw = draw_of(kind, seed, most, counts, [names], judging)
    past = _rows(tables, training, draw)
    model = past.to_train(names).fitted(create("gradient_boosting", **BOOSTED))
    del past
    rows = _rows(tables, [test], draw)
    p = model.predict_proba(rows.X)[:, 1]
    ids, fold = rows.customer_id.to_numpy(), rows.fold.to_numpy()
    return Predictions(ids, fold, rows.y.to_numpy().astype(float), {kind: p}), _drawn(draw, names)


def _rows(tables: Tables, days: Sequence[Snapshot], draw: RowDraw) -> LabelledRows:
    rows = labelled_rows(tables, days, ACTIVE_WITHIN, GROUPS, draw=draw)
    return replace(rows, X=rows.X.astype("float32"))  # so that all of five million fit beside others


def _labels(tables: Tables, day: Snapshot) -> Any:
    return labels(tables, day, ACTIVE_WITHIN, minimum=0)


def _classes(y: Any) -> tuple[int, int]:
    return len(y) - int(y.sum()), int(y.sum())


def _drawn(draw: RowDraw, training: Sequence[str]) -> dict[str, Any]:
    rows, drawn, positives = draw.drawn(training)
    return {"rows": rows, "drawn": drawn, "rarer": min(positives, drawn - positives)}


def main() -> None:
    """Train one candidate and write what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", choices=["complete_journey", *HORIZONS])
    parser.add_argument("kind", choices=[ALL, BY_CLASS, EVENLY])
    parser.add_argument("seed", type=int)
    parser.add_argument("path", type=Path)
    parser.add_argument("--world", type=Path)
    parser.add_argument("--customers", type=int, default=CUSTOMERS)
    given = parser.parse_args()
    if given.data == "complete_journey":
        predictions, counted = complete_journey(given.kind, given.seed)
        p = predictions.p[given.kind if given.kind in predictions.p else MODEL]
    else:
        horizon = HORIZONS[given.data]
        predictions, counted = shop(given.kind, given.seed, horizon, given.world, given.customers)
        p = predictions.p[given.kind]
    columns = {"customer_id": predictions.customer_id, "fold": predictions.fold, "y": predictions.y, "p": p}
    np.savez_compressed(given.path.with_suffix(".npz"), **columns)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    content = {**counted, "cpu_s": round(time.process_time(), 1), "peak_gb": round(peak, 2)}
    given.path.with_suffix(".json").write_text(json.dumps(content) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
