"""The page of a list: one HTML file that explains it to people, without anything from elsewhere."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from crm_ml.lists.page.certificate_part import compared, prices
from crm_ml.lists.page.drift_part import drift
from crm_ml.lists.page.figures import figures
from crm_ml.pages.number_format import Currency
from crm_ml.lists.page.funnel_part import funnel
from crm_ml.pages.html import Html, shortened, tag
from crm_ml.lists.page.learning_part import evaluated, hold_outs
from crm_ml.lists.page.overview_part import overview, title
from crm_ml.lists.page.sample_rows import sample
from crm_ml.pages.style import style_sheet
from crm_ml.lists.page.volumes_part import key_names, value_and_cost, volumes

__all__ = ["PAGE_FILE", "page", "write_page"]
PAGE_FILE = "page.html"
POLICY = "default-src 'none'; style-src 'unsafe-inline'"
_CONTENTS = {
    "overview": "Figures",
    "funnel": "Funnel",
    "volumes": "Volumes",
    "value": "Value and cost",
    "prices": "Limits",
    "compared": "Simpler ways",
    "hold-outs": "Hold-outs",
    "evaluation": "Last time",
    "drift": "Drift",
    "rows": "Rows",
}


def write_page(folder: Path, facts: Mapping[str, Any], evaluation: Mapping[str, Any] | None = None) -> None:
    """Write ``page.html`` into the folder of a list.

    The bytes depend on the rows, the facts and the evaluation alone. Of customers the page names ids only,
    and of declared attributes no values.

    Parameters
    ----------
    folder : Path
        With ``list.parquet`` and, of newer lists, ``others.parquet``.
    facts : mapping
        The manifest as it will be written; what older lists lack may be missing.
    evaluation : mapping, optional
        What the last evaluated list of this name promised and what came true: list_id, as_of, days,
        ``actions`` (key to rows, controls, promised_cents, realised_cents, low, high) and ``calibration``
        (bins of promised, realised, low, high, rows; ece).
    """
    (folder / PAGE_FILE).write_text(page(folder, facts, evaluation), encoding="utf-8", newline="\n")


def page(folder: Path, facts: Mapping[str, Any], evaluation: Mapping[str, Any] | None = None) -> Html:
    """Return the page as text; see `write_page`."""
    currency = Currency(str(facts.get("currency") or ""))
    found = figures(folder, key_names(facts))
    moved = drift(facts)
    sections = (
        overview(facts, found, currency),
        funnel(facts),
        volumes(found),
        value_and_cost(found, currency),
        prices(facts, found, currency),
        compared(facts, found, currency),
        hold_outs(facts, found, currency),
        evaluated(evaluation, currency),
        moved,
        sample(found, currency),
    )
    named = shortened(title(facts), 120)
    links = [
        tag("li", tag("a", text, href=f"#{name}"))
        for name, text in _CONTENTS.items()
        if name != "drift" or moved
    ]
    contents = tag("nav", tag("ul", *links), aria_label="Contents")
    lead = tag("p", "Who gets which action, why, and what it is expected to be worth.", class_="lead")
    header = tag("header", tag("h1", named), lead, contents)
    footer = tag(
        "footer", tag("p", "Money is expected, not measured, unless it says realised. Times are UTC.")
    )
    return Html(f"<!DOCTYPE html>\n{_document(named, header + tag('main', *sections) + footer)}\n")


def _document(named: str, body: str) -> Html:
    head = (
        tag("meta", charset="utf-8"),
        Html(f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("meta", name="referrer", content="no-referrer"),
        tag("title", named),
        tag("style", Html(style_sheet())),
    )
    return tag("html", tag("head", *head), tag("body", Html(body)), lang="en")
