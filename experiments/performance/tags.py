"""Two thousand tags: CPU seconds, bytes and memory of a build, of audiences and of a refresh.

``python experiments/performance/tags.py`` measures a million and ten million customers in processes of their
own, and writes the table and tags.json. Features are 48 columns of a Parquet file, skewed as those of
purchases; each tag has one or two tests, and between .05 and 40 % of the customers. Reading the file is the
reference that stands beside the build.
"""

import argparse
import json
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from measured import HERE, machine_text, resources_of

sys.path.append(str(Path(__file__).parents[1]))  # for what all experiments share

from study import markdown, save, verdict, write_between

if TYPE_CHECKING:
    import pandas as pd

SIZES = (1_000_000, 10_000_000)
COLUMNS, TAGS, AUDIENCES, CHANGED = 48, 2_000, 30, 0.01
DAY = date(2024, 6, 1)
TARGETS = {
    1_000_000: {"build": 8.0, "audiences": 0.1, "refresh": 0.5},
    10_000_000: {"build": 60.0, "gigabytes": 3.0},
}
NAMES = {
    "read": "reading the features, CPU s",
    "build": f"{TAGS:,} tags beyond that, CPU s",
    "audiences": f"{AUDIENCES} combined audiences, CPU s",
    "refresh": "refresh of 1 %, CPU s",
    "gigabytes": "peak GB of the build",
    "disk": "GB on disk",
}


def main() -> None:
    """Measure all sizes and write down."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--readme", type=Path, default=HERE / "README.md", help="whose table is rewritten")
    parser.add_argument("--run", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.run:
        print(json.dumps(measure(Path(options.run[0]), int(options.run[1]))))
        return
    figures = {}
    for size in options.sizes:
        with tempfile.TemporaryDirectory() as folder:
            write_features(Path(folder), size)
            printed, _ = resources_of([__file__, "--run", folder, str(size)], {})
            figures[size] = json.loads(printed)
    save(options.readme.parent / "tags.json", {"machine": machine_text(), "figures": figures})
    rows = [
        [f"{size:,}", NAMES[name], f"{value:.2f}", *_target(size, name, value)]
        for size, each in figures.items()
        for name, value in each.items()
    ]
    table = markdown(["customers", "what", "figure", "target", "verdict"], rows)
    write_between(options.readme, "tags", f"{table}\n\n{machine_text()}")
    print(table)


def _target(size: int, name: str, value: float) -> tuple[str, str]:
    most = TARGETS.get(size, {}).get(name)
    return ("", "") if most is None else (f"{most:g}", verdict(value <= most))


def write_features(folder: Path, customers: int) -> None:
    """Write the features of customers into one Parquet file, in groups of a block of tags."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    writer = None
    for number, start in enumerate(range(0, customers, 1 << 20)):
        rng = np.random.default_rng(number)
        rows = min(1 << 20, customers - start)
        ids = np.char.add("c", np.char.zfill(np.arange(start, start + rows).astype(str), 9))
        columns: dict[str, Any] = {"customer_id": ids}
        for column in range(COLUMNS):
            whole = column % 3 == 0
            columns[f"f{column}"] = (
                rng.integers(0, 40, rows).astype(float) if whole else rng.exponential(1, rows)
            )
        table = pa.table(columns)
        writer = writer or pq.ParquetWriter(folder / "features.parquet", table.schema, compression="zstd")
        writer.write_table(table)
    assert writer is not None
    writer.close()


def frames(folder: Path) -> "Iterator[pd.DataFrame]":
    """Read the features, a block of customers at a time."""
    import pyarrow.parquet as pq

    file = pq.ParquetFile(folder / "features.parquet")
    for group in range(file.num_row_groups):
        yield file.read_row_group(group).to_pandas().set_index("customer_id")


def rules() -> dict[str, dict[str, str]]:
    """Return the tags: one or two tests each, whose limits follow from how often they are to be true."""
    rng = np.random.default_rng(0)
    whole, skewed = np.sort(rng.integers(0, 40, 20_000)), np.sort(rng.exponential(1, 20_000))
    tags = {}
    for number in range(TAGS):
        share, tests = np.exp(rng.uniform(np.log(0.0005), np.log(0.4))), rng.integers(1, 3)
        columns = rng.choice(COLUMNS, tests, replace=False)
        limits = [
            np.quantile(skewed if column % 3 else whole, 1 - share ** (1 / tests)) for column in columns
        ]
        rule = " and ".join(f"f{column} > {limit:.6f}" for column, limit in zip(columns, limits, strict=True))
        tags[f"t{number}"] = {"description": rule, "rule": rule}
    return tags


def measure(folder: Path, customers: int) -> dict[str, float]:
    """Build, ask and refresh; return the figures."""
    from crm_ml.tags import TagCatalogue
    from crm_ml.tags.building import of_blocks, updated

    def cpu(work: Callable[[], Any]) -> tuple[float, Any]:
        start = time.process_time()
        result = work()
        return time.process_time() - start, result

    catalogue = TagCatalogue.model_validate({"tags": rules()})
    spool, reading = folder / "planes.bin", [0.0]

    def read() -> "Iterator[pd.DataFrame]":
        groups = frames(folder)
        while True:
            spent, frame = cpu(lambda: next(groups, None))
            reading[0] += spent
            if frame is None:
                return
            yield frame

    both, store = cpu(lambda: of_blocks(read(), DAY, catalogue, spool=spool))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9
    rng = np.random.default_rng(1)
    asked = [
        "(t{} and t{} and not t{}) or (t{} and t{})".format(*rng.choice(TAGS, 5, replace=False))
        for _ in range(AUDIENCES)
    ]
    audiences, counts = cpu(lambda: [store.audience(rule).count() for rule in asked])
    assert sum(counts) > 0
    changed = next(frames(folder)).sample(round(CHANGED * min(customers, 1 << 20)), random_state=1) * 1.3
    refresh = (
        min(cpu(lambda: updated(store, DAY, changed))[0] for _ in range(2)) if customers <= 1 << 20 else None
    )
    figures = {"read": reading[0], "build": both - reading[0], "audiences": audiences}
    figures |= {} if refresh is None else {"refresh": refresh}
    return figures | {"gigabytes": peak, "disk": spool.stat().st_size / 1e9}


if __name__ == "__main__":
    main()
