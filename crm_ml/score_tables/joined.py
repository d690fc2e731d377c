"""The feature table and the score tables of one run, joined for the decision."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import narwhals as nw

from crm_ml.propensity.action_features import COLUMNS
from crm_ml.propensity.artefact import COLUMN
from crm_ml.score_tables.clv import CLV
from crm_ml.score_tables.columns import items_column, response_column
from crm_ml.score_tables.recommend import COLUMN as P_ITEMS
from crm_ml.score_tables.recommend import OF_ITEMS

if TYPE_CHECKING:
    import duckdb

    from crm_ml.actions.catalog import Action


@dataclass(frozen=True)
class ScoreTables:
    """Parquet files with a row a customer.

    Parameters
    ----------
    features : Path
        All known customers.
    churn, value, effects : Path, optional
        customer_id with p_churn; with p_alive and clv_cents; with ``uplift_<arm>``.
    responses : mapping of int to Path
        By the number of an action: customer_id, p_response and the features of the action.
    items : mapping of int to Path
        By the number of an action: customer_id, p_items and the items with P(buy) and reasons.
    """

    features: Path
    churn: Path | None = None
    value: Path | None = None
    effects: Path | None = None
    responses: Mapping[int, Path] = field(default_factory=dict)
    items: Mapping[int, Path] = field(default_factory=dict)

    def stages(self, actions: Sequence["Action"]) -> dict[str, Any]:
        """Return the names of the stages, for the manifest of the list: by action, where each has its own."""
        one = {"features": self.features, "churn": self.churn, "value": self.value, "effects": self.effects}
        named: dict[str, Any] = {role: path.parent.name for role, path in one.items() if path is not None}
        for role, paths in (("responses", self.responses), ("items", self.items)):
            if paths:
                named[role] = {actions[n].action_id: path.parent.name for n, path in sorted(paths.items())}
        return named

    def base(self, connection: "duckdb.DuckDBPyConnection") -> "nw.LazyFrame[Any]":
        """Join all scores to the features of all known customers, as `policy.weigh` takes them."""
        joined = scan(connection, self.features)
        parts = [
            None if self.churn is None else scan(connection, self.churn).select("customer_id", "p_churn"),
            None
            if self.value is None
            else scan(connection, self.value).select("customer_id", "p_alive", CLV),
            None if self.effects is None else scan(connection, self.effects).drop("model"),
        ]
        for number, path in self.responses.items():
            told = nw.col(COLUMN).alias(response_column(number))
            parts.append(scan(connection, path).select("customer_id", told))
        for number, path in self.items.items():
            told = nw.col(P_ITEMS).alias(items_column(number))
            parts.append(scan(connection, path).select("customer_id", told))
        for part in parts:
            joined = joined if part is None else joined.join(part, on="customer_id", how="left")
        given = joined.collect_schema().names()
        for name, kind in {"p_churn": nw.Float64, CLV: nw.Int64}.items():
            if name not in given:
                joined = joined.with_columns(nw.lit(None, dtype=kind).alias(name))
        return joined

    def with_features(
        self, connection: "duckdb.DuckDBPyConnection", decided: "nw.LazyFrame[Any]"
    ) -> "nw.LazyFrame[Any]":
        """Put the features of customer and action beside decided rows, in the order of customers."""
        joined = decided.join(scan(connection, self.features), on="customer_id", how="inner")
        for paths, columns in ((self.responses, COLUMNS), (self.items, OF_ITEMS)):
            if paths:
                of_actions = [
                    scan(connection, path)
                    .select("customer_id", *columns)
                    .with_columns(action=nw.lit(number, dtype=nw.Int32))
                    for number, path in paths.items()
                ]
                joined = joined.join(nw.concat(of_actions), on=["customer_id", "action"], how="left")
        return joined.sort("customer_id")


def scan(connection: "duckdb.DuckDBPyConnection", path: Path) -> "nw.LazyFrame[Any]":
    """Read a Parquet file on a connection."""
    frame: nw.LazyFrame[Any] = nw.from_native(connection.read_parquet(str(path)))
    return frame
