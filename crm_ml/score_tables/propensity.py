"""The score table of an action: how probable its answer is for each customer, and the action's features."""

import logging
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import narwhals as nw

from crm_ml.actions.action_parts import Answer
from crm_ml.actions.catalog import Action
from crm_ml.errors import InputError
from crm_ml.monitoring.training_profile import Profile
from crm_ml.propensity.action_features import COLUMNS, action_features
from crm_ml.propensity.artefact import COLUMN
from crm_ml.propensity.covered_items import Covers
from crm_ml.propensity.occasion import Occasion
from crm_ml.score_tables.score_rows import Groups, Reasons, chunks, probabilities, score_rows, score_schema
from crm_ml.snapshots import Snapshot
from crm_ml.storage import parquet
from crm_ml.storage.stage_cache import code_sum, stage
from crm_ml.tables.bundle import Tables, to_pandas

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import pyarrow as pa

log = logging.getLogger(__name__)
_CODE = (
    "crm_ml.models",
    "crm_ml.propensity",
    "crm_ml.score_tables.propensity",
    "crm_ml.score_tables.churn",
    "crm_ml.snapshots",
    "crm_ml.tables.bundle",
    "crm_ml.tables.contract",
)
_KIND, *_NUMBERS = COLUMNS


@dataclass(frozen=True, eq=False)
class Responder:
    """A propensity model as scoring needs it.

    Parameters
    ----------
    name, sums : str
        See `crm_ml.score_tables.churn.Scorer`.
    predict : callable
        Features of customers and of the action, indexed by customer_id, to p_response, one a row.
    kinds : collection of str
        Kinds of action that the model has learned from.
    reasons : callable, optional
        Features to reason codes, one sequence a row.
    groups : mapping or sequence, optional
        Feature groups of the model with their options.
    profile : Profile, optional
        What the data of a day are compared with.
    """

    name: str
    sums: str
    predict: "Callable[[pd.DataFrame], np.ndarray[Any, Any]]"
    kinds: Collection[str]
    reasons: Reasons | None = None
    groups: Groups = field(default_factory=dict)
    profile: Profile | None = None


def unanswerable(actions: Sequence[Action], tables: Tables, responder: Responder) -> list[str]:
    """Say what is wrong with actions whose answers the model should predict; empty where nothing is."""
    breaches = []
    for action in actions:
        if action.answer is None:
            continue
        if action.answer.kind not in responder.kinds:
            known = ", ".join(sorted(responder.kinds))
            breaches.append(
                f"{action.action_id}: {responder.name} never saw an action of kind {action.answer.kind}, "
                f"only {known}"
            )
        nothing = _covers_nothing(action.answer, tables)
        if nothing:
            breaches.append(f"{action.action_id}: {nothing}")
    return breaches


def responses_of(
    work: Path, features: Path, past: tuple[Tables, Snapshot], action: Action, responder: Responder
) -> Path:
    """Return the score table of an action with an answer (Parquet), made now or found whole.

    One row for each customer of the feature table, in its order: customer_id, p_response, model, and the
    features of the action.
    """
    assert action.answer is not None
    ingredients = {
        "action": action.answer.model_dump(mode="json"),
        "code": code_sum(*_CODE),
        "features": features.parent.name,
        "model": responder.sums,
    }

    def fill(path: Path) -> None:
        rows = write_responses(features, past, action, responder, path)
        log.info("scored %s customers for %s with %s", f"{rows:,}", action.action_id, responder.name)

    return stage(work, f"{responder.name}-{action.action_id}", ingredients, fill)


def write_responses(
    features: Path, past: tuple[Tables, Snapshot], action: Action, responder: Responder, path: Path
) -> int:
    """Predict the answers to an action and return the number of customers; see `responses_of`.

    Raises
    ------
    InputError
        If a prediction is missing, not finite or outside [0, 1].
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    tables, snapshot = past
    ids = pq.read_table(features, columns=["customer_id"])["customer_id"].to_pandas()
    of_action = action_features(tables, occasion_of(action, snapshot), ids.set_axis(ids).index)
    basic = score_schema(COLUMN)
    kinds = {_KIND: pa.string(), **dict.fromkeys(_NUMBERS, pa.float64())}
    schema = pa.schema([*basic, *(pa.field(name, kind) for name, kind in kinds.items())])

    def rows(chunk: "pa.Table") -> "pa.Table":
        known = chunk.to_pandas().set_index("customer_id")
        mine = of_action.loc[known.index]
        p = probabilities(responder.name, responder.predict(known.join(mine)), len(known))
        named = f"{responder.name}@{responder.sums[:12]}"
        found = score_rows(basic, chunk["customer_id"], {COLUMN: p}, named)
        extra = pa.Table.from_pandas(mine[[*kinds]], pa.schema(kinds), preserve_index=False)
        return pa.table([*found.columns, *extra.columns], schema=schema)

    return parquet.write(chunks(features, rows), schema, path)


def occasion_of(action: Action, snapshot: Snapshot) -> Occasion:
    """Return the occasion of an action with an answer, planned for the day of the list."""
    answer = action.answer
    assert answer is not None
    window = Snapshot(snapshot.as_of, timedelta(days=answer.days))
    return Occasion(f"{window} {action.action_id}", answer.kind, window, Covers(answer.by, answer.names))


def _covers_nothing(answer: Answer, tables: Tables) -> str:
    covers = Covers(answer.by, answer.names)
    covered = covers.frame(tables)
    if covered is None:
        return (
            f"the tables have no {'offers' if answer.by == 'campaign' else 'items'} to look {answer.by} up in"
        )
    try:
        covers.check(tables)
    except InputError as error:
        return str(error)
    found = int(to_pandas(covered.select(nw.col("item_id").n_unique()))["item_id"].iloc[0])
    return "" if found else f"offers: {answer.by} {', '.join(answer.names)} cover no item"
