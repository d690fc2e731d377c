"""The time zone of each customer."""

import difflib
import logging
from dataclasses import dataclass
from typing import Any

import narwhals as nw

from crm_ml.actions.contact.contact_policy import ContactPolicy
from crm_ml.actions.contact.local_clock import zone_names
from crm_ml.errors import ConfigError
from crm_ml.tables.bundle import Tables

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Zones:
    """Who lives by which clock.

    Parameters
    ----------
    frame : narwhals.LazyFrame
        customer_id and zone, for all customers of the tables.
    names : tuple of str
        Zones that occur, and the policy's own.
    missing, unknown : int
        Customers without a zone, and with a name that is none; both are in the policy's own.
    """

    frame: "nw.LazyFrame[Any]"
    names: tuple[str, ...]
    missing: int = 0
    unknown: int = 0


def zones_of(tables: Tables, policy: ContactPolicy) -> Zones:
    """Find the time zone of each customer.

    Raises
    ------
    ConfigError
        If the customers have no such column.
    """
    customers, column, default = tables.frame("customers"), policy.time_zone_column, policy.time_zone
    if column is None:
        return Zones(customers.select("customer_id", zone=nw.lit(default)), (default,))
    _check(column, customers.collect_schema().names())
    given = customers.select("customer_id", given=nw.col(column).cast(nw.String))
    seen = given.group_by("given").agg(nw.len().alias("n")).collect(backend="pyarrow").rows(named=True)
    names = {row["given"] for row in seen} & zone_names()
    missing = sum(row["n"] for row in seen if row["given"] is None)
    unknown = sum(row["n"] for row in seen if row["given"] is not None and row["given"] not in names)
    if missing or unknown:
        log.warning(
            "%s: %d customers have no time zone and %d one that is none; %s is taken for them",
            column, missing, unknown, default,
        )  # fmt: skip
    kept = nw.col("given").is_in(sorted(names)).fill_null(False)
    zone = nw.when(kept).then(nw.col("given")).otherwise(nw.lit(default))
    return Zones(
        given.select("customer_id", zone=zone), tuple(sorted(names | {default})), int(missing), int(unknown)
    )


def _check(column: str, columns: list[str]) -> None:
    if column not in columns:
        near = difflib.get_close_matches(column, columns, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(columns)}"
        raise ConfigError(f"contact_policy.time_zone_column: customers have no column {column!r}; {hint}")
