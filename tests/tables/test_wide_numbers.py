"""Amounts and quantities as large as they come: exact where they fit, else set aside or refused."""

from typing import Any

import pytest
from shop import Shop, any_shop, column_of, only_csv_shop, own_data_folder  # noqa: F401  (fixtures)

LINES = "order_lines"


def priced(shop: Shop, price: Any, quantity: Any, how: dict[str, Any]) -> Any:
    """Load lines of which the first has another price and quantity."""
    shop[LINES]["paid"] = [price, *["1.25" if isinstance(price, str) else 1.25] * 199]
    shop[LINES]["quantity"] = [quantity, *["1" if isinstance(quantity, str) else 1] * 199]
    shop.mapping["tables"][LINES]["columns"]["paid_cents"] = {"column": "paid", "unit": "major"} | how
    return shop.load()


@pytest.mark.parametrize("quantity", [2**63 - 1, -(2**63) + 1, 10**12 + 1])
def test_a_quantity_that_is_none_is_set_aside(shop: Shop, quantity: int) -> None:
    report = priced(shop, 1.0, quantity, {}).report.tables[LINES]
    assert report.quarantined == {"out_of_range_quantity": 1}
    assert report.accepted == 199
