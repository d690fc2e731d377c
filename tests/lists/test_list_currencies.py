"""Amounts on pages and in differences have the digits of the currency of the list."""

import pytest

from crm_ml.actions.catalog import Action
from crm_ml.lists.diff.change_reasons import change_in_words
from crm_ml.pages.number_format import Currency

SHOWN = {
    "EUR": "1,234.56 EUR",
    "JPY": "123,456 JPY",
    "KWD": "123.456 KWD",
    "UYI": "123,456 UYI",
    "": "1,234.56",
}


@pytest.mark.parametrize("code", SHOWN)
def test_minor_units_are_shown_in_the_major_one(code):
    assert Currency(code).amount(123_456) == SHOWN[code]
    number = SHOWN[code].removesuffix(f" {code}")
    assert change_in_words("worth", (0, 123_456), currency=code).endswith(f" to {number}")
    rose = change_in_words("capacity", (100, None), "coupon", (1.0, 123_456.0), code)
    assert rose.endswith(f" to {number}")


@pytest.mark.parametrize(
    ("code", "cost", "margin"), [("EUR", 29, 300), ("JPY", 0, 3), ("KWD", 290, 3_000), ("", 29, 300)]
)
def test_a_simple_action_is_in_the_minor_unit_of_its_currency(code, cost, margin):
    simple = Action.simple(
        "a", "mail", cost=0.29, margin=3.0, effect=0.1, source="a trial of ours", currency=code
    )
    assert (simple.value.cost_cents, simple.value.margin_cents) == (cost, margin)
