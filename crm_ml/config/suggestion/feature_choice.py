"""Feature groups of a suggested config, and features that it leaves out."""

from collections.abc import Mapping
from typing import Any

import narwhals as nw

from crm_ml.tables.bundle import Tables, to_pandas
from crm_ml.tables.contract import contracts

_FEW_GROUPS = ("rfm", "price", "cadence")
_AGEING = (
    "timing_*", "rfm_orders", "rfm_paid_cents", "cadence_order_days", "cadence_gap_max_days", "basket_items",
    "basket_max_paid_cents", "preference_categories", "preference_departments", "lifecycle_tenure_days",
    "campaign_sent", "campaign_answered",
)  # fmt: skip
_AGEING_REASON = (
    "left out are features that grow with the age of the table, which make later days look unlike earlier"
)
_LEAST_OF_A_LEVEL = 40


def few_groups(tables: Tables) -> dict[str, dict[str, Any]]:
    """Return the groups for families with few rows of the rarer class; attributes where there are any."""
    groups: dict[str, dict[str, Any]] = {name: {} for name in _FEW_GROUPS}
    return groups | ({"attributes": {}} if _attributes(tables) else {})


def left_out(
    tables: Tables, groups: Mapping[str, Any] | None = None, known_days: int | None = None
) -> tuple[list[str], tuple[str, ...]]:
    """Return what a config leaves out, and why.

    Parameters
    ----------
    tables : Tables
    groups : mapping, optional
        Feature groups of the config; all without it.
    known_days : int, optional
        Days that are known before the first training snapshot; sums over more days would grow with it.
    """
    ageing = [name for name in _AGEING if groups is None or name.split("_", 1)[0] in groups]
    if known_days is not None:
        ageing += [f"rfm_*_{days}d" for days in (180, 365) if known_days < days]
    names = _naming(tables)
    reasons = (
        f"left out {', '.join(names)}: no level has {_LEAST_OF_A_LEVEL} customers, so it names them",
    ) if names else ()  # fmt: skip
    return [*ageing, *names], (_AGEING_REASON, *reasons)


def _attributes(tables: Tables) -> list[str]:
    """Return the declared columns of customers."""
    known = {column.name for column in contracts()["customers"].columns}
    known |= {"registered_at_epoch_s", "registered_at_local_s"}
    return [name for name in tables.frame("customers").collect_schema().names() if name not in known]


def _naming(tables: Tables) -> list[str]:
    """Return the features of attributes that name customers in place of groups of them."""
    customers = tables.frame("customers")
    schema = customers.collect_schema()
    names = []
    for name in _attributes(tables):
        if schema[name] == nw.String:
            sizes = customers.filter(~nw.col(name).is_null()).group_by(name).agg(size=nw.len())
            largest = to_pandas(sizes.select(nw.col("size").max()))["size"].iloc[0]
            if not largest >= _LEAST_OF_A_LEVEL:
                names.append(f"attribute_{name}")
    return names
