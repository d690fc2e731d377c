"""Planes of bits of a block of customers: made from features, and changed where customers changed."""

from collections.abc import Collection
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from crm_ml.tags.block_truths import BlockTruths
from crm_ml.tags.catalogue import TagCatalogue
from crm_ml.tags.layout import PRESENT, Layout
from crm_ml.tags.packed_facts import Column, Plane, pack

if TYPE_CHECKING:
    import pandas as pd

Numbers = npt.NDArray[np.int64]


def block_of(catalogue: TagCatalogue, layout: Layout, frame: "pd.DataFrame") -> Plane:
    """Return the planes of customers whose features and scores are the rows of a frame."""
    block = np.zeros((layout.planes, -(-len(frame) // 8)), dtype=np.uint8)
    block[PRESENT] = pack(np.ones(len(frame), dtype=bool))
    _write_facts(block, layout, frame, layout.columns)
    remember(catalogue, layout, block, block)
    return block


def changed_block(
    catalogue: TagCatalogue,
    layout: Layout,
    before: Plane,
    rows: int,
    changed: "tuple[Numbers, pd.DataFrame]",
    everybody: "pd.DataFrame | None",
    gone: Numbers,
) -> Plane:
    """Return the planes of a block after some of its customers changed.

    Parameters
    ----------
    catalogue : TagCatalogue
    layout : Layout
    before : numpy.ndarray of uint8, shape (planes, bytes)
    rows : int
        Customers of the block now.
    changed : numpy.ndarray of int, shape (k,) and pandas.DataFrame, shape (k, columns)
        Places in the block, ascending, and the new values of all columns.
    everybody : pandas.DataFrame, shape (rows, columns), optional
        Columns that have new values for all customers of the block, by place.
    gone : numpy.ndarray of int
        Places of customers who are none any more.
    """
    block = np.zeros((layout.planes, -(-rows // 8)), dtype=np.uint8)
    block[:, : before.shape[1]] = before
    places, frame = changed
    if len(places):
        from crm_ml.tags.bit_kernels import scatter

        scatter(block, places, block_of(catalogue, layout, frame), len(block) - len(layout.remembering))
    if everybody is not None:
        _write_facts(block, layout, everybody, [name for name in layout.columns if name in everybody])
    for place in gone:
        block[:, place >> 3] &= np.uint8(~(1 << (place & 7)) & 0xFF)
    remember(catalogue, layout, block, block)
    return block


def remember(catalogue: TagCatalogue, layout: Layout, block: Plane, before: Plane) -> None:
    """Write who has each tag with a memory, of those who had it before."""
    if not layout.remembering:
        return
    truths = BlockTruths(catalogue, layout, block)
    for name in catalogue.order():
        if name in layout.memory:
            plane = layout.memory[name]
            block[plane] = truths.entered(name, before[plane])


def _write_facts(block: Plane, layout: Layout, frame: "pd.DataFrame", names: Collection[str]) -> None:
    facts = {name: [fact for fact in layout.facts if fact.column == name] for name in names}
    for name in names:
        column = Column.of(frame[name])
        block[layout.known[name]] = column.known()
        for fact in facts[name]:
            block[layout.fact[fact]] = column.test(fact)
