"""What the nightly command prints of a list: money in the major unit of the list's currency."""

from collections import defaultdict
from io import StringIO
from types import SimpleNamespace

import pytest
from rich.console import Console

from crm_ml.score.__main__ import show
from crm_ml.storage.manifest import write_manifest


@pytest.mark.parametrize(
    ("code", "value", "cost", "price"),
    [
        ("EUR", "12.34 EUR", "0.30 EUR", "0.12 EUR"),
        ("JPY", "1,234 JPY", "30 JPY", "12 JPY"),
        ("KWD", "1.234 KWD", "0.030 KWD", "0.012 KWD"),
    ],
)
def test_money_is_shown_in_the_major_unit(tmp_path, code, value, cost, price):
    write_manifest(tmp_path, currency=code)
    certificate = SimpleNamespace(
        value_cents=1_234,
        upper_bound_cents=1_300.4,
        compared_customers=3,
        compared_cents={"greedy": 1_000},
        prices_cents={"action coupon": 12.0},
    )
    funnel = SimpleNamespace(customers=3, left=defaultdict(int))
    outcome = SimpleNamespace(
        list_id="ab",
        folder=tmp_path,
        funnel=funnel,
        certificate=certificate,
        rows=3,
        expected_value_cents=1_234,
        cost_cents=30,
        drift={},
    )
    printed = StringIO()
    show(Console(file=printed, width=100), outcome)
    text = printed.getvalue()
    assert value in text
    assert cost in text
    assert f"One more row of coupon is worth {price}" in text
    assert "cents" not in text
