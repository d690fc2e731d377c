"""The tables of a comparison on DuckDB: changed rows in pairs, and other rows of their customers."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crm_ml.lists.diff.action_channels import add_action_channels
from crm_ml.lists.diff.change_reasons import CASES
from crm_ml.lists.read_list import LIST_FILE, NOT_SELECTED_FILE
from crm_ml.tables.sql import parquet_rows

if TYPE_CHECKING:
    import duckdb

_OF_ROW = (
    "action_id AS action, channel, slot, arm, expected_value_cents AS value, cost_cents AS cost, "
    "price_paid AS price, expires_at"
)
_SIDE = ("action", "channel", "slot", "arm", "value", "cost", "expires_at")
_OLD, _NEW = (", ".join(f"{side}_{name}" for name in _SIDE) for side in ("old", "new"))
_RENAMED = {
    side: ", ".join(f"{side[0]}.{name} AS {side}_{name}" for name in _SIDE) for side in ("old", "new")
}
_DIFFERING = f"""CREATE TEMP TABLE differing AS
SELECT coalesce(o.customer_id, n.customer_id) AS customer_id,
    {_RENAMED["old"]}, {_RENAMED["new"]}
FROM old_rows AS o FULL JOIN new_rows AS n
ON o.customer_id = n.customer_id AND o.action = n.action AND o.channel = n.channel
WHERE o.customer_id IS NULL OR n.customer_id IS NULL
OR o.value IS DISTINCT FROM n.value OR o.cost IS DISTINCT FROM n.cost"""
_PAIRED = f"""CREATE TEMP TABLE paired AS
WITH gone AS (SELECT customer_id, {_OLD}, row_number()
    OVER (PARTITION BY customer_id ORDER BY old_slot, old_action, old_channel) AS place
    FROM differing WHERE new_action IS NULL),
come AS (SELECT customer_id, {_NEW}, row_number()
    OVER (PARTITION BY customer_id ORDER BY new_slot, new_action, new_channel) AS place
    FROM differing WHERE old_action IS NULL)
SELECT coalesce(g.customer_id, c.customer_id) AS customer_id,
    {_OLD}, {_NEW},
    CASE WHEN g.customer_id IS NULL THEN 'added' WHEN c.customer_id IS NULL THEN 'removed' ELSE 'moved' END
    AS kind
FROM gone AS g FULL JOIN come AS c ON g.customer_id = c.customer_id AND g.place = c.place
UNION ALL SELECT customer_id, {_OLD}, {_NEW}, 'changed' FROM differing
WHERE old_action IS NOT NULL AND new_action IS NOT NULL"""
_ASIDE = """CREATE TEMP TABLE {side}_aside AS
SELECT customer_id, bool_or(held_out = 'universal') AS universal, bool_or(arm = 'none') AS idle,
    list(action_id) FILTER (held_out = 'action') AS held_out_of
FROM {side}_not_selected WHERE customer_id IN (SELECT customer_id FROM paired WHERE kind <> 'changed')
GROUP BY customer_id"""
_LISTED = """CREATE TEMP TABLE {side}_listed AS SELECT DISTINCT customer_id FROM {side}_rows
WHERE customer_id IN (SELECT customer_id FROM paired WHERE kind = '{kind}')"""
_EXPLAINED = f"""CREATE TEMP TABLE explained AS SELECT *, {CASES} AS reason FROM (
SELECT p.*, coalesce(p.old_expires_at <= CAST($as_of AS TIMESTAMPTZ), false) AS expired,
    coalesce(was.new_offered, true) AS still_offered, coalesce(now.old_offered, true) AS offered_before,
    coalesce(na.universal, false) AS now_universal, coalesce(na.idle, false) AS now_none,
    na.held_out_of AS now_held_out_of, coalesce(oa.universal, false) AS was_universal,
    coalesce(oa.idle, false) AS was_none, oa.held_out_of AS was_held_out_of,
    nl.customer_id IS NOT NULL AS in_new, ol.customer_id IS NOT NULL AS in_old,
    $old_complete AS old_complete, $new_complete AS new_complete,
    was.old_price AS old_price_of_old, was.new_price AS new_price_of_old,
    now.old_price AS old_price_of_new, now.new_price AS new_price_of_new
FROM paired AS p
LEFT JOIN action_channels AS was ON was.action_id = p.old_action AND was.channel = p.old_channel
LEFT JOIN action_channels AS now ON now.action_id = p.new_action AND now.channel = p.new_channel
LEFT JOIN new_aside AS na ON na.customer_id = p.customer_id
LEFT JOIN old_aside AS oa ON oa.customer_id = p.customer_id
LEFT JOIN new_listed AS nl ON nl.customer_id = p.customer_id
LEFT JOIN old_listed AS ol ON ol.customer_id = p.customer_id)"""
_PRICES = "old_price_of_old, new_price_of_old, old_price_of_new, new_price_of_new"
EXAMPLE = "customer_id, old_action, old_channel, new_action, new_channel, old_value, new_value, " + _PRICES
CHANGES = f"""SELECT customer_id, kind, reason, old_action AS old_action_id, old_channel,
    new_action AS new_action_id, new_channel, old_value AS old_value_cents, new_value AS new_value_cents,
    old_cost AS old_cost_cents, new_cost AS new_cost_cents, expired, {_PRICES} FROM explained
ORDER BY customer_id, kind, old_slot, new_slot, old_action, old_channel, new_action, new_channel"""


def prepare(
    connection: "duckdb.DuckDBPyConnection",
    old: Path,
    new: Path,
    was: Mapping[str, Any],
    now: Mapping[str, Any],
) -> None:
    """Make the tables ``explained`` (changed rows with their reason), ``action_channels``, ``old``, ``new``.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
    old, new : Path
        Folders of the lists.
    was, now : mapping
        Their manifests.
    """
    complete = {side: _views(connection, side, folder) for side, folder in (("old", old), ("new", new))}
    add_action_channels(connection, was, now)
    for statement in (_DIFFERING, _PAIRED):
        connection.execute(statement)
    for side, kind in (("old", "added"), ("new", "removed")):
        connection.execute(_ASIDE.format(side=side))
        connection.execute(_LISTED.format(side=side, kind=kind))
    values = {f"{side}_complete": has_not_selected for side, has_not_selected in complete.items()}
    connection.execute(_EXPLAINED, values | {"as_of": now["ingredients"].get("as_of")})


def _views(connection: "duckdb.DuckDBPyConnection", side: str, folder: Path) -> bool:
    """Name the rows of a list and of its ``others.parquet``; return whether it has one."""
    rows = connection.sql(f"FROM {parquet_rows(folder / LIST_FILE)}")
    rows.create_view(side)
    rows.project(f"customer_id, {_OF_ROW}").create_view(f"{side}_rows")
    not_selected = folder / NOT_SELECTED_FILE
    if not_selected.is_file():
        connection.sql(f"FROM {parquet_rows(not_selected)}").create_view(f"{side}_not_selected")
        return True
    text = "CAST(NULL AS VARCHAR)"
    connection.execute(
        f"CREATE TEMP VIEW {side}_not_selected AS SELECT {text} AS customer_id, {text} AS arm, "
        f"{text} AS held_out, {text} AS action_id, {text} AS channel WHERE false"
    )
    return False
