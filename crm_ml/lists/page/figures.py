"""What the page says of the rows, read from the files of a list without holding them in memory."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crm_ml.lists.read_list import LIST_FILE
from crm_ml.tables.engine import connect

if TYPE_CHECKING:
    import duckdb

OTHERS_FILE = "others.parquet"
SAMPLE_ROWS = 20
_SAMPLED = (
    "customer_id", "action_id", "channel", "slot", "arm", "propensity", "expected_value_cents", "cost_cents",
    "value_basis", "reason_codes", "item_ids", "item_reasons", "runner_up_action", "send_at", "expires_at",
)  # fmt: skip
_BASES = 5


@dataclass(frozen=True)
class Offering:
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
class Other:
    """Customers of ``others.parquet`` of one kind."""

    arm: str
    held_out: str | None
    action_id: str | None
    rows: int
    value_cents: int


@dataclass(frozen=True)
class Figures:
    """Everything the page says of the rows.

    Parameters
    ----------
    customers : int
        Different customers of the list.
    offerings : sequence of Offering
        Most rows first.
    others : sequence of Other or None
        None where the list has no ``others.parquet``.
    hours : sequence of int or None
        Rows by the hour (UTC) of ``send_at``; None where none is planned.
    consent_bases : sequence of str
    sample : sequence of mapping
        Rows at even distances.
    """

    customers: int
    offerings: Sequence[Offering]
    others: Sequence[Other] | None
    hours: Sequence[int] | None
    consent_bases: Sequence[str]
    sample: Sequence[Mapping[str, Any]]

    @property
    def rows(self) -> int:
        """Rows of the list."""
        return sum(one.rows for one in self.offerings)

    @property
    def value_cents(self) -> int:
        """Sum of the expected values of all rows."""
        return sum(one.value_cents for one in self.offerings)

    @property
    def cost_cents(self) -> int:
        """Sum of the costs of all rows."""
        return sum(one.cost_cents for one in self.offerings)


def figures(folder: Path, keys: Collection[str] = ()) -> Figures:
    """Read the figures of a list.

    Parameters
    ----------
    folder : Path
        With ``list.parquet`` and, of newer lists, ``others.parquet``.
    keys : collection of str
        Keys of offerings that the manifest names; an action with one channel in the rows may have others.
    """
    import pyarrow.parquet as pq

    given = set(pq.read_schema(folder / LIST_FILE).names)
    connection = connect()
    try:
        rows = connection.read_parquet(str(folder / LIST_FILE))
        others = folder / OTHERS_FILE
        return Figures(
            customers=_customers(folder / LIST_FILE),
            offerings=_offerings(rows, given, keys),
            others=_others(connection.read_parquet(str(others))) if others.is_file() else None,
            hours=_hours(rows) if "send_at" in given else None,
            consent_bases=_bases(rows) if "consent_basis" in given else (),
            sample=_sample(connection, folder / LIST_FILE, [one for one in _SAMPLED if one in given]),
        )
    finally:
        connection.close()


def _customers(path: Path) -> int:
    """Count different customers; rows are ordered by them, so that neighbours tell it."""
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    found, last = 0, None
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(columns=["customer_id"]):
            ids = batch["customer_id"]
            if len(ids):
                found += int(ids[0].as_py() != last)
                found += int(pc.sum(pc.not_equal(ids[1:], ids[:-1])).as_py() or 0)
                last = ids[-1].as_py()
    return found


def _offerings(
    rows: "duckdb.DuckDBPyRelation", given: Collection[str], keys: Collection[str]
) -> list[Offering]:
    explored = "count(*) FILTER (arm = 'explore')" if "arm" in given else "0"
    basis = "min(value_basis)" if "value_basis" in given else "''"
    found = rows.aggregate(
        f"action_id, channel, count(*) AS n, {explored} AS explored, sum(expected_value_cents) AS value, "
        f"sum(cost_cents) AS cost, {basis} AS basis",
        "action_id, channel",
    ).fetchall()
    channels = Counter(action for action, *_ in found)
    offerings = []
    for action, channel, n, drawn, value, cost, said in found:
        whole = f"{action}/{channel}"
        key = whole if channels[action] > 1 or whole in keys else action
        offerings.append(
            Offering(key, action, channel, n, drawn, int(value or 0), int(cost or 0), said or "")
        )
    return sorted(offerings, key=lambda one: (-one.rows, one.key))


def _others(rows: "duckdb.DuckDBPyRelation") -> list[Other]:
    kinds = "arm, held_out, action_id"
    found = rows.aggregate(f"{kinds}, count(*) AS n, sum(expected_value_cents) AS value", kinds).fetchall()
    kept = [Other(arm, held, action, n, int(value or 0)) for arm, held, action, n, value in found]
    return sorted(kept, key=lambda one: (one.arm, one.held_out or "", one.action_id or ""))


def _hours(rows: "duckdb.DuckDBPyRelation") -> list[int] | None:
    found = rows.filter("send_at IS NOT NULL").aggregate(
        "hour(send_at) AS hour, count(*) AS n", "hour(send_at)"
    )
    counts = dict(found.fetchall())
    return [counts.get(hour, 0) for hour in range(24)] if counts else None


def _bases(rows: "duckdb.DuckDBPyRelation") -> list[str]:
    found = rows.aggregate("consent_basis, count(*) AS n", "consent_basis")
    told = found.filter("consent_basis IS NOT NULL").order("n DESC, consent_basis").limit(_BASES)
    return [basis for basis, _ in told.fetchall()]


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
    numbers = ", ".join(str(one) for one in wanted)
    rows_of_file = connection.read_parquet(str(path), file_row_number=True)
    found = rows_of_file.filter(f"file_row_number IN ({numbers})").order("file_row_number")
    chosen: list[dict[str, Any]] = found.project(", ".join(columns)).to_arrow_table().to_pylist()
    return chosen
