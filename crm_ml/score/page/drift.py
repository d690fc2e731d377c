"""What moved between the training of the models and the day of the list."""

from collections.abc import Mapping
from typing import Any

from crm_ml.score.page.charts import Bar, bars
from crm_ml.score.page.figures_in_words import DASH, count, listed, share
from crm_ml.score.page.html import Child, Html, joined, section, shortened, table, tag

_MOST = 8
_IN_WORDS = {"none": "nothing moved beyond its limit", "warn": "warnings", "stop": "limits are broken"}
NOTE = (
    "PSI, the population stability index, compares the shares of bins then and now: 0 is no change. Each "
    "column has its own limit, by how far it moved within the training days and by chance."
)


def drift(facts: Mapping[str, Any]) -> Html | None:
    """Return the section, None where a list says nothing of drift."""
    found = facts.get("drift") or {}
    models, without = found.get("models") or {}, found.get("without_profile") or []
    if not models and not without:
        return None
    lacking = "These models have no profile, so nobody knows whether their data have moved: "
    return section(
        "drift",
        "Drift",
        tag("p", f"{lacking}{listed(without)}.") if without else None,
        *[_model(name, one) for name, one in sorted(models.items())],
        tag("p", NOTE, class_="note") if models else None,
    )


def _model(name: str, one: Mapping[str, Any]) -> Html:
    rows = (one.get("rows") or [])[:_MOST]
    reasons = one.get("reasons") or []
    then, now = one.get("customers_then") or 0, one.get("customers") or 0
    said = _IN_WORDS.get(str(one.get("verdict")), "")
    told = f"{count(one.get('columns') or len(rows), 'column')} compared, {said}; "
    told += f"{count(now, 'customer')} scored, {count(then)} on the newest training day."
    lines = [tag("li", shortened(str(reason))) for reason in reasons[:_MOST]]
    drawn = [
        Bar(
            row["name"],
            row["psi"],
            f"{row['psi']:.3f} of {row['limit']:.2f}",
            "strong" if row["psi"] > row["limit"] else "bar",
        )
        for row in rows
    ]
    cells: list[list[Child]] = [
        [shortened(row["name"], 80), f"{row['psi']:.3f}", f"{row['limit']:.3f}", share(row["missing_then"]),
         share(row["missing_now"]), DASH if row["median_ratio"] is None else f"{row['median_ratio']:.2f}",
         count(row["rare_rows"]), "accepted" if row["accepted"] else row["verdict"]]
        for row in rows
    ]  # fmt: skip
    head = [
        "column",
        "PSI",
        "limit",
        "missing then",
        "missing now",
        "median ratio",
        "unseen or rare",
        "verdict",
    ]
    return joined(
        tag("h3", shortened(name, 80)),
        tag("p", told),
        tag("ul", *lines, class_="plain") if lines else None,
        bars(f"What moved most: PSI of {name}, and its limit", drawn) if drawn else None,
        table(f"Columns of {name} that moved most", head, cells) if cells else None,
    )
