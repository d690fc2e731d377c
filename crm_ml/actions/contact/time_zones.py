"""The time zone of each customer."""

import difflib
import logging
from dataclasses import dataclass
from typing import Any

import narwhals as nw

from crm_ml.actions.contact.local_clock import zone_names
from crm_ml.errors import ConfigError
from crm_ml.tables.bundle import Tables

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Zones:
    """The time zones of the customers.

    Parameters
    ----------
    frame : narwhals.LazyFrame
        customer_id and zone, for all customers of the tables.
    names : tuple of str
        Zones that occur, and the default.
    missing, unknown : int
        Customers without a zone, and with a name that is no zone; they are placed in the default.
    """

    frame: "nw.LazyFrame[Any]"
    names: tuple[str, ...]
    missing: int = 0
    unknown: int = 0


def zones_of(tables: Tables, default: str, column: str | None) -> Zones:
    """Find the time zone of each customer.

    Parameters
    ----------
    tables : Tables
    default : str
        Zone of customers whose own is not known.
    column : str, optional
        Column of the customers with IANA names; without it all are in the default.

    Raises
    ------
    ConfigError
        If the customers have no such column.
    """
    customers = tables.frame("customers")
    if column is None:
        return Zones(customers.select("customer_id", zone=nw.lit(default)), (default,))
    _check(column, customers.collect_schema().names())
    declared = customers.select("customer_id", declared=nw.col(column).cast(nw.String))
    rows = declared.group_by("declared").agg(nw.len().alias("n")).collect(backend="pyarrow").rows()
    names = {name for name, _ in rows} & zone_names()
    missing = sum(n for name, n in rows if name is None)
    unknown = sum(n for name, n in rows if name is not None and name not in names)
    is_zone = nw.col("declared").is_in(sorted(names)).fill_null(False)
    zone = nw.when(is_zone).then(nw.col("declared")).otherwise(nw.lit(default))
    frame = declared.select("customer_id", zone=zone)
    return Zones(frame, tuple(sorted(names | {default})), int(missing), int(unknown))


def warn_of_strays(column: str | None, missing: int, unknown: int, default: str) -> None:
    """Say in the log how many customers were placed in the default zone."""
    if missing or unknown:
        log.warning(
            "%s: %d customers have no time zone and %d a name that is none; %s is taken in their place",
            column, missing, unknown, default,
        )  # fmt: skip


def _check(column: str, columns: list[str]) -> None:
    if column not in columns:
        near = difflib.get_close_matches(column, columns, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(columns)}"
        raise ConfigError(f"contact_policy.time_zone_column: customers have no column {column!r}; {hint}")
