"""Preference: how a customer's lines spread over the departments of the assortment."""

from typing import Any

import narwhals as nw

from crm_ml.features.expressions import integers, keep_if, ratio, total
from crm_ml.snapshots import Snapshot
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
_RANKS = {"top": 1, "second": 2, "third": 3}


def compute(tables: Tables, snapshot: Snapshot) -> "nw.LazyFrame[Any] | None":
    """Compute the largest department by lines, the shares of the three largest and their concentration.

    Lines of items without a department are left out of everything here. The second and third share are 0
    where there are fewer departments. ``preference_concentration`` is the Herfindahl-Hirschman index of the
    shares: 1 for one department alone. ``preference_categories`` counts categories within their department,
    the same name in two departments twice. Ties go to the department whose name comes first.

    Returns
    -------
    narwhals.LazyFrame or None
        None where the tables have no items.
    """
    if not tables.has("items"):
        return None
    lines = snapshot.past(tables.frame("order_lines"), at="ordered_at").select("customer_id", "item_id")
    places = tables.frame("items").select("item_id", "department", "category")
    categories = (
        lines.join(places.filter(~nw.col("department").is_null()), on="item_id", how="inner")
        .group_by("customer_id", "department", "category")
        .agg(nw.len().alias("lines"))
    )
    departments = (
        integers(categories)
        .group_by("customer_id", "department")
        .agg(*total("lines"), nw.col("category").count().alias("preference_categories"))
    )
    return _shares(integers(departments))


def _shares(departments: "nw.LazyFrame[Any]") -> "nw.LazyFrame[Any]":
    ranked = departments.with_columns(_down=-nw.col("lines"), _one=nw.lit(1)).with_columns(
        rank=nw.col("_one").cum_sum().over("customer_id", order_by=["_down", "department"])
    )
    ranked = ranked.with_columns(
        square=nw.col("lines") * nw.col("lines"),
        top_name=nw.when(nw.col("rank") == 1).then(nw.col("department")),
        **{name: keep_if(nw.col("rank") == rank, nw.col("lines")) for name, rank in _RANKS.items()},
    )
    sums = ranked.group_by("customer_id").agg(
        nw.col("top_name").max().alias("preference_top_department"),
        nw.len().alias("preference_departments"),
        *total("preference_categories", "lines", "square", *_RANKS),
    )
    lines = nw.col("lines")
    return integers(sums).select(
        "customer_id",
        "preference_top_department",
        "preference_departments",
        "preference_categories",
        preference_concentration=ratio(nw.col("square"), lines * lines),
        **{f"preference_{name}_share": ratio(nw.col(name), lines) for name in _RANKS},
    )
