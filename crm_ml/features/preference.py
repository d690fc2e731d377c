"""Preference: distribution of a customer's order lines over departments."""

from typing import Any

import narwhals as nw

from crm_ml.features.expressions import count_if, integers, keep_if, ratio, total
from crm_ml.features.past import ROW, Past
from crm_ml.tables import Tables

COLUMNS: dict[str, int | str | None] = {
    "preference_top_department": None,
    "preference_top_share": None,
    "preference_second_share": None,
    "preference_third_share": None,
    "preference_concentration": None,
    "preference_departments": 0,
    "preference_categories": 0,
}
_PLACE = ("department", "category", "named")
_SUMS = ("lines", "preference_categories")
_RANKS = {"top": 1, "second": 2, "third": 3}


def compute_each(past: Past) -> "nw.LazyFrame[Any] | None":
    """Compute the largest department by lines, the shares of the three largest and their concentration.

    Lines of items without a department are ignored. The second and third share are 0 if there are fewer
    departments. ``preference_concentration`` is the Herfindahl-Hirschman index of the shares: 1 for a single
    department. ``preference_categories`` counts categories within their department, the same name in two
    departments twice. Ties go to the department whose name sorts first.

    Returns
    -------
    narwhals.LazyFrame or None
        None if the tables have no items.
    """
    if not past.tables.has("items"):
        return None
    items = _placed(past.tables)
    places = past.once("preference places", lambda: _numbered(items))
    placed = items.join(places, on=list(_PLACE), how="inner").select("item_id", "place")
    lines = past.known_lines().select("customer", "known_from", "item_id").join(placed, on="item_id")
    counts = integers(lines.group_by("customer", "place", "known_from").agg(nw.len().alias("lines")))
    counts = counts.with_columns(new=count_if(past.is_first("customer", "place"))).join(places, on="place")
    counts = counts.with_columns(preference_categories=nw.col("new") * nw.col("named"))
    departments = past.each(counts.select("customer", "known_from", "number", *_SUMS))
    departments = integers(departments.group_by(ROW, "number").agg(*total(*_SUMS)))
    names = places.filter(nw.col("place") == nw.col("number")).select(
        "number", preference_top_department=nw.col("department")
    )
    return _shares(departments).join(names, on="number", how="left").drop("number")


def _placed(tables: Tables) -> "nw.LazyFrame[Any]":
    """Return the items with a department; ``named`` is 1 if they also have a category."""
    items = tables.frame("items").select("item_id", "department", "category")
    named = count_if(~nw.col("category").is_null())
    return items.filter(~nw.col("department").is_null()).with_columns(
        named=named, category=nw.col("category").fill_null("")
    )


def _numbered(items: "nw.LazyFrame[Any]") -> "nw.LazyFrame[Any]":
    """Return places numbered by name, and departments by their first place; integers group faster."""
    places = items.select(*_PLACE).unique(list(_PLACE)).with_columns(_one=nw.lit(1))
    places = places.with_columns(place=nw.col("_one").cum_sum().over(order_by=list(_PLACE)).cast(nw.Int64))
    return places.with_columns(number=nw.col("place").min().over("department")).drop("_one")


def _shares(departments: "nw.LazyFrame[Any]") -> "nw.LazyFrame[Any]":
    ranked = departments.with_columns(_down=-nw.col("lines"), _one=nw.lit(1)).with_columns(
        rank=nw.col("_one").cum_sum().over(ROW, order_by=["_down", "number"])
    )
    ranked = ranked.with_columns(
        square=nw.col("lines") * nw.col("lines"),
        first=nw.when(nw.col("rank") == 1).then(nw.col("number")),
        **{name: keep_if(nw.col("rank") == rank, nw.col("lines")) for name, rank in _RANKS.items()},
    )
    sums = ranked.group_by(ROW).agg(
        nw.col("first").max().alias("number"),
        nw.len().alias("preference_departments"),
        *total(*_SUMS, "square", *_RANKS),
    )
    lines = nw.col("lines")
    return integers(sums).select(
        ROW,
        "number",
        "preference_departments",
        "preference_categories",
        preference_concentration=ratio(nw.col("square"), lines * lines),
        **{f"preference_{name}_share": ratio(nw.col(name), lines) for name in _RANKS},
    )
