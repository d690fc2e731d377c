"""A world written in chunks of customers, one Parquet file a table."""

import contextlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from crm_ml.datasets._simulation import baskets, columns, contacts, life, trials
from crm_ml.datasets._simulation.rhythm import Clock
from crm_ml.datasets._simulation.world import CHUNK, World
from crm_ml.tables.contract import contracts

if TYPE_CHECKING:
    import pyarrow as pa

Progress = Callable[[str], None]
ATTRIBUTES = ("acquired_through", "invited_by", "price_band")
_TRUTH: dict[str, dict[str, str]] = {
    "truth_customers": {
        "customer_id": "id",
        "acquired_through": "text",
        "purchases_per_week": "number",
        "p_dropout": "number",
        "dropped_out_at_epoch_s": "integer",
        "mean_spend_cents": "number",
        "price_sensitivity": "number",
    },
    "truth_effects": {
        "campaign_id": "id",
        "customer_id": "id",
        "p_control": "number",
        "p_coupon": "number",
        "p_reminder": "number",
    },
}


def generate(world: World, folder: Path, progress: Progress | None = None) -> None:
    """Write all tables and the truth of a world into a folder.

    Each chunk of 50,000 customers draws from a generator of its own, so that the bytes depend on nothing but
    the settings, and only one chunk is held in memory.
    """
    import pyarrow.parquet as pq

    clock, names = Clock.of(world), columns.Names()
    with contextlib.ExitStack() as stack:
        writers = {
            name: stack.enter_context(
                pq.ParquetWriter(folder / f"{name}.parquet", schema, compression="zstd")
            )
            for name, schema in schemas().items()
        }
        for name, content in columns.fixed_tables(world).items():
            _write(writers[name], content)
        for number in range(world.chunks):
            if progress is not None:
                progress(f"customers {number * CHUNK:,} of {world.customers:,}")
            for name, content in _chunk(world, clock, names, number).items():
                _write(writers[name], content)


def schemas() -> "dict[str, pa.Schema]":
    """Return the columns of each file: accepted tables by their contracts, and the truth."""
    import pyarrow as pa

    kinds = {"id": pa.string(), "text": pa.string(), "time": pa.timestamp("us"), "integer": pa.int64(),
             "number": pa.float64(), "cents": pa.int64(), "boolean": pa.bool_()}  # fmt: skip
    files = {}
    for name, contract in contracts().items():
        listed: list[tuple[str, Any]] = []
        for column in contract.columns:
            listed.append((column.name, kinds[column.kind]))
            if column.kind == "time":
                listed.append((f"{column.name}_epoch_s", pa.int64()))
        if contract.attributes:
            listed += [(attribute, pa.string()) for attribute in ATTRIBUTES]
        files[name] = pa.schema(listed)
    return files | {
        name: pa.schema([(n, kinds[k]) for n, k in each.items()]) for name, each in _TRUTH.items()
    }


def _chunk(world: World, clock: Clock, names: columns.Names, number: int) -> Mapping[str, columns.Columns]:
    first = number * CHUNK
    count = min(CHUNK, world.customers - first)
    rng = np.random.default_rng([world.seed, number])
    ids = columns.customer_ids(first, count)
    lives = life.live(world, clock, count, rng)
    taste = baskets.tastes(count, rng)
    drawn = trials.run(world, lives, rng)
    filled = baskets.fill(world, lives, drawn, taste, rng)
    met = contacts.meet(world, lives, taste, rng)
    band = columns.price_band(lives, rng)
    tables = columns.trial_tables(world, ids, drawn, names)
    tables["truth_effects"] = tables.pop("effects")
    return tables | {
        "customers": columns.customers(ids, lives, met, names, band),
        "order_lines": columns.order_lines(ids, filled, names),
        "events": columns.events(ids, met, names),
        "consents": columns.consents(ids, met, names),
        "truth_customers": columns.truth(ids, lives, names),
    }


def _write(writer: Any, content: columns.Columns) -> None:
    import pyarrow as pa

    writer.write_table(pa.table({name: content[name] for name in writer.schema.names}, schema=writer.schema))
