"""What customers did after a list: orders and answers, joined to the rows that were listed or not selected.

Dates are compared by `crm_ml.snapshots` alone; the joins read and write Parquet files, so that neither the
list nor the orders have to fit into memory.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import narwhals as nw

from crm_ml.actions.catalog import Action
from crm_ml.errors import InputError, IntegrityError
from crm_ml.features.event_rows import AT, events_of
from crm_ml.lists.read_list import LIST_FILE, NOT_SELECTED_FILE, verify_list
from crm_ml.propensity.covered_items import Covers
from crm_ml.score_tables.source import scan
from crm_ml.snapshots import DAY_S, Snapshot, check_data_reach
from crm_ml.tables.bundle import Tables, write_parquet
from crm_ml.tables.engine import connect
from crm_ml.tables.zones import moment_in

if TYPE_CHECKING:
    import duckdb

SHORTEST_BEFORE = 91
MOST_UNKNOWN = 0.05
_ROW = ("customer_id", "action_id", "channel", "arm", "propensity", "expected_value_cents", "cost_cents")


@dataclass(frozen=True, eq=False)
class Published:
    """A published list whose files agree with its manifest.

    Parameters
    ----------
    folder : Path
    manifest : mapping
    """

    folder: Path
    manifest: Mapping[str, Any]

    @staticmethod
    def of(folder: Path) -> "Published":
        """Check the folder of a list.

        Raises
        ------
        IntegrityError
            If a file does not agree with the manifest, or the rows that were not selected are missing.
        """
        manifest = verify_list(folder)
        if NOT_SELECTED_FILE not in manifest["files"]:
            raise IntegrityError(
                f"{folder}: there is no {NOT_SELECTED_FILE}, so nothing says who was held out; "
                "make the list again"
            )
        return Published(folder, manifest)

    @property
    def list_id(self) -> str:
        """Hash of the models, policy, data and day of the list."""
        return str(self.manifest["list_id"])

    @property
    def zone(self) -> str:
        """Zone of the day of the list."""
        return str(self.manifest.get("timezone", "UTC"))

    @property
    def as_of(self) -> datetime:
        """Day of the list, in its zone."""
        return moment_in(self.zone, str(self.manifest["ingredients"]["as_of"]))

    def longest_days(self) -> int:
        """Return after how many whole days the last row has expired.

        Raises
        ------
        InputError
            If the list has no row.
        """
        connection = connect()
        try:
            last = scan(connection, self.folder / LIST_FILE).select(nw.col("expires_at").max())
            expires_at = last.collect(backend="pyarrow").rows()[0][0]
        finally:
            connection.close()
        if expires_at is None:
            raise InputError(f"{self.folder}: the list has no row; there is nothing to evaluate")
        return math.ceil((moment_in(self.zone, expires_at) - self.as_of).total_seconds() / DAY_S)


def check_reach(tables: Tables, window: Snapshot, data_ends_at: Any = None) -> None:
    """Refuse tables that do not reach to the end of the window, or count the days of another zone.

    Raises
    ------
    InputError
        The message names both dates, or both zones.
    """
    if window.zone not in (None, tables.zone):
        raise InputError(
            f"the list is of a day of {window.zone} and the tables declare {tables.zone}; give the "
            "configuration that made the list (--config)"
        )
    try:
        check_data_reach(tables, window, data_ends_at)
    except InputError as error:
        days, dates = window.horizon.days, str(error).partition("; ")[0]
        raise InputError(f"outcomes of {days} days: {dates}; wait for later orders") from error


def write_outcomes(
    published: Published,
    tables: Tables,
    window: Snapshot,
    scratch: Path,
    answers: Iterable["nw.LazyFrame[Any]"] = (),
) -> Path:
    """Write every row of a list, listed or not selected, with its outcomes (Parquet); return the file.

    Columns customer_id, action_id, channel, arm, held_out, propensity, expected_value_cents, cost_cents,
    p_response as the list has them; paid_cents and before_cents, what the customer paid (refunds taken off)
    in the window and in as many days before, at least 91; and answered, 1 where the customer answered the
    action, else null. Rows are ordered by customer_id, arm, action_id and channel.

    Parameters
    ----------
    published : Published
    tables : Tables
        Of any engine; must reach to the end of the window (`check_reach`).
    window : Snapshot
        From the day of the list on.
    scratch : Path
        Folder for files on the way.
    answers : iterable of narwhals.LazyFrame
        Of `answered`.

    Raises
    ------
    InputError
        If more than 5 % of the rows are of customers that the tables do not know.
    """
    write_parquet(_spend(tables, window), scratch / "spend.parquet")
    frames = list(answers)
    if frames:
        write_parquet(nw.concat(frames), scratch / "answers.parquet")
    connection = connect()
    try:
        rows = _rows(published, connection).join(
            scan(connection, scratch / "spend.parquet"), on="customer_id", how="left"
        )
        if frames:
            answered_rows = scan(connection, scratch / "answers.parquet")
            rows = rows.join(answered_rows, on=["customer_id", "action_id"], how="left")
        else:
            rows = rows.with_columns(answered=nw.lit(None, dtype=nw.Int64))
        _check_known(rows)
        money = [nw.col(name).fill_null(0).cast(nw.Int64) for name in ("paid_cents", "before_cents")]
        ordered = rows.with_columns(*money).sort("customer_id", "arm", "action_id", "channel")
        write_parquet(ordered, scratch / "outcomes.parquet")
    finally:
        connection.close()
    return scratch / "outcomes.parquet"


def answered(tables: Tables, action: Action, window: Snapshot) -> "nw.LazyFrame[Any] | str":
    """Return who answered an action within a window, or in words why that is not known.

    An answer is a response to a campaign that the action names or that has the name of the action;
    where the action names categories or items, it is a purchase of one of these, and where it names kinds of
    event, one of these.

    Parameters
    ----------
    tables : Tables
    action : Action
        With an answer.
    window : Snapshot
        From the day of the list on, as long as the answer's days.

    Returns
    -------
    narwhals.LazyFrame or str
        customer_id, action_id, and answered, which is 1.
    """
    answer = action.value.answer
    if answer is None:
        return "the catalogue does not say what an answer is"
    if answer.by == "campaign":
        if not tables.has("responses"):
            return "the tables have no responses"
        names = [*answer.names, action.action_id, *action.identity.campaigns]
        responses = tables.frame("responses").filter(nw.col("campaign_id").is_in(names))
        rows = window.future(responses, at="responded_at")
    elif answer.by == "event":
        if not tables.has("events"):
            return "the tables have no events"
        rows = window.future(events_of(tables, answer.names), at=AT)
    else:
        covered = Covers(answer.by, answer.names).frame(tables)
        if covered is None:
            return f"the tables have no items to look {answer.by} up in"
        sold = window.future(tables.frame("order_lines"), at="ordered_at")
        if "refund_of" in sold.collect_schema().names():
            sold = sold.filter(nw.col("refund_of").is_null())
        rows = sold.join(covered.select("item_id").unique(), on="item_id", how="inner")
    customers: nw.LazyFrame[Any] = rows.select("customer_id").unique()
    ones = nw.lit(1, dtype=nw.Int64)
    return customers.with_columns(action_id=nw.lit(action.action_id, dtype=nw.String), answered=ones)


def window_of(published: Published, days: int) -> Snapshot:
    """Return the window of `days` days from the day of a list on."""
    return Snapshot(published.as_of, timedelta(days=days), zone=published.zone)


def _rows(published: Published, connection: "duckdb.DuckDBPyConnection") -> "nw.LazyFrame[Any]":
    """Return the rows that were listed and those not selected, with the same columns."""
    listed = scan(connection, published.folder / LIST_FILE)
    not_selected = scan(connection, published.folder / NOT_SELECTED_FILE)
    parts = [
        listed.select(*_ROW, "p_response", held_out=nw.lit(None, dtype=nw.String)),
        not_selected.select(*_ROW, nw.lit(None, dtype=nw.Float64).alias("p_response"), "held_out"),
    ]
    rows: nw.LazyFrame[Any] = nw.concat(parts)
    return rows


def _spend(tables: Tables, window: Snapshot) -> "nw.LazyFrame[Any]":
    """Return what every known customer paid in the window and before it; who bought nothing has 0."""
    lines, cents = tables.frame("order_lines"), nw.col("paid_cents").cast(nw.Int64)
    before = window.window(lines, at="ordered_at", days=max(window.horizon.days, SHORTEST_BEFORE))
    after, zero = window.future(lines, at="ordered_at"), nw.lit(0, dtype=nw.Int64)
    parts = [
        tables.frame("customers").select("customer_id", paid_cents=zero, before_cents=zero),
        after.select("customer_id", paid_cents=cents, before_cents=zero),
        before.select("customer_id", paid_cents=zero, before_cents=cents),
    ]
    sums = [nw.col(name).sum() for name in ("paid_cents", "before_cents")]
    spent: nw.LazyFrame[Any] = nw.concat(parts).group_by("customer_id").agg(*sums)
    return spent


def _check_known(rows: "nw.LazyFrame[Any]") -> None:
    missing = nw.when(nw.col("paid_cents").is_null()).then(1).otherwise(0)
    counts = rows.select(rows=nw.lit(1), unknown=missing).select(nw.all().sum()).collect(backend="pyarrow")
    total, unknown = (int(value or 0) for value in counts.rows()[0])
    if unknown > MOST_UNKNOWN * total:
        raise InputError(
            f"{unknown:,} of {total:,} rows are of customers that the tables do not know; give the "
            "configuration that made the list (--config), with its data"
        )
