"""CPU seconds of many tags, actions with rules, score tables and derived columns.

``python experiments/performance/rules.py [--most 1000] [--limit 60] [--as now]`` measures every case in a
process of its own and rewrites its table.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from measured import HERE, machine_text

SIZES, CUSTOMERS, COLUMNS = (10, 80, 320, 1_000), 2_000, 40
SHAPES = {
    "tags": "tags of one test, every tenth of another tag",
    "actions": "actions with a rule of two tests: weighed, counted, chosen",
    "tables": "actions with a score table each: weighed",
    "mapping": "derived columns of a mapping: read, checked, written",
}


def main() -> None:
    """Measure all cases and write down."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--most", type=int, default=max(SIZES), help="largest size")
    parser.add_argument("--limit", type=int, default=60, help="CPU seconds until a case is given up")
    parser.add_argument("--as", dest="name", default="now", help="name of the column, beside those before")
    parser.add_argument("--readme", type=Path, default=HERE / "README.md", help="whose table is rewritten")
    parser.add_argument("--run", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.run:
        print(seconds_of(options.run[0], int(options.run[1])))
        return
    sizes = [n for n in SIZES if n <= options.most]
    figures = {shape: _of_sizes(shape, sizes, options.limit) for shape in SHAPES}
    _report(options.readme, options.name, figures)


def seconds_of(shape: str, n: int) -> float:
    """Return the CPU seconds of a case, without imports: a small one ran before."""
    cases = {"tags": tags, "actions": actions, "tables": tables, "mapping": mapping}
    with tempfile.TemporaryDirectory() as folder:
        for name in ("small", "whole"):
            place = Path(folder) / name
            place.mkdir()
            case = cases[shape](place, 3 if name == "small" else n)
            started = time.process_time()
            case()
            seconds = time.process_time() - started
    return seconds


def tags(folder: Path, n: int) -> Any:
    """Return a call that weighs one action for customers with n tags."""
    rules = {
        f"t{i}": _rule(i) if i % 10 or not i else f"tag_t{i - 1} = true and {_rule(i)}" for i in range(n)
    }
    return lambda: _decided(folder, _scored(folder), [_action(0, eligible=f"tag_t{n - 1} = true")], rules)


def actions(folder: Path, n: int) -> Any:
    """Return a call that weighs, counts and chooses among n actions."""
    catalog = [_action(i, eligible=f"{_rule(i)} and {_rule(i + 7)}") for i in range(n)]
    return lambda: _decided(folder, _scored(folder), catalog, {})


def tables(folder: Path, n: int) -> Any:
    """Return a call that weighs n actions by a score table each."""
    answer = {"kind": "any", "days": 7, "by": "campaign", "names": ["any"]}
    catalog = [_action(i, score="p_response", answer=answer) for i in range(n)]
    return lambda: _decided(folder, _scored(folder, catalog), catalog, {})


def mapping(folder: Path, n: int) -> Any:
    """Return a call that cleans customers with n attributes of several kinds."""
    import pandas as pd

    from crm_ml.tables.cleaning import clean, open_sources
    from crm_ml.tables.mapping import Mapping
    from crm_ml.tables.sources import Frame

    kinds = ("number", "integer", "text", "boolean")
    ids = [f"c{row}" for row in range(CUSTOMERS)]
    cells = {f"raw{i}": [str((row + i) % 2) for row in range(CUSTOMERS)] for i in range(n)}
    lines = {
        "customer_id": ids,
        "order_id": ids,
        "item_id": "i",
        "ordered_at": "2024-01-01T12:00:00Z",
        "paid_cents": 100,
    }
    frames = {"customers": pd.DataFrame({"customer_id": ids, **cells}), "order_lines": pd.DataFrame(lines)}
    attributes = {f"own{i}": {"column": f"raw{i}", "kind": kinds[i % len(kinds)]} for i in range(n)}
    wanted = {"customers": {"attributes": attributes}, "order_lines": {"one_day": True}}
    declared = Mapping.model_validate({"name": "many", "tables": wanted})
    (folder / "clean").mkdir()
    sources = {name: Frame(frame) for name, frame in frames.items()}
    return lambda: clean(
        open_sources(sources, declared.tables, folder / "clean"), declared, folder / "clean", folder
    )


def _rule(number: int) -> str:
    return f"f{number % COLUMNS} > {number % 97 / 97:.4f}"


def _action(number: int, **fields: Any) -> Any:
    from crm_ml.actions.catalog import Action

    amounts = {"cost": 0.1, "margin": 10.0, "effect": 0.5, "source": "made up for a measurement"}
    return Action.simple(f"a{number:04d}", "mail", **amounts, **fields)


def _scored(folder: Path, catalog: Any = ()) -> Any:
    """Write features, and a score table of each action."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    from crm_ml.score_tables.joined import ScoreTable, ScoreTables

    rng = np.random.default_rng(0)
    ids = pa.array([f"c{row:06d}" for row in range(CUSTOMERS)])
    features = {f"f{i}": rng.random(CUSTOMERS) for i in range(COLUMNS)}
    pq.write_table(pa.table({"customer_id": ids, **features}), folder / "features.parquet")
    scores = []
    for number, action in enumerate(catalog):
        path = folder / f"scores{number}.parquet"
        pq.write_table(pa.table({"customer_id": ids, "p_response": rng.random(CUSTOMERS)}), path)
        scores.append(ScoreTable(_Responses(), path, number, action))
    return ScoreTables(folder / "features.parquet", scores)


class _Responses:
    """What a score table of answers says of itself."""

    name = family = "propensity"
    columns = ("p_response",)
    beside = ()


def _decided(folder: Path, scored: Any, catalog: Any, rules: Any) -> None:
    """Weigh, give everybody the first action, put together and count, through files as the nightly job."""
    import narwhals as nw
    import pyarrow as pa

    from crm_ml.actions.consent_check import Consent
    from crm_ml.decision.funnel import AFTER, count, funnel
    from crm_ml.decision.open_actions import Conditions, choose, weigh
    from crm_ml.score_tables.source import scan
    from crm_ml.tables.bundle import write_parquet
    from crm_ml.tables.engine import connect

    connection = connect()
    conditions = Conditions(Consent("assumed", (("marketing", "mail"),), None), tags=rules)
    weighed = weigh(scored.base(connection), catalog, conditions)
    write_parquet(weighed.sort("customer_id"), folder / "weighed.parquet")
    weighed = scan(connection, folder / "weighed.parquet")
    allocated = weighed.select(
        "customer_id",
        action=nw.lit(0, dtype=nw.Int32),
        price_paid=nw.lit(0.0),
        arm=nw.lit("treat"),
        propensity=nw.lit(1.0),
    )
    chosen = choose(weighed, allocated, len(catalog)).collect(backend="pyarrow").to_native()
    assert isinstance(chosen, pa.Table)
    nothing = dict.fromkeys(AFTER, [0] * len(catalog))
    funnel(count(weighed, len(catalog)), [action.key for action in catalog], nothing)


def _of_sizes(shape: str, sizes: Sequence[int], limit: int) -> dict[str, float | None]:
    """Return the CPU seconds by size; None where one takes too long, and of all larger ones."""
    seconds: dict[str, float | None] = {}
    for n in sizes:
        given_up = None in seconds.values()
        seconds[str(n)] = None if given_up else _measured(shape, n, limit)
        print(f"{shape} {n}: {seconds[str(n)]}", file=sys.stderr)
    return seconds


def _measured(shape: str, n: int, limit: int) -> float | None:
    """Return the CPU seconds of a case in a process of its own; None where it takes too long."""
    command = [sys.executable, __file__, "--run", shape, str(n)]
    done = subprocess.run(
        command,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, (limit, limit)),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode < 0:  # by the signal of the limit
        return None
    if done.returncode:
        raise SystemExit(f"{shape} {n} failed\n{done.stderr}")
    return float(done.stdout)


def _report(readme: Path, name: str, figures: dict[str, dict[str, float | None]]) -> None:
    from study import markdown, save, saved, show, write_between

    results = readme.parent / "rules.json"
    runs = {**saved(results, {}), name: figures}
    save(results, runs)
    header = ("of what", "how many", *(f"CPU s, {run}" for run in runs))
    rows = [
        (what, f"{n:,}", *(_cell(run[shape].get(str(n), 0.0)) for run in runs.values()))
        for shape, what in SHAPES.items()
        for n in SIZES
    ]
    facts = f"{CUSTOMERS:,} customers; machine: {machine_text('duckdb', 'narwhals')}."
    write_between(readme, "rules", f"{markdown(header, rows)}\n\n{facts}")
    show("many rules", header, rows)


def _cell(seconds: float | None) -> str:
    return "given up" if seconds is None else f"{seconds:.2f}"


if __name__ == "__main__":
    main()
