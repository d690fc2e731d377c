"""Preference: distribution of a customer's order lines over departments."""

import narwhals as nw

from crm_ml.features.departments import department_names
from crm_ml.features.expressions import keep_if, ratio
from crm_ml.features.group_sums import GroupSums, Sum
from crm_ml.features.past import Past

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
_TOP = "preference_number"


def sums_each(past: Past) -> GroupSums | None:
    """Return the largest department by lines, the shares of the three largest and their concentration.

    Lines of items without a department are ignored. The second and third share are 0 if there are fewer
    departments. ``preference_concentration`` is the Herfindahl-Hirschman index of the shares: 1 for a single
    department. ``preference_categories`` counts categories within their department, the same name in two
    departments twice. Ties go to the department whose name sorts first.

    Returns
    -------
    GroupSums or None
        None if the tables have no items.
    """
    if not past.tables.has("items"):
        return None
    lines, alike, rank = nw.col("lines"), nw.col("departments"), nw.col("rank")
    sums = {
        "preference_lines": Sum("departments", alike * lines),
        "preference_squares": Sum("departments", alike * lines * lines),
        "preference_departments": Sum("departments", keep_if(lines > 0, alike)),
        "preference_categories": Sum("departments", nw.col("categories")),
        _TOP: Sum("departments", nw.when((rank == alike) & (lines > 0)).then(nw.col("number")), "max"),
    }
    for name, place in _RANKS.items():
        is_there = (rank >= place) & (rank - alike < place)
        sums[f"preference_{name}"] = Sum("departments", keep_if(is_there, lines))
    whole = nw.col("preference_lines")
    columns = {f"preference_{name}_share": ratio(nw.col(f"preference_{name}"), whole) for name in _RANKS}
    columns |= {name: nw.col(name) for name in ("preference_departments", "preference_categories")}
    columns |= {
        "preference_concentration": ratio(nw.col("preference_squares"), whole * whole),
        "preference_top_department": nw.col("department"),
    }
    names = department_names(past).select("department", **{_TOP: nw.col("number")})
    return GroupSums(sums, columns, {_TOP: names})
