"""The items of an action for each customer, with P(buy) and reasons, streamed and resumed."""

import logging
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from crm_ml.actions.action_parts import RecommendOf
from crm_ml.actions.catalog import Action
from crm_ml.errors import InputError
from crm_ml.recommend.interactions import Ids
from crm_ml.recommend.offer import Offer
from crm_ml.recommend.serving import Lists, Serving
from crm_ml.recommend.top_k import NONE
from crm_ml.score_tables.score_rows import CHUNK_ROWS, Progress
from crm_ml.snapshots import Snapshot
from crm_ml.storage import manifest, parquet
from crm_ml.storage.identity import identity
from crm_ml.storage.stage_cache import code_sum, stage
from crm_ml.tables.bundle import Tables, to_pandas

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from crm_ml.recommend.recommender import Recommender

log = logging.getLogger(__name__)
COLUMN = "p_items"
OF_ITEMS = ("item_ids", "item_p", "item_reasons")
_CODE = ("crm_ml.models", "crm_ml.recommend", "crm_ml.score_tables.recommend", "crm_ml.snapshots")


@dataclass(frozen=True, eq=False)
class ItemModel:
    """A recommender as scoring needs it.

    Parameters
    ----------
    name, sums : str
        See `crm_ml.score_tables.churn.Scorer`.
    calibrated : bool
        Whether its scores are probabilities; others choose items but give no p_items.
    at : callable
        Tables and a snapshot to the fitted model that knows what was bought before it.
    """

    name: str
    sums: str
    calibrated: bool
    at: "Callable[[Tables, Snapshot], Recommender]"


def items_of(
    work: Path, features: Path, past: tuple[Tables, Snapshot], action: Action, model: ItemModel
) -> Path:
    """Return the items of an action (Parquet), made now, gone on with, or found whole.

    One row for each customer of the feature table, in its order: customer_id, p_items (sum of P(buy), null
    where the model gives none to the customer), item_ids, item_p (null where a fallback filled the place, or
    scores are no probabilities) and item_reasons.

    Raises
    ------
    InputError
        If a rule names a category or a segment that is not there, or the column of segments is missing.
    """
    assert action.recommend is not None
    of_action = action.recommend
    ingredients = {
        "action": of_action.model_dump(mode="json"),
        "code": code_sum(*_CODE),
        "features": features.parent.name,
        "model": model.sums,
    }
    name = f"{model.name}-{action.action_id}"
    parts = work / f"parts-{name}-{identity(ingredients)[:16]}"

    def fill(path: Path) -> None:
        fitted = model.at(*past)
        offer = offer_of(of_action, past[0], features)
        serving = fitted.serving(of_action.items, not of_action.repeats, offer=offer)
        rows = write_items(features, serving, path, parts)
        log.info("recommended to %s customers with %s", f"{rows:,}", name)

    found = stage(work, name, ingredients, fill)
    shutil.rmtree(parts, ignore_errors=True)
    return found


def offer_of(wanted: RecommendOf, tables: Tables, features: Path) -> Offer:
    """Return what the lists of an action are made under."""
    items = None
    if tables.has("items"):
        given = tables.frame("items")
        brand = [name for name in ("brand",) if name in given.collect_schema().names()]
        items = to_pandas(given.select("item_id", "category", *brand))
    return Offer(wanted.rules, items, None if wanted.segment is None else _segments(features, wanted.segment))


def write_items(
    customers: Path, serving: Serving, path: Path, parts: Path, progress: Progress | None = None
) -> int:
    """Recommend to customers part by part and return their number; see `items_of`.

    Parameters
    ----------
    customers : Path
        Parquet with customer_id.
    serving : Serving
    path : Path
    parts : Path
        Folder of finished parts; those that are there are taken as they are.
    progress : callable, optional
        Called with customers done and customers in all.

    Raises
    ------
    IntegrityError
        If a part that was kept is damaged (exit code 4).
    """
    import pyarrow.parquet as pq

    def tables() -> "Iterator[pa.Table]":
        with pq.ParquetFile(customers) as file:
            done, rows = 0, file.metadata.num_rows
            batches = file.iter_batches(batch_size=CHUNK_ROWS, columns=["customer_id"])
            for number, batch in enumerate(batches):
                wanted = np.array(batch["customer_id"].cast("string").to_pylist(), dtype=object)
                yield _part(parts / f"{number:05d}", wanted, serving)
                done += len(wanted)
                if progress:
                    progress(done, rows)

    return parquet.write(tables(), schema(), path)


def schema() -> "pa.Schema":
    """Return the columns of the items of an action."""
    import pyarrow as pa

    texts, reals = pa.list_(pa.string()), pa.list_(pa.float64())
    kinds = {"item_ids": texts, "item_p": reals, "item_reasons": texts}
    return pa.schema({"customer_id": pa.string(), COLUMN: pa.float64(), **kinds})


def _part(folder: Path, wanted: Ids, serving: Serving) -> "pa.Table":
    """Return rows of some customers, made now or kept from a run that was interrupted."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    if not folder.exists():
        with manifest.new_folder(folder) as inside:
            rows = pa.concat_tables([_block(lists, serving) for lists in serving.blocks(wanted)])
            pq.write_table(rows, inside / "rows.parquet", compression="zstd")
    manifest.verify(folder)
    return pq.read_table(folder / "rows.parquet", schema=schema())


def _block(lists: Lists, serving: Serving) -> "pa.Table":
    import pyarrow as pa

    kept = lists.items != NONE
    starts = pa.array(np.append(0, np.cumsum(kept.sum(axis=1))), pa.int32())
    known = ~np.isnan(lists.scores) & serving.model.gives_probabilities
    p = pa.array(np.where(known, lists.scores, 0.0).sum(axis=1), mask=~known.any(axis=1))
    columns = [
        pa.array(serving.items[lists.items[kept]], pa.string()),
        pa.array(lists.scores[kept].astype(float), pa.float64(), mask=~known[kept]),
        pa.array(serving.reasons(lists), pa.string()),
    ]
    whole = [pa.ListArray.from_arrays(starts, values) for values in columns]
    return pa.table([pa.array(lists.customers, pa.string()), p, *whole], schema=schema())


def _segments(features: Path, column: str) -> "dict[str, str]":
    import pyarrow.parquet as pq

    if column not in pq.read_schema(features).names:
        raise InputError(f"segment: the feature table has no column {column}; name one that it has")
    table: pd.DataFrame = pq.read_table(features, columns=["customer_id", column]).to_pandas().dropna()
    return dict(zip(table["customer_id"].astype(str), table[column].astype(str), strict=True))
