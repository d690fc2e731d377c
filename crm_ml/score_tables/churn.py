"""The score table of churn: the probability that an active customer leaves, streamed from the features."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import narwhals as nw

from crm_ml.models.relationship_ends import end_of
from crm_ml.models.relationship_protocol import End
from crm_ml.monitoring.training_profile import Profile
from crm_ml.rules.compiled_rule import compile_rule
from crm_ml.rules.grammar import columns, parse
from crm_ml.score_tables.reason_codes import reasons_of
from crm_ml.score_tables.score_rows import chunks, probabilities, score_rows, score_schema
from crm_ml.score_tables.source import Label, Output, ScoringDay, Source, scan
from crm_ml.snapshots import Snapshot
from crm_ml.storage import parquet

if TYPE_CHECKING:
    import duckdb
    import numpy as np
    import pandas as pd
    import pyarrow as pa

    from crm_ml.actions.catalog import Action
    from crm_ml.tables.bundle import Tables
    from crm_ml.tracking import ModelVersion

COLUMN = "p_churn"
SCORES = (COLUMN,)
NEEDS = ("active_within_days", "features")


@dataclass(frozen=True, eq=False, kw_only=True)
class ChurnSource(Source):
    """A churn model as scoring needs it.

    Parameters
    ----------
    predict : callable
        Features, indexed by customer_id, to p_churn in [0, 1], one a row.
    where : str
        Rule of `crm_ml.rules.grammar` over the features: whom the model is about, such as
        ``"rfm_days_since_order < 56"``. The others get no score.
    inputs : collection of str, optional
        Features that `predict` needs; all that there are without it.
    """

    family: ClassVar[str] = "churn"
    scores: ClassVar[tuple[str, ...]] = SCORES

    predict: "Callable[[pd.DataFrame], np.ndarray[Any, Any]]"
    where: str
    inputs: Collection[str] | None = None

    def ingredients(self, day: ScoringDay, action: "Action | None") -> dict[str, Any]:
        """Return the features and whom the model is about."""
        return super().ingredients(day, action) | {"where": self.where}

    def write(self, day: ScoringDay, action: "Action | None", output: Output) -> int:  # noqa: ARG002
        """Write customer_id, p_churn and model of those whom the model is about.

        Raises
        ------
        ConfigError
            If the rule does not fit the features.
        InputError
            If a prediction is missing, not finite or outside [0, 1].
        """
        schema = score_schema(COLUMN)
        of_rule = (test.column for test in columns(parse(self.where)))
        needed = self.inputs and {"customer_id", *self.inputs, *of_rule}

        def scored(chunk: "pa.Table") -> "pa.Table":
            frame = nw.from_native(chunk, eager_only=True)
            rows = frame.filter(compile_rule(self.where, frame.schema)).to_native()
            if not rows.num_rows:
                return schema.empty_table()
            p = self.predict(rows.to_pandas(split_blocks=True).set_index("customer_id"))
            checked = probabilities(self.name, p, len(rows))
            return score_rows(schema, rows["customer_id"], {COLUMN: checked}, self.versioned_name)

        rows = chunks(day.features, scored, output.progress, needed)
        return parquet.write(rows, schema, output.path)

    def population(
        self,
        connection: "duckdb.DuckDBPyConnection",
        features: Path,
        own: Path,  # noqa: ARG002
    ) -> "duckdb.DuckDBPyRelation":
        """Return the features of those whom the model is about."""
        frame = scan(connection, features)
        relation: duckdb.DuckDBPyRelation = frame.filter(
            compile_rule(self.where, frame.collect_schema())
        ).to_native()
        return relation


def load(version: "ModelVersion") -> ChurnSource:
    """Return the source of a registered model, whose manifest says whom it scores."""
    from crm_ml.models import model_folder

    model = model_folder.load(version.folder)
    active = timedelta(days=int(version.details["active_within_days"]))
    horizon = timedelta(days=int(version.details.get("horizon_days", 1)))  # the ends of terms alone need it
    window = Snapshot(datetime.fromtimestamp(0, UTC), horizon, _gap(version))
    return ChurnSource(
        name=version.name,
        sums=version.content,
        predict=lambda X: model.predict_proba(X)[:, 1],
        where=_end(version).where(window, active),
        inputs=_inputs(model),
        reasons=reasons_of(model),
        groups=version.details["features"],
        profile=Profile.read(version.folder),
    )


def label(version: "ModelVersion", stage: Mapping[str, Any], as_of: datetime) -> Label | str:  # noqa: ARG001
    """Return who of the scored has left in the window of the model."""
    from crm_ml.churn import target

    window, end = _window(version, as_of), _end(version)
    active = timedelta(days=int(version.details["active_within_days"]))
    ends = window.label_ends_at  # asked for only after the tables were found to reach it

    def outcome(tables: "Tables") -> "pd.Series[Any]":
        return target.labels(tables, window, active, end=end, data_ends_at=ends, minimum=0)

    return Label(window, outcome, COLUMN, promised="test.", table=end.table)


def _inputs(model: Any) -> tuple[str, ...] | None:
    """Return the features that a model, or the one that it calibrates, has learned from, if it says so."""
    names = getattr(getattr(model, "model", model), "feature_names_in_", None)
    return None if names is None else tuple(map(str, names))


def _end(version: "ModelVersion") -> End:
    return end_of(version.details.get("target", {}))


def _window(version: "ModelVersion", as_of: datetime) -> Snapshot:
    return Snapshot(as_of, timedelta(days=int(version.details["horizon_days"])), _gap(version))


def _gap(version: "ModelVersion") -> timedelta:
    return timedelta(days=int(version.details.get("gap_days", 0)))
