"""The page of the tags of a day: reach, moves since an earlier day, and which tags share customers."""

from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from crm_ml.pages.charts import Bar, BarChart
from crm_ml.pages.number_format import count, share
from crm_ml.pages.render import render
from crm_ml.storage.whole_file import write_text
from crm_ml.tags.block_truths import tag_node
from crm_ml.tags.packed_facts import Plane

if TYPE_CHECKING:
    from crm_ml.tags.tag_planes import TagPlanes

_TEMPLATES = Path(__file__).with_name("templates")
_PAIRS, _MOST_TAGS = 20, 100


def write_page(store: "TagPlanes", path: Path, before: "TagPlanes | None" = None) -> None:
    """Write the page of a store, with the moves since an earlier one; it names no customer.

    Parameters
    ----------
    store : TagPlanes
    path : Path
    before : TagPlanes, optional
        With the same catalogue.
    """
    write_text(path, page_of(store, before))


def page_of(store: "TagPlanes", before: "TagPlanes | None" = None) -> str:
    """Return the page as text."""
    counts, tags = reach_of(store), store.catalogue.tags
    customers = sum(next(iter(counts.values())).values())
    moved = {} if before is None else moves(store, before)
    ordered = sorted(tags, key=lambda name: (tags[name].group, name))
    rows = []
    for name in ordered:
        entered, left = moved.get(name, (0, 0))
        reach = counts[name]
        since = [count(entered), count(left)] if moved else []
        cells = [count(reach["true"]), share(reach["true"], customers), count(reach["unknown"]), *since]
        rows.append([name, tags[name].group, tags[name].description, *cells])
    since_head = ["new", "left"] if moved else []
    widest = sorted(ordered, key=lambda name: (-counts[name]["true"], name))
    return render(
        _TEMPLATES,
        "tags.html",
        title=f"Tags of {store.as_of}",
        before=None if before is None else str(before.as_of),
        tiles={"customers": count(customers), "tags": count(len(tags))},
        head=["tag", "group", "who has it", "customers", "share", "unknown", *since_head],
        rows=rows,
        reach=BarChart([_bar(name, counts[name]["true"], customers) for name in widest[:_PAIRS]]),
        pairs=[
            [f"{first} and {other}", count(both), share(both, smaller), f"{lift:.1f}"]
            for first, other, both, smaller, lift in overlaps(store)[:_PAIRS]
        ],
        rules=[[name, " | ".join(tags[name].rules()), tags[name].owner or "nobody"] for name in ordered],
    )


def moves(store: "TagPlanes", before: "TagPlanes") -> dict[str, tuple[int, int]]:
    """Return how many customers got and lost each tag; who is new or gone since is counted in neither."""
    found = {}
    for name in store.catalogue.tags:
        entered = left = 0
        pairs = zip(store.truths(tag_node(name)), before.truths(tag_node(name)), strict=False)
        for (now, _), (was, _) in pairs:
            was_now = now[: len(was)]
            entered += int(np.bitwise_count(was_now & ~was).sum())
            left += int(np.bitwise_count(was & ~was_now).sum())
        found[name] = entered, left
    return found


def overlaps(store: "TagPlanes") -> list[tuple[str, str, int, int, float]]:
    """Return pairs of tags by lift, the greatest first: names, customers of both and of the smaller, lift.

    The lift is the share of customers with both over what it would be if the tags had nothing to do with each
    other. Pairs of the hundred widest tags are compared; one that has a hundredth of the other is left out.
    """
    reach = reach_of(store)
    counts = {name: each["true"] for name, each in reach.items()}
    widest = sorted(counts, key=lambda name: (-counts[name], name))[:_MOST_TAGS]
    planes = {name: [true for true, _ in store.truths(tag_node(name))] for name in widest}
    everybody = sum(next(iter(reach.values())).values())
    found = []
    for first, other in combinations(widest, 2):
        smaller, larger = sorted((counts[first], counts[other]))
        if smaller * 100 < larger or not smaller:
            continue
        both = _shared(planes[first], planes[other])
        found.append((first, other, both, smaller, both * everybody / (smaller * larger)))
    return sorted(found, key=lambda row: (-row[4], row[0], row[1]))


def reach_of(store: "TagPlanes") -> dict[str, dict[str, int]]:
    """Return of how many customers each tag is true, false and unknown."""
    return {
        str(name): {str(side): int(each) for side, each in row.items()}
        for name, row in store.counts().to_dict(orient="index").items()
    }


def _shared(first: list[Plane], other: list[Plane]) -> int:
    return sum(int(np.bitwise_count(one & two).sum()) for one, two in zip(first, other, strict=True))


def _bar(name: str, customers: int, of: int) -> Bar:
    return Bar(name, customers, f"{count(customers)} · {share(customers, of)}")
