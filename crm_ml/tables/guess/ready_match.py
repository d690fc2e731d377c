"""Which ready mapping a header belongs to."""

from collections.abc import Collection
from typing import Final

_FEWEST: Final = 4


def ready_for(names: Collection[str]) -> str | None:
    """Return the ready mapping all of whose source columns are there; of several the one with the most.

    Examples
    --------
    >>> ready_for(["user_id", "event", "timestamp", "revenue", "os"])
    'app_events'
    """
    from crm_ml.tables.ready_mappings import ready_names, source_columns

    present = set(names)
    sizes = {}
    for name in ready_names():
        wanted = frozenset().union(*source_columns(name).values())
        if len(wanted) >= _FEWEST and wanted <= present:
            sizes[name] = len(wanted)
    return max(sizes, key=lambda name: sizes[name], default=None)
