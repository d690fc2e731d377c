"""Judge next items (Amazon Beauty and Toys) and next baskets (Ta-Feng) by leaving the last one out.

``python experiments/005_recommend/last_out.py --data FOLDER`` writes last_out.json and tables of README.md.
``--choose`` prints instead the metrics of the settings in question on the last but one. ``--only journey``
judges models of Complete Journey by both protocols, the last basket and the last 28 days, side by side.
"""

import argparse
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).parents[1]))  # for what all experiments share

import benchmarks
import numpy as np
from leave_last_out import leave_last_out, split_by_day
from study import (
    Table,
    parser,
    plain,
    run,
    save,
    saved,
    show,
    shown_progress,
    test_evaluations,
    verdict,
    write_between,
    write_tables,
)

from crm_ml.config import load_run
from crm_ml.evaluation.lost_to import lost_to
from crm_ml.evaluation.recommendation import Ideal, evaluate_lists, judge_lists
from crm_ml.evaluation.significance import Evaluation
from crm_ml.recommend.interactions import Interactions, as_interactions
from crm_ml.recommend.recommendation_task import Task, task_of
from crm_ml.recommend.recommender import Recommender
from crm_ml.recommend.recommenders import create
from crm_ml.snapshots import DAY_S, Snapshot
from crm_ml.storage.paths import data_folder
from crm_ml.train.experiment import load_tables

TA_FENG = ("tafeng_history.json", "tafeng_future.json")
K, SEED, REPLICATES, BLOCK = 10, 17, 1000, 512
JOURNEY, DAYS, LEAST_EVENTS = "journey", 28, 30
Model = tuple[str, dict[str, Any]]
POPULARITY: Model = ("popularity", {"days": 1e6})
KNN: Model = ("item_knn", {"half_life_days": 2, "neighbours": 20_000, "shrink": 20.0})
NEXT: Mapping[str, Model] = {
    "model": ("next_item", {}),
    "item_knn": KNN,
    "popularity": POPULARITY,
}
# items alike whatever their order, of more items than EASE has room for; half-life as of the item-kNN
LARGE: Mapping[str, Model] = {
    "model": ("sparse_ease", {"half_life_days": 2}),
    "item_knn": KNN,
    "popularity": POPULARITY,
}
DENSE: Mapping[str, Model] = {
    "model": ("sparse_ease", {}),
    "ease": ("ease", {"l2": 100.0}),
    "item_knn": ("item_knn", {"neighbours": 20_000, "shrink": 20.0}),
    "popularity": POPULARITY,
}
LARGE_CHOICES = tuple(
    {"l2": l2, "neighbours": neighbours} for l2 in (20.0, 100.0, 500.0) for neighbours in (100, 200, 1_000)
)
BASKETS: Mapping[str, Model] = {
    "model": (
        "two_heads",
        {"horizon_days": 1, "windows": 3, "half_life_days": 20, "rounds": 150, "num_leaves": 31},
    ),
    "personal_frequency": ("personal_frequency", {"half_life_days": None}),
    "popularity": POPULARITY,
}


@dataclass(frozen=True)
class Benchmark:
    """A dataset with its protocol, the figures published for it and those to reach.

    Parameters
    ----------
    read : callable
        Folder of all data to events.
    models : mapping of str to (str, dict)
        Recommender and parameters.
    choices : tuple of dict
        Settings of the model that were compared on the last but one.
    repeats : bool
        Whether items that the customer had are recommended.
    ideal : {"k", "all"}
        Of NDCG.
    published : mapping of str to (float, float)
        Second metric and NDCG.
    targets : (float, float)
    second : str
        Metric beside NDCG.
    """

    read: Callable[[Path], Any]
    models: Mapping[str, Model]
    choices: tuple[dict[str, Any], ...]
    repeats: bool
    ideal: Ideal
    published: Mapping[str, tuple[float, float]]
    targets: tuple[float, float]
    second: str


NEXT_CHOICES = tuple(
    {"decay": decay, "backward": backward, "half_life": half_life, "to_power": to_power}
    for decay in (0.5, 0.85)
    for backward in (0.0, 0.3, 0.6)
    for half_life in (1.5, 3.0)
    for to_power in (0.1, 0.5)
)
BASKET_CHOICES = ({"windows": 2}, {"windows": 3})
BENCHMARKS = {
    "beauty": Benchmark(
        lambda data: benchmarks.sequences(data / "s3rec" / "Beauty.txt"),
        NEXT, NEXT_CHOICES, False, "k",
        {"SASRec": (0.0605, 0.0318), "S3-Rec": (0.0647, 0.0327)}, (0.068, 0.041), "hit_rate",
    ),
    "toys": Benchmark(
        lambda data: benchmarks.sequences(data / "s3rec" / "Toys_and_Games.txt"),
        NEXT, NEXT_CHOICES, False, "k",
        {"SASRec": (0.0675, 0.0374), "S3-Rec": (0.0700, 0.0376)}, (0.080, 0.049), "hit_rate",
    ),
    "beauty_dense": Benchmark(
        lambda data: benchmarks.sequences(data / "s3rec" / "Beauty.txt"),
        DENSE, LARGE_CHOICES, False, "k", {}, (0.0, 0.0), "hit_rate",
    ),
    "two_shops": Benchmark(
        lambda data: benchmarks.two_shops(data / "s3rec"),
        LARGE, LARGE_CHOICES, False, "k", {}, (0.0, 0.0), "hit_rate",
    ),
    "ta_feng": Benchmark(
        lambda data: benchmarks.ta_feng(*(data / "tafeng_baskets" / file for file in TA_FENG)),
        BASKETS, BASKET_CHOICES, True, "all", {"TIFU-KNN": (0.1301, 0.1011)}, (0.136, 0.117), "recall",
    ),
}  # fmt: skip


def main(argv: Sequence[str] | None = None) -> int:
    """Judge the benchmarks; return the exit code."""
    command = parser(
        __file__, "Judge lists on the last item or basket.", "last_out.json", [*BENCHMARKS, JOURNEY]
    )
    command.add_argument(
        "--data", type=Path, default=data_folder(), help="folder with s3rec/ and tafeng_baskets/"
    )
    command.add_argument("--choose", action="store_true", help="compare settings on the last but one")
    return run(_judge_all, command.parse_args(argv))


def _judge_all(arguments: argparse.Namespace) -> None:
    for name in arguments.only or [*BENCHMARKS, JOURNEY]:
        if name == JOURNEY:
            _judge_journey(arguments.folder)
            continue
        benchmark = BENCHMARKS[name]
        data = as_interactions(benchmark.read(arguments.data))
        if arguments.choose:
            _choose(name, benchmark, data)
        else:
            result = judged(benchmark, leave_last_out(data), benchmark.models)
            _write(name, benchmark, result, arguments.folder)


def judged(benchmark: Benchmark, task: Task, models: Mapping[str, Model]) -> Evaluation:
    """Return hit rate, recall, NDCG and MRR of lists in which ties count against the model.

    Popularity stands beside the models, whether it is among them or not.
    """
    assert task.relevant is not None
    metrics_of = {}
    models = {**models, "popularity": models.get("popularity", POPULARITY)}
    with shown_progress() as progress:
        for name, (kind, options) in progress.track(list(models.items()), description="models"):
            model = create(kind, **options).fit(task.data)
            if benchmark.repeats:
                lists = model.top(task.data.customers, K, exclude_seen=False)[0]
            else:
                lists = worst_places(model, task)
            metrics_of[name] = judge_lists(lists, task.relevant, K, benchmark.ideal)
    rng = np.random.default_rng(SEED)
    metrics = ("ndcg", benchmark.second, "mrr")
    return evaluate_lists(task.data.customers, metrics_of, rng, REPLICATES, metrics)


def worst_places(model: Recommender, task: Task) -> "np.ndarray[Any, np.dtype[np.int64]]":
    """Return lists that hold the one relevant item alone, behind all unseen items of the same score."""
    assert task.relevant is not None
    wanted = task.relevant.indices
    lists = np.full((len(wanted), K), -1, dtype=np.int64)
    for start in range(0, len(wanted), BLOCK):
        rows = np.arange(start, min(start + BLOCK, len(wanted)))
        scores = np.array(model.scores(rows), dtype=float)
        seen = model.seen_[rows].tocoo()
        scores[seen.coords] = -np.inf
        own = scores[np.arange(len(rows)), wanted[rows]]
        place = (scores >= own[:, None]).sum(axis=1) - 1
        inside = (place < K) & np.isfinite(own)
        lists[rows[inside], place[inside]] = wanted[rows[inside]]
    return lists


def _choose(name: str, benchmark: Benchmark, data: Interactions) -> None:
    kind, options = benchmark.models["model"]
    models = {str(choice): (kind, {**options, **choice}) for choice in benchmark.choices}
    models |= {other: part for other, part in benchmark.models.items() if other != "model"}
    result = judged(benchmark, leave_last_out(data, back=1), models)
    rows = [
        (model, *(f"{result.interval(model, metric).value:.4f}" for metric in result.metrics))
        for model in _best_first(result)
    ]
    show(f"{name}, last but one", ["settings", *result.metrics], rows)


def beside_popularity(result: Evaluation) -> str:
    """Return a line for each model: its NDCG over that of popularity, and whether it loses to it."""
    lines = []
    for model in _best_first(result):
        if model != "popularity":
            lost = lost_to(result, model, "ndcg").get("popularity")
            paired = result.difference(model, "popularity", "ndcg")
            lines.append(f"**{lost}**" if lost else f"{model} - popularity: ndcg {paired}")
    return "\n".join(f"- {line}" for line in lines)


def _judge_journey(folder: Path) -> None:
    """Judge the same models by the last basket and by the last days, of one dated history."""
    tables = load_tables(load_run("recommend/two_heads", ()))
    data = task_of(tables, Snapshot(date(2018, 1, 1), timedelta(days=1)), LEAST_EVENTS, after=False).data
    models: dict[str, Model] = {"item_knn": ("item_knn", {"half_life_days": 30})}
    models["personal_frequency"] = BASKETS["personal_frequency"]
    models["next_item"] = NEXT["model"]
    protocols = {
        "last basket": leave_last_out(data),
        f"last {DAYS} days": split_by_day(data, data.ends_at - DAYS * DAY_S),
    }
    rows, plain_figures, lines = [], {}, []
    for protocol, task in protocols.items():
        result = judged(BENCHMARKS["ta_feng"], task, models)
        intervals = {model: {m: result.interval(model, m) for m in result.metrics} for model in result.models}
        plain_figures[protocol] = plain(intervals)
        for model in _best_first(result):
            cells = (str(intervals[model][metric]) for metric in ("recall", "ndcg"))
            rows.append((protocol, f"{len(task.data.customers):,}", model, *cells))
        lines.append(f"{protocol.capitalize()}:\n\n{beside_popularity(result)}")
    path = folder / "last_out.json"
    save(path, saved(path, {"looks": []}) | {JOURNEY: plain_figures})
    header = ("hidden", "customers", "model", f"recall@{K}", f"NDCG@{K}")
    write_tables(folder, {JOURNEY: (header, rows)})
    write_between(folder / "README.md", f"verdict on {JOURNEY}", "\n\n".join(lines))


def _best_first(result: Evaluation) -> list[str]:
    return sorted(result.models, key=lambda model: -result.interval(model, "ndcg").value)


def _write(name: str, benchmark: Benchmark, result: Evaluation, folder: Path) -> None:
    path = folder / "last_out.json"
    intervals = {model: {m: result.interval(model, m) for m in result.metrics} for model in result.models}
    figures = {f"{name}.{metric}": interval.value for metric, interval in intervals["model"].items()}
    evaluations = test_evaluations(path, json.dumps(benchmark.models, sort_keys=True), figures)
    save(path, saved(path, {}) | {name: plain(intervals), "looks": evaluations})
    write_tables(folder, {name: _table(benchmark, result)})
    write_between(folder / "README.md", f"verdict on {name}", beside_popularity(result))
    counted = f"Different results seen on the last items and baskets so far: {len(evaluations)}."
    write_between(folder / "README.md", "looks at the last", counted)


def _table(benchmark: Benchmark, result: Evaluation) -> Table:
    metrics = (benchmark.second, "ndcg")
    header = ["model", f"{benchmark.second}@{K}", f"NDCG@{K}", f"MRR@{K}", f"NDCG@{K} of the model -"]
    rows = []
    for model in _best_first(result):
        own = model == "model"
        title = f"{model} ({benchmark.models[model][0]})" if own else model
        cells = (str(result.interval(model, metric)) for metric in (*metrics, "mrr"))
        rows.append((title, *cells, "" if own else str(result.difference("model", model, "ndcg"))))
    rows += [
        (f"{model}, published", *(f"{value:.4f}" for value in values), "", "")
        for model, values in benchmark.published.items()
    ]
    targets = [
        f"{target:g}: {verdict(result.interval('model', metric).value >= target)}"
        for metric, target in zip(metrics, benchmark.targets, strict=True)
    ]
    return header, [*rows, *([("target", *targets, "", "")] if any(benchmark.targets) else [])]


if __name__ == "__main__":
    sys.exit(main())
