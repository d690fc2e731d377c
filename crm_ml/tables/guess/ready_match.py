"""Which ready mapping a header belongs to."""

from collections.abc import Collection
from typing import Final

from crm_ml.tables.mapping import parse_mapping
from crm_ml.tables.ready_mappings import ready_names

_FEWEST: Final = 4


def ready_for(names: Collection[str]) -> str | None:
    """Return the ready mapping all of whose source columns are there; of several the one with the most.

    Examples
    --------
    >>> ready_for(["user_id", "event", "timestamp", "revenue", "os"])
    'app_events'
    """
    present = set(names)
    sizes = {}
    for name in ready_names():
        wanted = frozenset().union(*_source_columns(name).values())
        if len(wanted) >= _FEWEST and wanted <= present:
            sizes[name] = len(wanted)
    return max(sizes, key=lambda name: sizes[name], default=None)


def _source_columns(name: str) -> dict[str, frozenset[str]]:
    """Return the source columns that the columns of each table of a ready mapping read."""
    mapping = parse_mapping({"name": name, "like": name}, name)
    return {
        table: frozenset(theirs for how in of_table.columns.values() for theirs in how.theirs)
        for table, of_table in mapping.tables.items()
        if of_table.ids_of is None
    }
