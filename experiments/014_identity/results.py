"""How well profiles become persons: rules, probabilities and clustering, on records whose persons are known.

``python experiments/014_identity/results.py --data DIR`` writes results.json and the tables of README.md.
"""

import argparse
import itertools
import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

sys.path.append(str(Path(__file__).parents[1]))  # for what all experiments share

from record_sets import LOADERS, RecordSet
from study import Table, parser, run, save, saved, write_tables

from crm_ml.identity import AverageLink, FellegiSunter, Scorer, SplinkScorer, b_cubed, resolve

SCALE = "seven million profiles"
TARGETS = {"historical_50k": 0.88, "febrl3": 0.998, "fake_1000": 0.975}
SPLINK = ("fake_1000", "febrl3")  # blocks of the larger ones have no end without a cap
ABSENT = (-4.0, -2.0, -1.0, -0.5, -0.25)
THRESHOLDS = (0.5, 0.7, 0.9, 0.95, 0.99)
EDGES = (0.0, 0.01, 0.1, 0.5, 0.9, 0.99, 1.0)
AVERAGE, COMPONENTS = "average link", "components"
REPLICATES, LABELLED_PERSONS = 1_000, 0.1
Labels = npt.NDArray[Any]


def main(argv: Sequence[str] | None = None) -> int:
    """Write the tables; return the exit code."""
    command = parser(__file__, "Measure identity resolution.", "results.json", [*LOADERS, SCALE])
    command.add_argument("--data", type=Path, default=Path("../shared/data/identity"), help="the three sets")
    return run(_measure, command.parse_args(argv))


def _measure(arguments: argparse.Namespace) -> None:
    path = arguments.folder / "results.json"
    content = saved(path, {})
    for name in arguments.only or [*LOADERS, SCALE]:
        if name == SCALE:
            content[name] = _at_scale()
        else:
            own = LOADERS[name](arguments.data)
            content[name] = _of_set(own)
            if name in SPLINK and find_spec("splink"):
                content[name]["agreement"] |= _of_splink(own)
        save(path, content)
    sets = {name: content[name] for name in LOADERS if name in content}
    tables = {"agreement": _agreement(sets), "choice": _choice(sets), "probabilities": _probabilities(sets)}
    if SCALE in content:
        tables["scale"] = _scale(content[SCALE])
    write_tables(arguments.folder, tables)


def _of_set(own: RecordSet) -> dict[str, Any]:
    """Return the agreement of every candidate with the true persons, and how true probabilities are."""
    truth = own.truth.to_numpy()
    started = time.process_time()
    pairs = FellegiSunter(own.comparisons)(own.records)
    seconds = time.process_time() - started
    same = own.truth[pairs["left"]].to_numpy() == own.truth[pairs["right"]].to_numpy()
    unlabelled, recalibrated = _recalibrated(own, same, pairs)
    groups = {f"{AVERAGE} {absent}": _average(own, lambda _: pairs, absent) for absent in ABSENT}
    groups |= {f"{COMPONENTS} {least}": _components(own, pairs, least) for least in THRESHOLDS}
    again = {f"recalibrated {absent}": _average(own, lambda _: recalibrated, absent) for absent in ABSENT}
    return {
        "records": len(truth),
        "persons": len(np.unique(truth)),
        "pairs": len(pairs),
        "true pairs compared": int(same.sum()),
        "scorer_cpu_s": seconds,
        "agreement": {name: _with_interval(group, truth) for name, group in groups.items()}
        | {name: _with_interval(group[unlabelled], truth[unlabelled]) for name, group in again.items()},
        "reliability": _reliability(pairs["probability"].to_numpy(), same),
    }


def _of_splink(own: RecordSet) -> dict[str, Any]:
    """Return the agreement of Splink's pairs over the same comparisons and blocks."""
    pairs = SplinkScorer(own.comparisons)(own.records)
    groups = {f"Splink {absent}": _average(own, lambda _: pairs, absent) for absent in ABSENT}
    return {name: _with_interval(group, own.truth.to_numpy()) for name, group in groups.items()}


def _average(own: RecordSet, scorer: Scorer, absent: float) -> Labels:
    link = AverageLink(absent=absent, stop=0.0)
    return resolve(own.records, [], scorer=scorer, average_link=link).to_pandas()["customer_id"].to_numpy()


def _components(own: RecordSet, pairs: pd.DataFrame, least: float) -> Labels:
    """Return the connected components of the pairs of a least probability."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    place = pd.Series(np.arange(len(own.records)), index=own.records["profile_id"])
    kept = pairs[pairs["probability"] >= least]
    rows = place[kept["left"]].to_numpy(), place[kept["right"]].to_numpy()
    graph = coo_array((np.ones(len(kept), np.int8), rows), shape=(len(place), len(place)))
    return np.asarray(connected_components(graph, directed=False)[1])


def _recalibrated(
    own: RecordSet, same: npt.NDArray[np.bool_], pairs: pd.DataFrame
) -> tuple[npt.NDArray[np.bool_], pd.DataFrame]:
    """Return the records of nine persons in ten, and pairs recalibrated on those within the tenth."""
    persons = np.unique(own.truth.to_numpy())
    drawn = np.random.default_rng(7).random(len(persons)) < LABELLED_PERSONS
    person = own.truth.isin(persons[drawn])
    labelled = person[pairs["left"]].to_numpy() & person[pairs["right"]].to_numpy()
    scorer = FellegiSunter(own.comparisons, labelled=pairs[labelled].assign(same=same[labelled]))
    return ~person.to_numpy(), scorer(own.records)


def _with_interval(groups: Labels, truth: Labels) -> dict[str, float]:
    """Return B-cubed precision, recall and F1, with a 95 % interval over resamples of whole persons."""
    precision, recall = _each(groups, truth)
    person = np.unique(truth, return_inverse=True)[1]
    sums = np.stack([np.bincount(person, column) for column in (precision, recall, np.ones(len(person)))])
    draw = np.random.default_rng(1)
    weights = draw.multinomial(sums.shape[1], np.full(sums.shape[1], 1 / sums.shape[1]), REPLICATES)
    p, r, size = sums @ weights.T
    low, high = np.quantile(2 * p * r / (p + r) / size, [0.025, 0.975])
    return b_cubed(groups, truth)._asdict() | {"low": float(low), "high": float(high)}


def _each(groups: Labels, truth: Labels) -> tuple[Labels, Labels]:
    """Return the B-cubed precision and recall of each record."""
    frame = pd.DataFrame({"group": groups, "person": truth, "one": 1})
    both = frame.groupby(["group", "person"])["one"].transform("sum").to_numpy()
    sizes = (frame.groupby(name)["one"].transform("sum").to_numpy() for name in ("group", "person"))
    precision, recall = (both / size for size in sizes)
    return precision, recall


def _reliability(probability: npt.NDArray[np.float64], same: npt.NDArray[np.bool_]) -> list[dict[str, float]]:
    rows = []
    for low, high in itertools.pairwise(EDGES):
        inside = (probability >= low) & ((probability < high) | (high == 1.0))
        if inside.any():
            rows.append({"low": low, "high": high, "pairs": int(inside.sum()),
                         "predicted": float(probability[inside].mean()),
                         "true": float(same[inside].mean())})  # fmt: skip
    return rows


def chosen(sets: Mapping[str, Any], judged: str, kind: str) -> str:
    """Return the setting of a kind of candidate with the highest mean F1 over the other sets."""
    others = [content["agreement"] for name, content in sets.items() if name != judged]
    names = [name for name in sets[judged]["agreement"] if name.startswith(f"{kind} ")]
    return max(names, key=lambda name: float(np.mean([each[name]["f1"] for each in others])))


def _agreement(sets: Mapping[str, Any]) -> Table:
    header = ("records of", "records", "persons", "target", "average link", "with labels", "components",
              "no choice: absent -1", "Splink, absent -1", "scorer, CPU s")  # fmt: skip
    rows = []
    for name, content in sets.items():
        best = [chosen(sets, name, kind) for kind in (AVERAGE, "recalibrated", COMPONENTS)]
        agreement = content["agreement"]
        cells = [_interval(agreement[each]) for each in (*best, f"{AVERAGE} -1.0")]
        cells.append(_interval(agreement["Splink -1.0"]) if "Splink -1.0" in agreement else "-")
        rows.append((name, f"{content['records']:,}", f"{content['persons']:,}", str(TARGETS.get(name, "-")),
                     *cells, f"{content['scorer_cpu_s']:.0f}"))  # fmt: skip
    return header, rows


def _choice(sets: Mapping[str, Any]) -> Table:
    names = [name for name in next(iter(sets.values()))["agreement"] if not name.startswith("Splink")]
    rows = [
        (name, *(f"{content['agreement'][name]['f1']:.4f}" for content in sets.values())) for name in names
    ]
    last = tuple(", ".join(chosen(sets, name, kind) for kind in (AVERAGE, COMPONENTS)) for name in sets)
    return ("candidate", *sets), [*rows, ("chosen on the others", *last)]


def _probabilities(sets: Mapping[str, Any]) -> Table:
    rows = [
        (
            name,
            f"{row['low']:g} to {row['high']:g}",
            f"{row['pairs']:,}",
            f"{row['predicted']:.3f}",
            f"{row['true']:.3f}",
        )
        for name, content in sets.items()
        for row in content["reliability"]
    ]
    return ("records of", "probability", "pairs", "mean predicted", "true share"), rows


def _at_scale() -> dict[str, Any]:
    script = Path(__file__).with_name("rules_at_scale.py")
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, str(script)], check=True, capture_output=True, text=True, env=environment
    )
    content: dict[str, Any] = json.loads(done.stdout)
    return content


def _scale(content: Mapping[str, Any]) -> Table:
    rows: list[Sequence[str]] = [("profiles", f"{content['profiles']:,}")]
    rows += [(f"CPU s: {name}", f"{seconds:.1f}") for name, seconds in content["cpu_s"].items()]
    rows.append(
        ("**CPU s of the rules: codes, caps, components** (target 10)", f"{content['rules_cpu_s']:.1f}")
    )
    for name in ("without cap", "capped"):
        each = content[name]
        rows.append((f"pairs {name}: precision, recall, largest customer",
                     f"{each['precision']:.4f}, {each['recall']:.4f}, {each['largest']:,}"))  # fmt: skip
    rows.append(("changes of an unchanged next day", str(content["changes of the next day"])))
    rows.append(("peak memory, GB", f"{content['peak_gb']:.1f}"))
    return ("seven million profiles, one thread of scipy, two of DuckDB", ""), rows


def _interval(each: Mapping[str, float]) -> str:
    return f"{each['f1']:.4f} [{each['low']:.4f}, {each['high']:.4f}]"


if __name__ == "__main__":
    sys.exit(main())
