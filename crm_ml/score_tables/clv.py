"""The score table of lifetime value: what each customer is worth at a snapshot, with an interval."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from crm_ml.errors import InputError
from crm_ml.monitoring.training_profile import Profile
from crm_ml.score_tables.source import Label, Output, ScoringDay, Source
from crm_ml.snapshots import Snapshot
from crm_ml.storage import parquet
from crm_ml.tables.currencies import currency_of, minor_per_major
from crm_ml.tables.sql import parquet_rows

if TYPE_CHECKING:
    import duckdb
    import pandas as pd
    import pyarrow as pa

    from crm_ml.actions.catalog import Action
    from crm_ml.clv.clv_model import ClvModel
    from crm_ml.tables.bundle import Tables
    from crm_ml.tracking import ModelVersion

CHUNK_ROWS = 100_000
SCORES = ("p_alive", "clv_cents")
NEEDS = ()
_REAL = ("p_alive", "expected_purchases", "expected_value")
_MONEY = ("clv", "clv_low", "clv_high")
_currencies: dict[str, str] = {}  # by what identifies the tables


@dataclass(frozen=True, eq=False, kw_only=True)
class ClvSource(Source):
    """A lifetime-value model as scoring needs it."""

    family: ClassVar[str] = "clv"
    scores: ClassVar[tuple[str, ...]] = SCORES

    model: "ClvModel"

    def ingredients(self, day: ScoringDay, action: "Action | None") -> dict[str, Any]:  # noqa: ARG002
        """Return the day and the tables, from which purchases are summarized."""
        return {"as_of": day.snapshot.as_of.isoformat(), "data": day.data}

    def write(self, day: ScoringDay, action: "Action | None", output: Output) -> int:  # noqa: ARG002
        """Value each customer with a purchase before the snapshot.

        A row holds customer_id, p_alive, expected_purchases within the model's horizon, expected_value (of
        one purchase, major unit), clv_cents with clv_low_cents and clv_high_cents (95 % interval of the
        expected value), model, and the summary that the value rests on: frequency, recency, T (in the
        model's unit of time) and monetary_value.

        Raises
        ------
        InputError
            If a value is missing, infinite or negative.
        """
        from crm_ml.clv.customer_attributes import with_attributes
        from crm_ml.clv.summary import summary_chunks

        as_of = day.snapshot.as_of  # whose distance to the tables is checked before
        per_major = minor_per_major(_currency(day))
        summaries = summary_chunks(day.tables, as_of, self.model.time_unit, CHUNK_ROWS, per_major)
        names = self.model.covariates
        if names:
            summaries = (with_attributes(summary, day.tables, names) for summary in summaries)
        rows = (self._rows(summary, per_major) for summary in summaries)
        return parquet.write(rows, schema(), output.path)

    def population(
        self,
        connection: "duckdb.DuckDBPyConnection",
        features: Path,  # noqa: ARG002
        own: Path,
    ) -> "duckdb.DuckDBPyRelation":
        """Return the summaries of all customers who were valued; they stand beside the scores."""
        return connection.sql(f"FROM {parquet_rows(own)}")

    def _rows(self, summary: "pd.DataFrame", per_major: int) -> "pa.Table":
        import pyarrow as pa

        from crm_ml.clv.summary import SUMMARY, in_cents

        values = self._checked(self.model.predict(summary))
        columns = {name: values[name].to_numpy() for name in _REAL}
        columns |= {f"{name}_cents": in_cents(values[name], per_major) for name in _MONEY}
        columns |= {name: summary[name].to_numpy(dtype=float) for name in SUMMARY}
        ids = pa.array(summary.index.astype(str), pa.string())
        model = pa.repeat(self.versioned_name, len(summary))
        return pa.table({"customer_id": ids, **columns, "model": model}, schema=schema())

    def _checked(self, values: "pd.DataFrame") -> "pd.DataFrame":
        import numpy as np

        needed = values[[*_REAL, *_MONEY]]
        if self.model.terms.horizon is None:
            needed = needed.drop(columns="expected_purchases")  # infinitely many, written as NaN
        wrong = {name: int((~(np.isfinite(column) & (column >= 0))).sum()) for name, column in needed.items()}
        breaches = [f"{name} in {count:,}" for name, count in wrong.items() if count]
        if breaches:
            raise InputError(
                f"{self.name}: missing, infinite or negative: {', '.join(breaches)} of {len(values):,} rows"
            )
        return values


def _currency(day: ScoringDay) -> str:
    """Return the currency of all customers, which a part may not name; read once a process."""
    if not day.data:
        return currency_of(day.everybody.frame("order_lines"))
    if day.data not in _currencies:
        _currencies.clear()
        _currencies[day.data] = currency_of(day.everybody.frame("order_lines"))
    return _currencies[day.data]


def schema() -> "pa.Schema":
    """Return the columns of the score table with their Arrow types."""
    import pyarrow as pa

    from crm_ml.clv.summary import SUMMARY

    real, known = ({name: pa.float64() for name in names} for names in (_REAL, SUMMARY))
    money = {f"{name}_cents": pa.int64() for name in _MONEY}
    return pa.schema({"customer_id": pa.string(), **real, **money, "model": pa.string(), **known})


def load(version: "ModelVersion") -> ClvSource:
    """Return the source of a registered model, whose labels are the orders until it was fitted."""
    from crm_ml.clv.cautions import texts
    from crm_ml.models import model_folder

    model, profile = model_folder.load(version.folder), Profile.read(version.folder)
    return ClvSource(
        name=version.name,
        sums=version.content,
        model=model,
        profile=profile,
        cautions=texts(model.cautions),
    )


def label(version: "ModelVersion", stage: Mapping[str, Any], as_of: datetime) -> Label | str:  # noqa: ARG001
    """Return the number of purchases within the horizon of the model; for ever there is no such window."""
    from crm_ml.clv import summarize
    from crm_ml.clv.observed_outcomes import outcomes
    from crm_ml.models import model_folder

    model = model_folder.load(version.folder)
    if model.terms.horizon is None:
        return "values for ever have no window that ends"
    window = Snapshot(as_of, model.terms.horizon)

    def outcome(tables: "Tables") -> "pd.Series[Any]":
        summary = summarize(tables, as_of, model.time_unit, data_ends_at=as_of)
        return outcomes(tables, window, summary, data_ends_at=window.label_ends_at).known["purchases"]

    return Label(window, outcome, "expected_purchases", is_probability=False, promised="test.purchases_")
