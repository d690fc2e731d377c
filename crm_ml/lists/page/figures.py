"""The figures of a list, read from its files without holding them in memory."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crm_ml.lists.read_list import LIST_FILE, NOT_SELECTED_FILE
from crm_ml.tables.engine import connect
from crm_ml.tables.sql import parquet_rows
from crm_ml.tables.zones import QUARTER_S, offset_s

if TYPE_CHECKING:
    import duckdb

SAMPLE_ROWS = 20
_SAMPLED = (
    "customer_id", "action_id", "channel", "slot", "arm", "propensity", "expected_value_cents", "cost_cents",
    "value_basis", "reason_codes", "item_ids", "item_reasons", "runner_up_action", "send_at", "expires_at",
)  # fmt: skip
_BASES = 5


@dataclass(frozen=True)
class ActionChannel:
    """The rows of an action on one channel: how many, and the sums of value and cost."""

    key: str
    action_id: str
    channel: str
    rows: int
    explored: int
    value_cents: int
    cost_cents: int
    basis: str


@dataclass(frozen=True)
class NotSelected:
    """Customers of ``others.parquet`` with the same arm, hold-out and action: how many, and their value."""

    arm: str
    held_out: str | None
    action_id: str | None
    rows: int
    value_cents: int


@dataclass(frozen=True)
class Figures:
    """All that a page shows of the rows of a list.

    Parameters
    ----------
    customers : int
        Different customers of the list.
    action_channels : sequence of ActionChannel
        Most rows first.
    not_selected : sequence of NotSelected or None
        None where the list has no ``others.parquet``.
    hours : sequence of int or None
        Rows by the hour of ``send_at`` in the zone of the list; None where none is planned.
    consent_bases : sequence of str
    sample : sequence of mapping
        Rows at even distances.
    """

    customers: int
    action_channels: Sequence[ActionChannel]
    not_selected: Sequence[NotSelected] | None
    hours: Sequence[int] | None
    consent_bases: Sequence[str]
    sample: Sequence[Mapping[str, Any]]

    @property
    def rows(self) -> int:
        """Rows of the list."""
        return sum(action.rows for action in self.action_channels)

    @property
    def value_cents(self) -> int:
        """Sum of the expected values of all rows."""
        return sum(action.value_cents for action in self.action_channels)

    @property
    def cost_cents(self) -> int:
        """Sum of the costs of all rows."""
        return sum(action.cost_cents for action in self.action_channels)


def read_figures(folder: Path, keys: Collection[str] = (), zone: str = "UTC") -> Figures:
    """Read the figures of a list.

    Parameters
    ----------
    folder : Path
        With ``list.parquet`` and, of newer lists, ``others.parquet``.
    keys : collection of str
        Keys of actions by channel that the manifest names; an action with one channel in the rows may have
        others.
    zone : str
        Of the hours of sending.
    """
    import pyarrow.parquet as pq

    path, not_selected = folder / LIST_FILE, folder / NOT_SELECTED_FILE
    columns = set(pq.read_schema(path).names)
    connection = connect()
    try:
        rows = connection.sql(f"FROM {parquet_rows(path)}")
        return Figures(
            customers=_customers(path),
            action_channels=_action_channels(rows, columns, keys),
            not_selected=_not_selected(connection, not_selected) if not_selected.is_file() else None,
            hours=_hours(rows, zone) if "send_at" in columns else None,
            consent_bases=_consent_bases(rows) if "consent_basis" in columns else (),
            sample=_sample(connection, path, [name for name in _SAMPLED if name in columns]),
        )
    finally:
        connection.close()


def _customers(path: Path) -> int:
    """Count different customers; rows are ordered by them, so that neighbours differ at a new one."""
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    customers, last = 0, None
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(columns=["customer_id"]):
            ids = batch["customer_id"]
            if len(ids):
                customers += int(ids[0].as_py() != last)
                customers += int(pc.sum(pc.not_equal(ids[1:], ids[:-1])).as_py() or 0)
                last = ids[-1].as_py()
    return customers


def _action_channels(
    rows: "duckdb.DuckDBPyRelation", columns: Collection[str], keys: Collection[str]
) -> list[ActionChannel]:
    explored = "count(*) FILTER (arm = 'explore')" if "arm" in columns else "0"
    basis = "min(value_basis)" if "value_basis" in columns else "''"
    sums = rows.aggregate(
        f"action_id, channel, count(*) AS n, {explored} AS explored, "
        "coalesce(sum(expected_value_cents), 0), coalesce(sum(cost_cents), 0), "
        f"coalesce({basis}, '')",
        "action_id, channel",
    ).fetchall()
    channels = Counter(action for action, *_ in sums)

    def key(action: str, channel: str) -> str:
        by_channel = f"{action}/{channel}"
        return by_channel if channels[action] > 1 or by_channel in keys else action

    actions = [ActionChannel(key(action, channel), action, channel, *rest) for action, channel, *rest in sums]
    return sorted(actions, key=lambda action: (-action.rows, action.key))


def _not_selected(connection: "duckdb.DuckDBPyConnection", path: Path) -> list[NotSelected]:
    kinds = "arm, held_out, action_id"
    value = "coalesce(sum(expected_value_cents), 0)"
    rows = connection.sql(f"FROM {parquet_rows(path)}")
    sums = rows.aggregate(f"{kinds}, count(*), {value}", kinds).fetchall()
    groups = [NotSelected(*group) for group in sums]
    return sorted(groups, key=lambda group: (group.arm, group.held_out or "", group.action_id or ""))


def _hours(rows: "duckdb.DuckDBPyRelation", zone: str) -> list[int] | None:
    quarter_of = f"epoch_us(send_at) // {QUARTER_S}000000 AS quarter"
    planned = rows.filter("send_at IS NOT NULL").project(quarter_of)
    counts: Counter[int] = Counter()
    for quarter, n in planned.aggregate("quarter, count(*) AS n", "quarter").fetchall():
        second = quarter * QUARTER_S
        counts[(second + offset_s(zone, second)) // 3600 % 24] += n
    return [counts[hour] for hour in range(24)] if counts else None


def _consent_bases(rows: "duckdb.DuckDBPyRelation") -> list[str]:
    named = rows.filter("consent_basis IS NOT NULL")
    counts = named.aggregate("consent_basis, count(*) AS n", "consent_basis").order("n DESC, consent_basis")
    return [basis for basis, _ in counts.limit(_BASES).fetchall()]


def _sample(
    connection: "duckdb.DuckDBPyConnection", path: Path, columns: Sequence[str]
) -> list[dict[str, Any]]:
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        rows = file.metadata.num_rows
    wanted = sorted(
        {(2 * number + 1) * rows // (2 * SAMPLE_ROWS) for number in range(SAMPLE_ROWS)} if rows else ()
    )
    if not wanted:
        return []
    numbers = ", ".join(map(str, wanted))
    rows_of_file = connection.sql(f"FROM {parquet_rows(path, options='file_row_number = true')}")
    sampled = rows_of_file.filter(f"file_row_number IN ({numbers})").order("file_row_number")
    chosen: list[dict[str, Any]] = sampled.project(", ".join(columns)).to_arrow_table().to_pylist()
    return chosen
