"""Amounts and quantities as large as they come: exact where they fit, else set aside or refused."""

from typing import Any

import pytest
from shop import Shop, any_shop, column_of, only_csv_shop, own_data_folder  # noqa: F401  (fixtures)

from crm_ml.errors import InputError

LINES = "order_lines"


def priced(shop: Shop, price: Any, quantity: Any, how: dict[str, Any]) -> Any:
    """Load lines of which the first has another price and quantity."""
    shop[LINES]["paid"] = [price, *["1.25" if isinstance(price, str) else 1.25] * 199]
    shop[LINES]["quantity"] = [quantity, *["1" if isinstance(quantity, str) else 1] * 199]
    shop.mapping["tables"][LINES]["columns"]["paid_cents"] = {"column": "paid", "unit": "major"} | how
    return shop.load()


@pytest.mark.parametrize(
    ("price", "quantity", "cents"),
    [
        (500_000.0, 3, 150_000_000),
        (1_000_000.0, 1, 100_000_000),
        (0.05, 1_000_000, 5_000_000),
        ("1234567890123.45", "2", 246_913_578_024_690),
    ],
)
def test_prices_times_quantities(shop: Shop, price: Any, quantity: Any, cents: int) -> None:
    assert column_of(priced(shop, price, quantity, {"times": "quantity"}), LINES, "paid_cents")[0] == cents


@pytest.mark.parametrize("price", [1e12, "1000000000000.00", "12345678901234.56", 99_999_999_999.99])
def test_amounts_of_a_trillion(shop: Shop, price: Any) -> None:
    right = round(float(price) * 100) if isinstance(price, float) else int(price.replace(".", ""))
    assert column_of(priced(shop, price, 1, {}), LINES, "paid_cents")[0] == right


@pytest.mark.parametrize("how", [{}, {"times": "quantity"}])
@pytest.mark.parametrize("price", ["1e25", "9" * 30, "1e300"])
def test_one_amount_beyond_all_is_set_aside(csv_shop: Shop, price: str, how: dict[str, Any]) -> None:
    report = priced(csv_shop, price, "3", how).report.tables[LINES]
    assert report.accepted == 199
    assert set(report.quarantined) <= {"unreadable_paid_cents", "out_of_range_paid_cents"}


@pytest.mark.parametrize("quantity", [2**63 - 1, -(2**63) + 1, 10**12 + 1])
def test_a_quantity_that_is_none_is_set_aside(shop: Shop, quantity: int) -> None:
    report = priced(shop, 1.0, quantity, {}).report.tables[LINES]
    assert report.quarantined == {"out_of_range_quantity": 1}
    assert report.accepted == 199


def test_amounts_whose_sum_fits_no_integer_refuse(csv_shop: Shop) -> None:
    csv_shop[LINES]["paid"] = ["80000000000000000"] * 200
    with pytest.raises(InputError, match="paid_cents adds up to more than 9,223,372,036,854,775,807"):
        csv_shop.load()
