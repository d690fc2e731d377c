"""Which departments customers buy from: their lines, different items and categories."""

from typing import Any

import narwhals as nw

from crm_ml.features.expressions import count_if, integers, keep_if, total
from crm_ml.features.past import ROW, Past

_PLACE = ("department", "category", "named")
_SUMS = ("lines", "items", "categories")


def department_rows(past: Past) -> "nw.LazyFrame[Any]":
    """Return the departments of each customer, those with the same number of lines in one row.

    Lines of items without a department count for their items alone: they have 0 lines, in department 0.

    Returns
    -------
    narwhals.LazyFrame
        ``row``, ``lines`` of each department, ``departments`` (how many there are with so many lines),
        ``number`` (the least of them, in the order of names), ``items`` and ``categories`` (different ones in
        all of them), ``rank`` (how many departments have as many lines or more).
    """
    counts = _new_by_department(past)
    rows = past.each(counts)
    if past.is_several:
        rows = integers(rows.group_by(ROW, "number").agg(*total(*_SUMS)))
    alike = rows.group_by(ROW, "lines").agg(
        nw.len().alias("departments"), nw.col("number").min(), *total("items", "categories")
    )
    ranked = integers(alike).with_columns(_down=-nw.col("lines"))
    rank = nw.col("departments").cum_sum().over(ROW, order_by="_down").cast(nw.Int64)
    return ranked.with_columns(rank=rank).drop("_down")


def department_names(past: Past) -> "nw.LazyFrame[Any]":
    """Return the ``number`` of each department with its name, ``department``; the tables have items."""
    places = past.once("places", lambda: _places(past))
    return places.filter(nw.col("place") == nw.col("number")).select("number", "department")


def _new_by_department(past: Past) -> "nw.LazyFrame[Any]":
    """Count lines, and the items and categories that are new with them, by customer and department.

    Equal items of a customer follow each other in the order of their numbers, and so do those of a place;
    an item or a place is new in its first line that any snapshot knows.
    """
    numbers = past.once("items", lambda: _numbered(past))
    lines = past.known_lines().select("customer", "known_from", "item_id").join(numbers, on="item_id")
    since = ["known_from"] if past.is_several else []
    by_place = ["place", *since] if since else ["item"]
    item, place = nw.col("item"), nw.col("place")
    lines = lines.with_columns(
        _item=item.shift(1).over("customer", order_by=["item", *since]),
        _place=place.shift(1).over("customer", order_by=by_place),
    )
    is_new = nw.col("_place").is_null() | (nw.col("_place") != place)
    values = {
        "lines": count_if(nw.col("number") > 0),
        "items": count_if(nw.col("_item").is_null() | (nw.col("_item") != item)),
        "categories": keep_if(is_new, nw.col("named")),
    }
    keys = ("customer", "known_from", "number")
    return integers(lines.select(*keys, **values).group_by(*keys).agg(*total(*_SUMS)))


def _numbered(past: Past) -> "nw.LazyFrame[Any]":
    """Return items with numbers by place; integers are compared faster than text.

    Returns
    -------
    narwhals.LazyFrame
        ``item_id``, ``item``, ``place``, ``number`` of the department, and ``named``, 1 if the item has a
        category; the last three are 0 without a department.
    """
    if past.tables.has("items"):
        places = past.once("places", lambda: _places(past))
        items = _placed(past).join(places, on=list(_PLACE), how="left")
        items = items.with_columns(nw.col("place", "number").fill_null(0))
        named = keep_if(nw.col("number") > 0, nw.col("named"))
    else:
        items = past.tables.frame("order_lines").select("item_id").unique("item_id")
        items = items.with_columns(place=nw.lit(0).cast(nw.Int64), number=nw.lit(0).cast(nw.Int64))
        named = nw.lit(0).cast(nw.Int64)
    items = items.select("item_id", "place", "number", named=named, _one=nw.lit(1))
    item = nw.col("_one").cum_sum().over(order_by=["place", "item_id"]).cast(nw.Int64)
    return items.with_columns(item=item).drop("_one")


def _placed(past: Past) -> "nw.LazyFrame[Any]":
    """Return the items; ``named`` is 1 if they have a category."""
    items = past.tables.frame("items").select("item_id", "department", "category")
    return items.with_columns(
        named=count_if(~nw.col("category").is_null()), category=nw.col("category").fill_null("")
    )


def _places(past: Past) -> "nw.LazyFrame[Any]":
    """Return the categories of departments, numbered from 1 by name."""
    items = _placed(past).filter(~nw.col("department").is_null())
    places = items.select(*_PLACE).unique(list(_PLACE)).with_columns(_one=nw.lit(1))
    places = places.with_columns(place=nw.col("_one").cum_sum().over(order_by=list(_PLACE)).cast(nw.Int64))
    return places.with_columns(number=nw.col("place").min().over("department")).drop("_one")
