"""Actions shared out within the caps of a list, with what the certificate says of it."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from crm_ml.score.allocation import allocate
from crm_ml.score.catalog import Action

CHUNK_ROWS = 100_000
_LIST = "list"
Values = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Certificate:
    """How good an allotment is.

    Parameters
    ----------
    value_cents : int
        Sum of the values of all rows.
    upper_bound_cents : float
        No allotment within the caps is worth more.
    gap : float
        Part of the bound that is not reached for certain.
    prices_cents : mapping of str to float
        What one more row of an action would be worth, by action_id; caps that do not bind have none.
    list_price_cents : float
        What one more row of the list would be worth.
    compared_cents : mapping of str to int
        What simpler ways earn within the same caps: the best action of each customer in the order of the
        file, or cut to the most valuable.
    """

    value_cents: int
    upper_bound_cents: float
    gap: float
    prices_cents: Mapping[str, float]
    list_price_cents: float
    compared_cents: Mapping[str, int]

    @property
    def facts(self) -> dict[str, Any]:
        """Return it as plain data."""
        return asdict(self)


def allot(weighed: Path, actions: Sequence[Action], daily_cap: int | None, scratch: Path) -> Certificate:
    """Share out actions among customers; write ``allotted.parquet`` into a folder.

    Parameters
    ----------
    weighed : Path
        Parquet of `crm_ml.score.policy.weigh`, ordered by customer_id.
    actions : sequence of Action
    daily_cap : int, optional
        Rows in all.
    scratch : Path
        Gets customer_id, action (its number) and price_paid (cents) of everybody who gets an action.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    values = _values(weighed, len(actions), scratch / "values.npy")
    caps = [action.daily_cap for action in actions]
    found = allocate(
        values,
        action_caps=caps,
        channels=[_LIST] * len(actions),
        channel_caps={} if daily_cap is None else {_LIST: float(daily_cap)},
    )
    rows = np.flatnonzero(found.action >= 0)
    of_action = np.array([found.prices.get(f"cap of action {one}", 0.0) for one in range(len(actions))])
    of_list = found.prices.get(f"cap of channel {_LIST}", 0.0)
    paid = of_action + of_list
    ids = pq.read_table(weighed, columns=["customer_id"])["customer_id"].take(pa.array(rows))
    chosen = found.action[rows]
    table = pa.table({"customer_id": ids, "action": pa.array(chosen, pa.int32()), "price_paid": paid[chosen]})
    pq.write_table(table, scratch / "allotted.parquet")
    return Certificate(
        value_cents=round(found.value),
        upper_bound_cents=found.upper_bound,
        gap=found.gap,
        prices_cents={
            action.action_id: float(price)
            for action, price in zip(actions, of_action, strict=True)
            if price > 0
        },
        list_price_cents=of_list,
        compared_cents=_compared(values, caps, daily_cap),
    )


def _values(weighed: Path, m: int, path: Path) -> Values:
    """Return the values of all pairs, on disk; NaN where a customer may not get the action."""
    import pyarrow.parquet as pq

    names = [f"value_{number}" for number in range(m)]
    with pq.ParquetFile(weighed) as file:
        shape = (file.metadata.num_rows, m)
        if not shape[0]:
            return np.empty(shape)
        values = np.lib.format.open_memmap(path, mode="w+", dtype=np.float64, shape=shape)
        start = 0
        for batch in file.iter_batches(batch_size=CHUNK_ROWS, columns=names):
            for number, name in enumerate(names):
                column = batch[name].cast("float64").to_numpy(zero_copy_only=False)
                values[start : start + len(batch), number] = column
            start += len(batch)
    return values


def _compared(values: Values, caps: Sequence[int | None], daily_cap: int | None) -> dict[str, int]:
    usable = np.where(np.isfinite(values), values, -np.inf)
    if not len(usable):
        return {"in file order": 0, "best action, then cut": 0}
    action = usable.argmax(axis=1)
    best = usable[np.arange(len(usable)), action]
    found = {}
    for name, order in (
        ("in file order", np.arange(len(best))),
        ("best action, then cut", np.argsort(-best, kind="stable")),
    ):
        kept = order[best[order] > 0]
        within = np.zeros(len(best), dtype=np.bool_)
        for number, cap in enumerate(caps):
            within[kept[action[kept] == number][:cap]] = True
        found[name] = round(float(best[kept[within[kept]][:daily_cap]].sum()))
    return found
