"""Judge next items (Amazon Beauty and Toys) and next baskets (Ta-Feng) by leaving the last one out.

``python experiments/005_recommend/last_out.py --data FOLDER`` writes last_out.json and tables of README.md.
``--choose`` prints instead what the settings in question give on the last but one, which decided on them.
"""

import argparse
import json
import logging
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path.append(str(HERE.parent))  # for the tables of all experiments

import benchmarks  # noqa: E402
import numpy as np  # noqa: E402
from leave_last_out import leave_last_out  # noqa: E402
from study import markdown, show, shown_progress, test_evaluations, write_between  # noqa: E402

from crm_ml.errors import CrmError  # noqa: E402
from crm_ml.evaluation.recommendation import Ideal, evaluate_lists, judge_lists  # noqa: E402
from crm_ml.evaluation.significance import Evaluation  # noqa: E402
from crm_ml.recommend.interactions import Interactions, as_interactions  # noqa: E402
from crm_ml.recommend.recommendation_task import Task  # noqa: E402
from crm_ml.recommend.recommender import Recommender  # noqa: E402
from crm_ml.recommend.recommenders import create  # noqa: E402
from crm_ml.storage.paths import data_folder  # noqa: E402

TA_FENG = ("tafeng_history.json", "tafeng_future.json")
K, SEED, REPLICATES, BLOCK = 10, 17, 1000, 512
Model = tuple[str, dict[str, Any]]
KNN: Model = ("item_knn", {"half_life_days": 2, "neighbours": 20_000, "shrink": 20.0})
NEXT: Mapping[str, Model] = {
    "model": ("next_item", {}),
    "item_knn": KNN,
    "popularity": ("popularity", {"days": 1e6}),
}
BASKETS: Mapping[str, Model] = {
    "model": (
        "two_heads",
        {"horizon_days": 1, "windows": 3, "half_life_days": 20, "rounds": 150, "num_leaves": 31},
    ),
    "personal_frequency": ("personal_frequency", {"half_life_days": None}),
    "popularity": ("popularity", {"days": 1e6}),
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
    "ta_feng": Benchmark(
        lambda data: benchmarks.ta_feng(*(data / "tafeng_baskets" / one for one in TA_FENG)),
        BASKETS, BASKET_CHOICES, True, "all", {"TIFU-KNN": (0.1301, 0.1011)}, (0.136, 0.117), "recall",
    ),
}  # fmt: skip


def main(argv: Sequence[str] | None = None) -> int:
    """Judge the benchmarks; return the exit code."""
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # before lightgbm is imported
    logging.basicConfig(level=logging.ERROR)
    parser = argparse.ArgumentParser("last_out.py", description="Judge lists on the last item or basket.")
    parser.add_argument("--only", choices=BENCHMARKS, action="append", help="this benchmark alone")
    parser.add_argument(
        "--data", type=Path, default=data_folder(), help="folder with s3rec/ and tafeng_baskets/"
    )
    parser.add_argument("--folder", type=Path, default=HERE, help="where README.md and last_out.json stand")
    parser.add_argument("--choose", action="store_true", help="compare settings on the last but one")
    given = parser.parse_args(argv)
    try:
        for name in given.only or BENCHMARKS:
            benchmark = BENCHMARKS[name]
            data = as_interactions(benchmark.read(given.data))
            if given.choose:
                _choose(name, benchmark, data)
            else:
                _write(
                    name, benchmark, judged(benchmark, leave_last_out(data), benchmark.models), given.folder
                )
    except CrmError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


def judged(benchmark: Benchmark, task: Task, models: Mapping[str, Model]) -> Evaluation:
    """Return hit rate, recall, NDCG and MRR of lists in which ties count against the model."""
    assert task.relevant is not None
    found = {}
    with shown_progress() as progress:
        for name, (kind, options) in progress.track(list(models.items()), description="models"):
            model = create(kind, **options).fit(task.data)
            if benchmark.repeats:
                lists = model.top(task.data.customers, K, exclude_seen=False)[0]
            else:
                lists = worst_places(model, task)
            found[name] = judge_lists(lists, task.relevant, K, benchmark.ideal)
    rng = np.random.default_rng(SEED)
    metrics = ("ndcg", benchmark.second, "mrr")
    return evaluate_lists(task.data.customers, found, rng, REPLICATES, metrics)


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
    models = {str(one): (kind, {**options, **one}) for one in benchmark.choices}
    models |= {one: part for one, part in benchmark.models.items() if one != "model"}
    result = judged(benchmark, leave_last_out(data, back=1), models)
    rows = [
        (one, *(f"{result.interval(one, metric).value:.4f}" for metric in result.metrics))
        for one in sorted(models, key=lambda one: -result.interval(one, "ndcg").value)
    ]
    show(f"{name}, last but one", ["settings", *result.metrics], rows)


def _write(name: str, benchmark: Benchmark, result: Evaluation, folder: Path) -> None:
    path = folder / "last_out.json"
    kept = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    content = {
        one: {metric: asdict(result.interval(one, metric)) for metric in result.metrics}
        for one in result.models
    }
    figures = {f"{name}.{metric}": result.interval("model", metric).value for metric in result.metrics}
    seen = test_evaluations(path, json.dumps(benchmark.models, sort_keys=True), figures)
    path.write_text(json.dumps(kept | {name: content, "looks": seen}, indent=1) + "\n", encoding="utf-8")
    header, rows = _table(benchmark, result)
    write_between(folder / "README.md", name, markdown(header, rows))
    show(name, header, rows)
    told = f"Different results seen on the last items and baskets so far: {len(seen)}."
    write_between(folder / "README.md", "looks at the last", told)


def _table(benchmark: Benchmark, result: Evaluation) -> tuple[list[str], list[tuple[str, ...]]]:
    metrics = (benchmark.second, "ndcg")
    header = ["model", f"{benchmark.second}@{K}", f"NDCG@{K}", f"MRR@{K}", f"NDCG@{K} of the model -"]
    order = sorted(result.models, key=lambda one: -result.interval(one, "ndcg").value)
    rows = [
        (
            f"{one} ({benchmark.models[one][0]})" if one == "model" else one,
            *(str(result.interval(one, metric)) for metric in (*metrics, "mrr")),
            "" if one == "model" else str(result.difference("model", one, "ndcg")),
        )
        for one in order
    ]
    rows += [
        (f"{one}, published", *(f"{value:.4f}" for value in values), "", "")
        for one, values in benchmark.published.items()
    ]
    reached = [
        "met" if result.interval("model", metric).value >= target else "**missed**"
        for metric, target in zip(metrics, benchmark.targets, strict=True)
    ]
    targets = [f"{target:g}: {verdict}" for target, verdict in zip(benchmark.targets, reached, strict=True)]
    rows.append(("target", *targets, "", ""))
    return header, rows


if __name__ == "__main__":
    sys.exit(main())
