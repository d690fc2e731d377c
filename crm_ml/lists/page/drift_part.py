"""What moved between the training of the models and the day of the list."""

from collections.abc import Mapping
from typing import Any, Literal

from crm_ml.pages.charts import Bar, bars
from crm_ml.pages.number_format import DASH, count, listed, share
from crm_ml.pages.html import Child, Html, joined, section, shortened, table, tag

_MOST = 8
_IN_WORDS = {"none": "nothing moved beyond its limit", "warn": "warnings", "stop": "limits are broken"}
_HEAD = ("column", "PSI", "limit", "missing then", "missing now", "median ratio", "unseen or rare", "verdict")
NOTE = (
    "PSI, the population stability index, compares the shares of bins then and now: 0 is no change. Each "
    "column has its own limit, by how far it moved within the training days and by chance. Missing then is "
    "the largest share of a training day."
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
    still = one.get("not_by_psi") or []
    unseen = f"They moved so much within training that PSI says nothing of them: {listed(still)}."
    drawn = [
        Bar(row["name"], row["psi"], f"{row['psi']:.3f} of {row['limit']:.2f}", _style(row)) for row in rows
    ]
    title = f"Columns of {name} that moved most"
    return joined(
        tag("h3", shortened(name, 80)),
        tag("p", _in_words(one, len(rows))),
        _lines(one),
        tag("p", shortened(unseen)) if still else None,
        bars(f"What moved most: PSI of {name}, and its limit", drawn) if drawn else None,
        table(title, list(_HEAD), [_cells(row) for row in rows]) if rows else None,
    )


def _in_words(one: Mapping[str, Any], rows: int) -> str:
    then, now = one.get("customers_then") or 0, one.get("customers") or 0
    said = _IN_WORDS.get(str(one.get("verdict")), "")
    accepted = len(one.get("accepted") or [])
    if accepted:
        said = (
            said.replace("nothing moved", "nothing else moved") + f", {accepted} moved and accepted by name"
        )
    told = f"{count(one.get('columns') or rows, 'column')} compared, {said}; "
    return told + f"{count(now, 'customer')} scored, {count(then)} on the newest training day."


def _lines(one: Mapping[str, Any]) -> Html | None:
    told = [str(reason) for reason in (one.get("reasons") or [])[:_MOST]]
    told += [f"moved, accepted by name: {reason}" for reason in (one.get("accepted") or [])[:_MOST]]
    return tag("ul", *[tag("li", shortened(each)) for each in told], class_="plain") if told else None


def _style(row: Mapping[str, Any]) -> Literal["bar", "strong"]:
    return "strong" if row["psi"] > row["limit"] and row.get("by_psi", True) else "bar"


def _cells(row: Mapping[str, Any]) -> list[Child]:
    verdict = "accepted" if row["accepted"] and row["reason"] else row["verdict"]
    return [
        shortened(row["name"], 80),
        f"{row['psi']:.3f}",
        f"{row['limit']:.3f}" if row.get("by_psi", True) else "not by PSI",
        share(row["missing_then"]),
        share(row["missing_now"]),
        DASH if row["median_ratio"] is None else f"{row['median_ratio']:.2f}",
        count(row["rare_rows"]),
        verdict,
    ]
