"""customer_ids that stay: the largest overlap with an earlier customer keeps its id."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from crm_ml.tables.engine import connect

if TYPE_CHECKING:
    import duckdb
    import pandas as pd
    import pyarrow as pa

MERGED, SPLIT, ENDED = "merged", "split", "ended"
CHANGES: Final = ("change", "customer_id", "into_customer_id", "profiles")


@dataclass(frozen=True, eq=False)
class LastingIds:
    """The customer of each profile, and what became of earlier customers.

    Parameters
    ----------
    table : pyarrow.Table
        profile_id and customer_id, in order of profile_id.
    changes : pandas.DataFrame
        Columns `CHANGES`: profiles of `customer_id` that now belong to `into_customer_id`. ``merged``: the
        first id is no longer used. ``split``: it is, for other profiles. ``ended``: no profile of it is left.
    """

    table: "pa.Table"
    changes: "pd.DataFrame"


def lasting_ids(
    ids: "pa.ChunkedArray",
    labels: npt.NDArray[np.int64],
    previous: "pa.Table | None",
    retired: Iterable[str] = (),
) -> LastingIds:
    """Give each group of profiles the customer_id that it shares most profiles with, or a new one.

    Pairs of group and earlier id are matched from the largest overlap down, each group and each id once;
    of equal overlaps the smaller id and then the group of the smaller profile_id come first. A new id is a
    hash of the smallest profile_id of its group, and never one that was used before.

    Parameters
    ----------
    ids : pyarrow.ChunkedArray of str, shape (n,)
    labels : numpy.ndarray of int, shape (n,)
        Group of each profile.
    previous : pyarrow.Table, optional
        profile_id and customer_id.
    retired : iterable of str
        Further ids that were used before.
    """
    import pyarrow as pa

    with connect() as connection:
        connection.register("now", pa.table({"profile_id": ids, "label": labels}))
        before = (
            previous if previous is not None else pa.table({"profile_id": ids[:0], "customer_id": ids[:0]})
        )
        connection.register("before", before)
        connection.execute(
            "CREATE TABLE customers AS SELECT label, min(profile_id) AS first FROM now GROUP BY label"
        )
        overlaps = connection.sql(
            "SELECT label, first, customer_id, count(*) AS profiles FROM now JOIN before USING (profile_id) "
            "JOIN customers USING (label) GROUP BY ALL ORDER BY profiles DESC, customer_id, first"
        ).df()
        connection.register("matched", _matched(overlaps))
        _name(connection, set(retired))
        return LastingIds(_table(connection), _changes(connection))


def _matched(overlaps: "pd.DataFrame") -> "pd.DataFrame":
    """Return label and customer_id of the pairs that are matched, from the largest overlap down."""
    alone = ~(overlaps["label"].duplicated(keep=False) | overlaps["customer_id"].duplicated(keep=False))
    contested = overlaps[~alone]
    labels: set[int] = set()
    taken: set[str] = set()
    rows = []
    for row, (label, customer) in enumerate(zip(contested["label"], contested["customer_id"], strict=True)):
        if label not in labels and customer not in taken:
            labels.add(label)
            taken.add(customer)
            rows.append(row)
    keep = np.concatenate([np.flatnonzero(alone), np.flatnonzero(~alone)[rows]]).astype(np.int64)
    return overlaps.iloc[keep][["label", "customer_id"]]


def _name(connection: "duckdb.DuckDBPyConnection", retired: set[str]) -> None:
    """Make the table ``named`` (label, customer_id): matched ids, and new ones that none ever had."""
    import pandas as pd

    connection.execute(
        "CREATE TABLE named AS SELECT label, first, CAST(m.customer_id AS VARCHAR) AS customer_id "
        "FROM customers LEFT JOIN matched m USING (label)"
    )
    connection.register("retired", pd.DataFrame({"customer_id": pd.Series(sorted(retired), dtype="str")}))
    turn = 0
    while connection.sql("SELECT count(*) FROM named WHERE customer_id IS NULL").fetchall()[0][0]:
        connection.execute(
            "CREATE OR REPLACE TABLE proposed AS SELECT *, "
            "row_number() OVER (PARTITION BY customer_id ORDER BY first) AS place FROM ("
            f"SELECT label, first, 'c' || left(sha256('{turn}:' || first), 16) AS customer_id "
            "FROM named WHERE customer_id IS NULL)"
        )
        connection.execute(
            "UPDATE named SET customer_id = p.customer_id FROM proposed p WHERE named.label = p.label "
            "AND p.place = 1 AND p.customer_id NOT IN (SELECT customer_id FROM retired) "
            "AND p.customer_id NOT IN (SELECT customer_id FROM before) "
            "AND p.customer_id NOT IN (SELECT customer_id FROM named WHERE customer_id IS NOT NULL)"
        )
        turn += 1


def _table(connection: "duckdb.DuckDBPyConnection") -> "pa.Table":
    return connection.sql(
        "SELECT profile_id, customer_id FROM now JOIN named USING (label) ORDER BY profile_id"
    ).to_arrow_table()


def _changes(connection: "duckdb.DuckDBPyConnection") -> "pd.DataFrame":
    moved = f"""
        SELECT CASE WHEN b.customer_id IN (SELECT customer_id FROM named) THEN '{SPLIT}' ELSE '{MERGED}' END
            AS change, b.customer_id, n.customer_id AS into_customer_id, count(*) AS profiles
        FROM before b JOIN now USING (profile_id) JOIN named n USING (label)
        WHERE b.customer_id <> n.customer_id GROUP BY ALL"""
    ended = f"""
        SELECT '{ENDED}' AS change, b.customer_id, NULL AS into_customer_id, count(*) AS profiles
        FROM before b WHERE b.customer_id NOT IN (
            SELECT customer_id FROM before JOIN now USING (profile_id)) GROUP BY ALL"""
    changes: pd.DataFrame = connection.sql(
        f"{moved} UNION ALL {ended} ORDER BY customer_id, into_customer_id NULLS LAST"
    ).df()
    return changes
