"""The customers of a day with their scores and features, as a pandas frame."""

import atexit
import functools
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING

from crm_ml.actions.catalog import Action
from crm_ml.errors import InputError
from crm_ml.private_files import private_files
from crm_ml.score_tables.feature_table import features_of
from crm_ml.score_tables.joined import score_day
from crm_ml.score_tables.source import ScoringDay, Source, options_by_group
from crm_ml.snapshots import Snapshot
from crm_ml.tables import Tables
from crm_ml.tables.zones import moment_in
from crm_ml.train.record.fingerprints import content_sum, table_sums

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class ScoredDay:
    """Scores of a source on a day.

    Parameters
    ----------
    source : Source
    tables : Tables
    snapshot : Snapshot
    features : Path
        The feature table (Parquet) of all known customers.
    frame : pandas.DataFrame
        The score table, indexed by customer_id; of a family that scores each action the tables of all, one
        below the other, with the column ``action``.
    """

    source: Source
    tables: Tables
    snapshot: Snapshot
    features: Path
    frame: "pd.DataFrame"


@private_files()
def score(source: Source, tables: Tables, as_of: date | str, actions: Sequence[Action] = ()) -> ScoredDay:
    """Score the customers of a day, or find their scores whole.

    Parameters
    ----------
    source : Source
    tables : Tables
    as_of : date or str
    actions : sequence of Action
        Of a family that scores each action; by default the usual ones of the model.

    Raises
    ------
    InputError
        If the model was fitted to days of another zone, or an action does not fit.
    """
    import pandas as pd

    tables = identified(tables)
    if source.zone != tables.zone:
        raise InputError(
            f"{source.name} was fitted to days of {source.zone} and the tables have those of {tables.zone}"
        )
    snapshot = Snapshot(moment_in(tables.zone, as_of), timedelta(days=1), zone=tables.zone)
    offered = _offered(source, tables, snapshot, actions)
    features = features_of(stages(), tables, snapshot, options_by_group(source.groups))
    with tables.scratch() as inside:
        scored = score_day(stages(), ScoringDay(inside, snapshot, features), [source], offered)
    frames = [pd.read_parquet(table.path).set_index("customer_id") for table in scored.tables]
    if source.per_action:
        keys = [table.action.key for table in scored.tables if table.action is not None]
        for key, frame in zip(keys, frames, strict=True):
            frame.insert(0, "action", key)
    return ScoredDay(source, tables, snapshot, features, pd.concat(frames))


@functools.cache
def stages() -> Path:
    """Return the folder of features and scores of this process, so that nothing of a day is made twice."""
    folder = Path(mkdtemp(prefix="crm_ml_stages_"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def identified(tables: Tables) -> Tables:
    """Return tables with a fingerprint; frames in memory get the sum of their content."""
    return tables if tables.fingerprint else tables.identified(content_sum(table_sums(tables)))


def _offered(source: Source, tables: Tables, snapshot: Snapshot, actions: Sequence[Action]) -> list[Action]:
    """Return each action on its channels; of a family that scores each action there must be one."""
    if not source.per_action:
        return []
    offered = [each for action in actions or source.usual_actions(tables, snapshot)
               for each in action.action_channels]  # fmt: skip
    breaches = source.breaches(offered, tables)
    if breaches:
        raise InputError("; ".join(breaches))
    if not any(source.asks(action) for action in offered):
        raise InputError(
            f"{source.name} scores one action at a time; give actions=[...] with what it shall predict: an "
            "answer (answer=) or items (recommend=)"
        )
    return offered
