"""The items of an action for each customer, with P(buy) and reasons, streamed and resumed."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from crm_ml.actions.action_value import RecommendOf
from crm_ml.actions.catalog import Action
from crm_ml.errors import InputError
from crm_ml.recommend.interactions import Ids
from crm_ml.recommend.offer import Offer
from crm_ml.recommend.serving import Lists, Serving
from crm_ml.recommend.top_k import NONE
from crm_ml.score_tables.columns import OF_ITEMS
from crm_ml.score_tables.score_rows import CHUNK_ROWS
from crm_ml.score_tables.source import Label, Output, ScoringDay, Source
from crm_ml.score_tables.usual_action import usual_action
from crm_ml.snapshots import Snapshot
from crm_ml.storage import manifest, parquet
from crm_ml.tables.bundle import Tables, to_pandas

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from crm_ml.recommend.recommender import Recommender
    from crm_ml.tracking import ModelVersion

COLUMN = "p_items"
SCORES = (COLUMN,)
NEEDS = ("target",)


@dataclass(frozen=True, eq=False, kw_only=True)
class RecommendSource(Source):
    """A recommender as scoring needs it.

    Parameters
    ----------
    calibrated : bool
        Whether its scores are probabilities; others choose items but give no p_items.
    items : int
        Length of the lists that it was judged by.
    at : callable
        Tables and a snapshot to the fitted model that knows what was bought before it.
    """

    family: ClassVar[str] = "recommend"
    scores: ClassVar[tuple[str, ...]] = SCORES
    per_action: ClassVar[bool] = True
    beside: ClassVar[tuple[str, ...]] = OF_ITEMS

    calibrated: bool
    items: int = 10
    at: "Callable[[Tables, Snapshot], Recommender]"

    def asks(self, action: Action) -> bool:
        """Say whether the action recommends."""
        return action.value.recommend is not None

    def usual_actions(self, tables: Tables, snapshot: Snapshot) -> Sequence[Action]:  # noqa: ARG002
        """Return an action of as many items as the model was judged by."""
        return [usual_action("items", recommend={"items": self.items})]

    def breaches(self, actions: Sequence[Action], tables: Tables) -> list[str]:  # noqa: ARG002
        """Return the actions that are valued by p_items where the model gives no probabilities."""
        if self.calibrated:
            return []
        valued = [action.action_id for action in actions if action.value.score == COLUMN]
        return [f"{name}: score p_items needs probabilities; {self.name} gives none" for name in valued]

    def ingredients(self, day: ScoringDay, action: Action | None) -> dict[str, Any]:
        """Return the customers of the feature table and what the action recommends."""
        return super().ingredients(day, action) | {"action": _wanted(action).model_dump(mode="json")}

    def write(self, day: ScoringDay, action: Action | None, output: Output) -> int:
        """Write the items of all known customers, or go on where an interrupted run stopped.

        A row holds customer_id, p_items (sum of P(buy), null where the model gives none to the customer),
        item_ids, item_p (null where a fallback filled the place, or scores are no probabilities) and
        item_reasons.

        Raises
        ------
        InputError
            If a rule names a category or a segment that is not there, or the column of segments is missing.
        """
        wanted = _wanted(action)
        fitted = self.at(day.everybody, day.snapshot)
        offer = offer_of(wanted, day.tables, day.features)
        serving = fitted.serving(wanted.items, not wanted.repeats, offer=offer)
        return write_items(day.features, serving, output)


def load(version: "ModelVersion") -> RecommendSource:
    """Return the source of a registered recommender of items.

    It takes in what was bought since it was trained, of customers who allow the purpose of its training.

    Raises
    ------
    InputError
        If it recommends categories or departments.
    """
    from crm_ml.models import model_folder
    from crm_ml.recommend.recommendation_task import allowing, task_of

    target = version.details["target"]
    if target["level"] != "item_id":
        raise InputError(f"{version.name}: it recommends by {target['level']}, and a list needs one of items")
    model: Recommender = model_folder.load(version.folder)
    known = set[datetime]()

    def at(tables: Tables, snapshot: Snapshot) -> "Recommender":
        if snapshot.as_of not in known:  # once for all actions of a list
            task = task_of(tables, snapshot, target["least_events"], after=False)
            task = allowing(task, tables, snapshot, target["purpose"])
            model.refresh(task.data, task.categories)
            known.add(snapshot.as_of)
        return model

    return RecommendSource(
        name=version.name,
        sums=version.content,
        calibrated=model.gives_probabilities,
        items=int(target["k"]),
        at=at,
    )


def label(version: "ModelVersion", stage: Mapping[str, Any], as_of: datetime) -> Label | str:  # noqa: ARG001
    """Return why the items of an action have no label of the model alone."""
    return (
        "P(buy) is of items under the rules of an action; "
        "python -m crm_ml.score.evaluate LIST compares those who were contacted with those held out"
    )


def _wanted(action: Action | None) -> RecommendOf:
    assert action is not None and action.value.recommend is not None
    return action.value.recommend


def offer_of(wanted: RecommendOf, tables: Tables, features: Path) -> Offer:
    """Return what the lists of an action are made under."""
    items = None
    if tables.has("items"):
        known = tables.frame("items")
        brand = [name for name in ("brand",) if name in known.collect_schema().names()]
        items = to_pandas(known.select("item_id", "category", *brand))
    return Offer(wanted.rules, items, None if wanted.segment is None else _segments(features, wanted.segment))


def write_items(customers: Path, serving: Serving, output: Output) -> int:
    """Recommend to customers part by part and return their number; see `RecommendSource.write`.

    Parameters
    ----------
    customers : Path
        Parquet with customer_id.
    serving : Serving
    output : Output
        Finished parts that are there already are taken as they are.

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
                yield _part(output.parts / f"{number:05d}", wanted, serving)
                done += len(wanted)
                if output.progress:
                    output.progress(done, rows)

    return parquet.write(tables(), schema(), output.path)


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

    filled = lists.items != NONE
    starts = pa.array(np.append(0, np.cumsum(filled.sum(axis=1))), pa.int32())
    known = ~np.isnan(lists.scores) & serving.model.gives_probabilities
    p = pa.array(np.where(known, lists.scores, 0.0).sum(axis=1), mask=~known.any(axis=1))
    columns = [
        pa.array(serving.items[lists.items[filled]], pa.string()),
        pa.array(lists.scores[filled].astype(float), pa.float64(), mask=~known[filled]),
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
