"""Which actions two lists have on which channels, and what a row of each paid for the limits it uses."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import duckdb

Pair = tuple[str, str]
_TABLE = """CREATE TEMP TABLE action_channels (action_id VARCHAR, channel VARCHAR, old_offered BOOLEAN,
new_offered BOOLEAN, old_price DOUBLE, new_price DOUBLE)"""


@dataclass(frozen=True)
class ActionChannels:
    """The actions of a list by channel, and what their rows paid.

    Parameters
    ----------
    manifest : mapping
    paid : mapping of (action, channel) to float
        What a row of an action on a channel paid, cents.
    seen : collection of (action, channel)
        Those with rows in the list or in ``others.parquet``.
    """

    manifest: Mapping[str, Any]
    paid: Mapping[Pair, float | None]
    seen: Collection[Pair]

    def offers(self, pair: Pair) -> bool | None:
        """Return whether an action was offered on a channel, None where an older manifest lacks it."""
        funnel = self.manifest.get("funnel")
        keys = funnel.get("by_offering") if isinstance(funnel, Mapping) else None
        if pair in self.seen:
            return True
        if not keys:
            return None
        action, channel = pair
        alone = action in keys and not any(name == action for name, _ in self.seen)  # channel unknown
        return f"{action}/{channel}" in keys or alone

    def price(self, pair: Pair) -> float | None:
        """Return what a row paid or would have paid, None where it is not known."""
        if self.paid.get(pair) is not None:
            return self.paid[pair]
        allocation = self.manifest.get("allocation") or {}
        prices = allocation.get("prices_cents")
        if prices is None or any(name.startswith("budget ") for name in prices):
            return None
        action, channel = pair
        names = (
            action,
            f"action {action}",
            f"action {action}/{channel}",
            f"stock of {action}",
            f"channel {channel}",
        )
        of_list = float(allocation.get("list_price_cents") or 0.0)
        return of_list + sum(float(prices.get(name, 0.0)) for name in names)


def add_action_channels(
    connection: "duckdb.DuckDBPyConnection", was: Mapping[str, Any], now: Mapping[str, Any]
) -> None:
    """Make the table ``action_channels`` of all actions by channel in the views of either list.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        With the views ``old``, ``new``, ``old_not_selected`` and ``new_not_selected``.
    was, now : mapping
        Manifests of the lists.
    """
    old, new = _action_channels(connection, "old", was), _action_channels(connection, "new", now)
    connection.execute(_TABLE)
    for pair in sorted({*old.seen, *new.seen}):
        facts = [old.offers(pair), new.offers(pair), old.price(pair), new.price(pair)]
        connection.execute("INSERT INTO action_channels VALUES (?, ?, ?, ?, ?, ?)", [*pair, *facts])


def _action_channels(
    connection: "duckdb.DuckDBPyConnection", side: str, manifest: Mapping[str, Any]
) -> ActionChannels:
    rows = connection.sql(f"SELECT action_id, channel, max(price_paid) FROM {side} GROUP BY ALL").fetchall()
    paid = {(action, channel): price for action, channel, price in rows}
    not_selected = connection.sql(
        f"SELECT DISTINCT action_id, channel FROM {side}_not_selected WHERE action_id IS NOT NULL"
    ).fetchall()
    return ActionChannels(manifest, paid, {*paid, *((action, channel) for action, channel in not_selected)})
