"""The page of a list: one HTML file that explains it to people, without anything from elsewhere."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from crm_ml.lists.page.certificate_part import compared, prices
from crm_ml.lists.page.drift_part import drift
from crm_ml.lists.page.figures import read_figures
from crm_ml.lists.page.funnel_part import funnel
from crm_ml.lists.page.learning_part import evaluated, hold_outs
from crm_ml.lists.page.overview_part import overview, title
from crm_ml.lists.page.sample_rows import sample
from crm_ml.lists.page.volumes_part import action_keys, value_and_cost, volumes
from crm_ml.pages.number_format import Currency, shortened
from crm_ml.pages.render import render

PAGE_FILE = "page.html"
_TEMPLATES = Path(__file__).with_name("templates")


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


def page(folder: Path, facts: Mapping[str, Any], evaluation: Mapping[str, Any] | None = None) -> str:
    """Return the page as text; see `write_page`."""
    currency = Currency(str(facts.get("currency") or ""))
    zone = str(facts.get("timezone") or "UTC")
    figures = read_figures(folder, action_keys(facts), zone)
    return render(
        _TEMPLATES,
        "list.html",
        title=shortened(title(facts), 120),
        overview=overview(facts, figures, currency),
        funnel=funnel(facts),
        volumes=volumes(figures),
        value=value_and_cost(figures, currency),
        prices=prices(facts, figures, currency),
        compared=compared(facts, figures, currency),
        hold_outs=hold_outs(facts, figures, currency),
        evaluation=evaluated(evaluation, currency),
        drift=drift(facts),
        sample=sample(figures, currency, zone),
        zone=zone,
    )
