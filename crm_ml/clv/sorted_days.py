"""Customer summaries by one sort in memory: of few lines a third faster than grouping by text."""

from typing import TYPE_CHECKING

import numpy as np

from crm_ml.clv.purchase_histories import Ints
from crm_ml.snapshots import DAY_S, Snapshot

if TYPE_CHECKING:
    import pyarrow as pa

MOST_ROWS = 1_000_000  # of more, DuckDB groups as fast, and in bounded memory


def sorted_customers(lines: "pa.Table", snapshot: Snapshot, pack: int) -> "pa.Table":
    """Return one row per customer, ordered by customer_id: first, last_ago, days, cents and most.

    Same result as the grouping in `crm_ml.clv.summary`, for lines without refunds: ids become numbers,
    and customer and day one integer that is sorted once.

    Parameters
    ----------
    lines : pyarrow.Table
        customer_id, ordered_at_epoch_s and paid_cents (at least 0), all before the snapshot; not empty.
    snapshot : Snapshot
    pack : int
        ``first`` is ``days ago * pack + cents`` of the first day.
    """
    import pyarrow as pa

    names, customer = _numbered(lines["customer_id"])
    ago = (snapshot.epoch_s - 1 - lines["ordered_at_epoch_s"].to_numpy()) // DAY_S
    most = int(ago.max()) + 1
    key = customer * most + (most - 1 - ago)  # customer, then day
    order = _order(key)
    key = key[order]
    day = np.flatnonzero(np.diff(key, prepend=-1))
    cents = np.add.reduceat(lines["paid_cents"].to_numpy()[order], day)
    owner, days_ago = customer[order[day]], ago[order[day]]
    first = np.flatnonzero(np.diff(owner, prepend=-1))
    last = np.append(first[1:], len(owner)) - 1
    return pa.table(
        {
            "customer_id": names,
            "first": days_ago[first] * pack + cents[first],
            "last_ago": days_ago[last],
            "days": last - first + 1,
            "cents": np.add.reduceat(cents, first),
            "most": np.maximum.reduceat(cents, first),
        }
    )


def _order(key: Ints) -> Ints:
    """Return the order that sorts keys of 0 or more: 16 bits at a time, which numpy sorts by counting."""
    order = np.argsort((key & 0xFFFF).astype(np.uint16), kind="stable")
    for shift in range(16, int(key.max()).bit_length(), 16):
        digit = ((key >> shift) & 0xFFFF).astype(np.uint16)
        order = order[np.argsort(digit[order], kind="stable")]
    return order


def _numbered(ids: "pa.ChunkedArray") -> "tuple[pa.Array, Ints]":
    """Return the distinct ids in ascending order, and the position of each row's id among them."""
    import pyarrow.compute as pc

    coded = ids.combine_chunks().dictionary_encode()
    order = pc.sort_indices(coded.dictionary)
    rank = np.empty(len(order), dtype=np.int64)
    rank[order.to_numpy()] = np.arange(len(order))
    return coded.dictionary.take(order), rank[coded.indices.to_numpy()]
