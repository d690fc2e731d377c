"""The page of a membership on a day: tiers, who may rise, and what the points will cost; it names nobody."""

from pathlib import Path
from typing import TYPE_CHECKING

from crm_ml.membership.liability import Liability
from crm_ml.membership.next_tier import NextTier
from crm_ml.pages.charts import Bar, BarChart
from crm_ml.pages.number_format import count, share
from crm_ml.pages.render import render

if TYPE_CHECKING:
    import pandas as pd

    from crm_ml.membership.membership_run import Membership

_TEMPLATES = Path(__file__).with_name("templates")


def page_of(
    settings: "Membership", members: "pd.DataFrame", chance: NextTier | None, owed: Liability | None
) -> str:
    """Return the page as text."""
    sizes = members["member_tier"].value_counts().to_dict()
    names = [tier.name for tier in settings.tiers]
    return render(
        _TEMPLATES,
        "membership.html",
        title=f"Members on {settings.as_of}",
        sizes=BarChart([_bar(name, int(sizes.get(name, 0)), len(members)) for name in names]),
        head=["tier", "members", "to keep it, on average missing", "to the next, on average missing",
              "expected to rise by the end of the period"],
        rows=[_row(name, members[members["member_tier"] == name]) for name in names],
        days_left=count(int(members["member_days_left"].iloc[0]), "day"),
        chance=None if chance is None else str(chance),
        points=None if owed is None else _points(owed),
        breakage=[] if owed is None else _breakage(owed),
    )  # fmt: skip


def _bar(name: str, members: int, of: int) -> Bar:
    return Bar(name, members, f"{count(members)} · {share(members, of)}")


def _row(name: str, members: "pd.DataFrame") -> list[str]:
    cells = [name, count(len(members))]
    for column in ("member_missing_to_keep", "member_missing"):
        mean = members[column].dropna().astype(float).mean() if len(members) else float("nan")
        cells.append("" if mean != mean else count(round(mean)))
    rises = members["member_p_next"].sum() if "member_p_next" in members else 0
    return [*cells, count(round(float(rises))) if rises else ""]


def _points(owed: Liability) -> dict[str, str]:
    redeemed, cost = owed.redeemed, owed.cost_cents
    return {
        "points that members hold": count(owed.outstanding),
        "of these spent within a year": f"{redeemed.value:,.0f} [{redeemed.low:,.0f}, {redeemed.high:,.0f}]",
        "which costs, in minor units": f"{cost.value:,.0f} [{cost.low:,.0f}, {cost.high:,.0f}]",
    }


def _breakage(owed: Liability) -> list[list[str]]:
    table = owed.breakage
    kept = table[(table["months"] % 3 == 0) | (table.index == len(table) - 1)]
    return [
        [f"{row['months']:.0f} months", share(row["spent"]), share(row["expired"])]
        for row in kept.to_dict(orient="records")
    ]
