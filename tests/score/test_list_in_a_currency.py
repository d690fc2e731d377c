"""Yen have no minor unit, dinars a thousand: list, page, console, export and evaluation show major units."""

from datetime import timedelta

import pytest
from rich.console import Console
from score_world import AS_OF, churn_source, frames, settings

from crm_ml import features
from crm_ml.actions.catalog import Action, Catalog
from crm_ml.delivery.loaders import csv_file
from crm_ml.errors import ConfigError
from crm_ml.learning import evaluation_report
from crm_ml.learning.list_evaluation import Question, evaluate
from crm_ml.learning.list_outcomes import Published
from crm_ml.lists import read_list
from crm_ml.pages.number_format import Currency
from crm_ml.score import batch
from crm_ml.score_tables.champion_set import Champions
from crm_ml.tables import Tables

DAY = AS_OF - timedelta(days=14)
REAL_WRITE = features.write
written = {}
SOURCE = "half of a trial of ours came back"
#: Minor units and text of 120 major units: what a row is worth, half of 300 less a cost of 30.
WORTH = {"JPY": (120, "120 JPY"), "KWD": (120_000, "120.000 KWD")}


def world(code):
    content = frames(40)
    content["order_lines"]["currency"] = code
    return Tables(**content).identified(code * 20)


def actions(code):
    simple = Action.simple("coupon", "mail", cost=30, margin=300, effect=0.5, source=SOURCE)
    return Catalog(currency=code, actions=(simple,))


def write_once(tables, snapshot, path, groups=None, constants=None):
    """Compute the features once for all currencies: they are the same."""
    if not written:
        REAL_WRITE(tables, snapshot, path, groups, constants)
        written["features"] = path.read_bytes()
    path.write_bytes(written["features"])


@pytest.mark.parametrize("code", WORTH)
def test_a_list_is_in_the_currency_of_its_tables(project, monkeypatch, code):
    monkeypatch.setattr(features, "write", write_once)
    minor, text = WORTH[code]
    tables, offered = world(code), actions(code)
    batch.run(settings(as_of=DAY, daily_cap=20), offered, tables, Champions([churn_source()]))
    folder = project / "data/lists/test"
    rows = read_list(folder)
    assert set(rows["expected_value_cents"]) == {minor}
    [page] = [path.read_text("utf-8") for path in folder.rglob("*.html")]
    assert text in page
    assert not [other for other in WORTH if other != code and f" {other}" in page]
    csv_file.load(next(folder.glob("2024-*")), project / "csv")
    [loaded] = (project / "csv").rglob("*.csv")
    assert f",{minor}," in loaded.read_text("utf-8")
    with Console(record=True, width=250) as console:
        published = Published.of(next(folder.glob("2024-*")))
        evaluation_report.show(console, evaluate(published, tables, offered, Question(7, 0.5)), "")
    told = console.export_text()
    assert f"what is paid, {code}" in told
    assert f" {Currency(code).number(len(rows) * minor * 30 // 120)} " in told  # the cost of all rows


def test_orders_of_another_currency_than_the_actions_are_refused(project):
    with pytest.raises(ConfigError, match="the actions are in EUR and the orders in JPY; write"):
        batch.run(settings(as_of=DAY), actions("EUR"), world("JPY"), Champions([churn_source()]))
    assert not (project / "data").exists()


@pytest.mark.parametrize("amount", [float("nan"), float("inf"), "3,5", True])
def test_an_amount_is_a_finite_number(amount):
    with pytest.raises(ConfigError, match="is no amount of money; write a finite number"):
        Action.simple("coupon", "mail", cost=amount, margin=300, effect=0.5, source=SOURCE)
