"""Where each member stands on a day: the tier, how long it holds, and what is missing to the next one."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import narwhals as nw
import numpy as np
import numpy.typing as npt

from crm_ml.membership.tier_rules import TierRules
from crm_ml.snapshots import Snapshot, as_utc
from crm_ml.tables.bundle import Tables, to_pandas
from crm_ml.tables.zones import on_clock

if TYPE_CHECKING:
    import pandas as pd

Ints = npt.NDArray[np.int64]


def standing(tables: Tables, rules: TierRules, as_of: date) -> "pd.DataFrame":
    """Return the tier of each member and the way to the next one.

    Parameters
    ----------
    tables : Tables
    rules : TierRules
    as_of : date
        Only orders strictly before it count.

    Returns
    -------
    pandas.DataFrame
        Indexed by customer_id, ascending; who is known on the day. Columns ``member_tier``;
        ``member_holds_until``, the first day on which it will be lower without further orders (null in the
        lowest tier); ``member_measured``, what the period has brought; ``member_next_tier`` and
        ``member_missing``, what is missing to it in this period (null in the highest tier);
        ``member_missing_to_keep``, what is missing to hold the tier through the next period;
        ``member_days_left`` in the period.
    """
    import pandas as pd

    starts = rules.starts(as_of)
    sums = brought_between(tables, rules, [*starts[:3], as_of]).reindex(_members(tables, as_of), fill_value=0)
    least = np.array([tier.least for tier in rules.tiers])
    reached = np.searchsorted(least, np.maximum(sums.to_numpy(), 0), side="right") - 1
    in_grace = as_of < starts[2] + timedelta(days=rules.grace_days)
    ends = [starts[2] + timedelta(days=rules.grace_days), starts[3] + timedelta(days=rules.grace_days),
            rules.period.end_of(starts[3]) + timedelta(days=rules.grace_days)]  # fmt: skip
    reached[:, 0] *= in_grace
    tier = reached.max(axis=1)
    last = 2 - np.argmax(reached[:, ::-1] == tier[:, None], axis=1)  # the newest period that gives the tier
    names, highest = np.array([each.name for each in rules.tiers], dtype=object), len(rules.tiers) - 1
    measured, above = sums.to_numpy()[:, 2], np.minimum(tier + 1, highest)
    columns: dict[str, Any] = {
        "member_tier": names[tier],
        "member_holds_until": pd.array(np.where(tier > 0, np.array(ends)[last], None), dtype=object),
        "member_measured": measured,
        "member_next_tier": pd.Series(np.where(tier < highest, names[above], None), sums.index, dtype="str"),
        "member_missing": _missing(least[above] - measured, tier < highest),
        "member_missing_to_keep": _missing(np.maximum(least[tier] - measured, 0), tier > 0),
        "member_days_left": (starts[3] - as_of).days,
    }
    return pd.DataFrame(columns, index=sums.index)


def _missing(amount: Ints, where: npt.NDArray[np.bool_]) -> Any:
    import pandas as pd

    return pd.Series(amount, dtype="Int64").where(where).array


def _members(tables: Tables, as_of: date) -> "pd.Index[str]":
    """Return who is known on a day, ascending: registered or with an order before it."""
    import pandas as pd

    day = Snapshot(as_utc(as_of), timedelta(days=1))
    registered = tables.frame("customers")
    if "registered_at_epoch_s" in registered.collect_schema().names():
        registered = day.past(registered, at="registered_at")
    bought = day.past(tables.frame("orders"), at="ordered_at")
    ids = [
        to_pandas(frame.select("customer_id"))["customer_id"].astype(str) for frame in (registered, bought)
    ]
    known: pd.Index[str] = pd.Index(np.unique(np.concatenate(ids)), name="customer_id", dtype="str")
    return known


def brought_between(tables: Tables, rules: TierRules, edges: Sequence[date]) -> "pd.DataFrame":
    """Return what each customer has brought between days, shape (customers, len(edges) - 1), by id.

    Parameters
    ----------
    tables : Tables
    rules : TierRules
    edges : sequence of date
        Ascending; each column counts from one of them on and before the next.
    """
    import pandas as pd

    begins = [int(as_utc(day).timestamp()) for day in edges]
    at = nw.col("ordered_at_epoch_s")
    counted = nw.col(rules.measure if rules.measure == "paid_cents" else "purchase")
    orders = on_clock(tables.frame("orders"), "ordered_at").filter(at >= begins[0], at < begins[-1])
    number = nw.lit(0)
    for place, begin in enumerate(begins[1:-1], 1):
        number = nw.when(at >= begin).then(nw.lit(place)).otherwise(number)
    summed = orders.with_columns(number=number, counted=counted).group_by("customer_id", "number")
    rows = to_pandas(summed.agg(nw.col("counted").sum()))
    known = to_pandas(tables.frame("customers").select("customer_id"))["customer_id"].astype(str)
    index = pd.Index(np.sort(known.to_numpy()), name="customer_id", dtype="str")
    wide = rows.pivot_table(index="customer_id", columns="number", values="counted", aggfunc="sum")
    return wide.reindex(index=index, columns=range(len(edges) - 1)).fillna(0).astype("int64")
