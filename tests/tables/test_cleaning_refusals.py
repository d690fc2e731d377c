"""Tables that are refused as a whole, all breaches in one message, on CSV and Parquet."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from shop import FIRST_DAY, Shop, any_shop, only_csv_shop, own_data_folder, rows_of  # noqa: F401  (fixtures)

from crm_ml.errors import InputError

Spoil = Callable[[Shop], None]
LINES = "order_lines"


def whole(name: str, column: str, value: Callable[[int], object]) -> Spoil:
    """Spoil a whole column; `value` is given the row, from 0."""

    def spoil(shop: Shop) -> None:
        shop[name][column] = [value(n) for n in range(len(shop[name][column]))]

    return spoil


def without(name: str, column: str) -> Spoil:
    return lambda shop: shop[name].pop(column) and None


def declared(spoil: Spoil, **settings: object) -> Spoil:
    def both(shop: Shop) -> None:
        spoil(shop)
        shop.mapping |= settings

    return both


def in_currencies(shop: Shop) -> None:
    shop[LINES]["currency"] = ["EUR" if n % 4 else "USD" for n in range(200)]


def aware_and_naive(shop: Shop) -> None:
    whole(LINES, "ordered_at", lambda n: f"2024-01-{1 + n % 28:02d}T10:00:00" + ("Z" if n % 2 else ""))(shop)


def aware_in_another_table(shop: Shop) -> None:
    shop.with_campaigns()
    whole("touches", "sent_at", lambda _: "2024-01-01T10:00:00+01:00")(shop)


REFUSED = {
    "column-missing": (without(LINES, "quantity"), None),
    "required-column-missing": (
        without(LINES, "ordered_at"),
        "order_lines: ordered_at is missing; name its column under columns",
    ),
    "mapped-column-missing": (
        without(LINES, "paid"),
        "order_lines: paid_cents reads paid, which the source does not have; present are customer_id",
    ),
    "time-retyped-to-words": (
        whole(LINES, "ordered_at", lambda _: "monday"),
        "ordered_at can't be read as time in 200 of 200 rows (first: row 1), written as aaaaaa; map another",
    ),
    "amount-retyped-to-words": (
        whole(LINES, "paid", lambda _: "much"),
        "order_lines: paid_cents can't be read as cents in 200 of 200 rows (first: row 1)",
    ),
    "quantity-retyped-to-words": (
        whole(LINES, "quantity", lambda _: "two"),
        "order_lines: quantity can't be read as integer in 200 of 200 rows",
    ),
    "mostly-null": (
        whole(LINES, "paid", lambda n: None if n % 4 else 1.5),
        "order_lines: paid_cents is null in 150 of 200 rows (first: row 2); fill them at the source",
    ),
    "naive-and-aware-mixed": (
        aware_and_naive,
        "ordered_at has a time zone in 100 rows and none in 100 rows (first: row 1), written as 9999-99-99",
    ),
    "naive-and-aware-tables": (
        aware_in_another_table,
        "campaigns: starts_at has no time zone, written as 9999-99-99 99:99:99, while sent_at of touches has",
    ),
    "dates-as-integers": (
        whole(LINES, "ordered_at", lambda n: 20240101 + n % 28),
        "ordered_at is",
    ),
    "epoch-in-ms": (
        whole(LINES, "ordered_at", lambda n: 1_704_099_600_000 + n * 86_400_000),
        "ordered_at is",
    ),
    "unknown-customers-above-5-percent": (
        whole(LINES, "customer_id", lambda n: f"c{n // 5:02d}" if n >= 11 else "c99"),
        "customer_id is unknown to customers in 11 of 200 rows (5.50%), written as a99; complete customers",
    ),
    "unknown-items-above-5-percent": (
        whole(LINES, "item_id", lambda n: "i01" if n >= 11 else "i99"),
        "order_lines: item_id is unknown to items in 11 of 200 rows (5.50%), written as a99; complete items",
    ),
    "future-above-0.1-percent": (
        declared(
            whole(LINES, "ordered_at", lambda n: FIRST_DAY + timedelta(days=n if n else 900)),
            known_until="2025-01-01",
        ),
        "order_lines: ordered_at is at or after known_until in 1 of 200 rows (first: row 1)",
    ),
    "all-orders-on-one-day": (
        whole(LINES, "ordered_at", lambda n: FIRST_DAY + timedelta(minutes=n)),
        "order_lines: all 100 orders are on 2024-01-01; map the time of the order",
    ),
    "mixed-currencies": (
        in_currencies,
        "order_lines: currency is mixed (EUR in 150 rows, USD in 50 rows); give currency.rates or convert",
    ),
    "other-currency-than-declared": (
        declared(whole(LINES, "currency", lambda _: "EUR"), currency={"code": "USD"}),
        "order_lines: currency is mixed (EUR in 200 rows)",
    ),
    "ids-differ-in-type": (
        whole("items", "item_id", lambda n: f"{n}.0"),
        "order_lines: item_id is text while item_id of items is a float written as text",
    ),
    "major-amounts-declared-minor": (
        lambda s: s.mapping["tables"][LINES]["columns"].update(paid_cents="paid"),
        "order_lines: paid_cents has a fraction of a cent in 200 of 200 rows (first: row 1)",
    ),
    "nothing-left": (
        whole(LINES, "customer_id", lambda n: "  " if n else "c\x00"),
        "order_lines: no row of 200 is left (199 blank_customer_id, 1 nul_in_customer_id), written",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_table_is_refused(shop: Shop, case: str) -> None:
    spoil, message = REFUSED[case]
    if case in ("mixed-currencies", "other-currency-than-declared"):
        shop[LINES]["currency"] = [""] * 200
    spoil(shop)
    if message is None:
        assert [row[6] for row in rows_of(shop.load(), LINES)] == [1] * 200
        return
    with pytest.raises(InputError) as refused:
        shop.load()
    assert message in str(refused.value)
    assert refused.value.exit_code == 2
    assert "\n" not in str(refused.value)
    assert not list((shop.folder / "data" / "tables").glob("*"))


def test_all_breaches_of_all_tables_in_one_message(shop: Shop) -> None:
    shop.with_campaigns()
    shop["customers"]["name"] = shop["customers"].pop("customer_id")
    shop[LINES].pop("ordered_at")
    shop[LINES].pop("order_id")
    whole("responses", "responded_at", lambda _: "soon")(shop)
    shop.tables["touches"] = {name: [] for name in shop["touches"]}
    with pytest.raises(InputError) as refused:
        shop.load()
    lines = str(refused.value).splitlines()
    assert [line.split(" is ")[0].split(" can't")[0] for line in lines[:4]] == [
        "customers: customer_id",
        "order_lines: order_id",
        "order_lines: ordered_at",
        "responses: responded_at",
    ]
    assert lines[4:] == ["touches: has no rows; export it again or leave the table out"]


@pytest.mark.parametrize(
    ("mine", "theirs", "told"),
    [
        (lambda n: f"i{(n * 7) % 20:02d}", lambda n: n, "item_id is text while item_id of items is integer"),
        (lambda n: (n * 7) % 20, lambda n: f"{n}", "item_id is integer while item_id of items is text"),
        (
            lambda n: float(n % 20),
            lambda n: n,
            "item_id is an id of type DOUBLE, written as 9.9; cast it to text at the source",
        ),
        (
            lambda _: True,
            lambda n: n,
            "item_id is an id of type BOOLEAN, written as aaaa; map another column",
        ),
        (lambda n: FIRST_DAY + timedelta(days=n), lambda n: n, "item_id is an id of type TIMESTAMP"),
    ],
    ids=["integer-against-text", "text-against-integer", "float", "boolean", "time"],
)
def test_id_types_in_parquet(
    tmp_path: Path, mine: Callable[[int], object], theirs: Callable[[int], object], told: str
) -> None:
    shop = Shop(tmp_path, "parquet")
    whole(LINES, "item_id", mine)(shop)
    whole("items", "item_id", theirs)(shop)
    with pytest.raises(InputError, match=told):
        shop.load()


@pytest.mark.parametrize(
    ("column", "value", "told"),
    [
        ("ordered_at", lambda n: n % 2 == 0, "ordered_at is a time and the source has type BOOLEAN"),
        ("ordered_at", float, "ordered_at is a time and the source has type DOUBLE"),
        (
            "paid",
            lambda n: FIRST_DAY + timedelta(days=n),
            "paid_cents is money and the source has type TIMESTAMP",
        ),
        ("quantity", lambda n: n % 2 == 0, "quantity is of kind integer and the source has type BOOLEAN"),
    ],
    ids=["time-boolean", "time-float", "money-time", "integer-boolean"],
)
def test_retyped_columns_in_parquet(
    tmp_path: Path, column: str, value: Callable[[int], object], told: str
) -> None:
    shop = Shop(tmp_path, "parquet")
    whole(LINES, column, value)(shop)
    with pytest.raises(InputError, match=told):
        shop.load()


def test_dates_as_integers_advise_a_declaration(tmp_path: Path) -> None:
    shop = Shop(tmp_path, "parquet")
    whole(LINES, "ordered_at", lambda n: 20240101 + n % 28)(shop)
    with pytest.raises(InputError, match='type BIGINT, written as 99999999; declare format: "%Y%m%d"'):
        shop.load()
    shop.mapping["tables"][LINES]["columns"]["ordered_at"] = {"column": "ordered_at", "format": "%Y%m%d"}
    assert rows_of(shop.load(), LINES)[0][4] == datetime(2024, 1, 1)


def test_a_declared_epoch_in_ms_is_read(shop: Shop) -> None:
    whole(LINES, "ordered_at", lambda n: 1_704_099_600_000 + (n // 2) * 86_400_000)(shop)
    shop.mapping["tables"][LINES]["columns"]["ordered_at"] = {"column": "ordered_at", "epoch": "ms"}
    assert rows_of(shop.load(), LINES)[0][4:6] == (FIRST_DAY, 1_704_099_600)


def test_rates_bring_money_to_one_currency(shop: Shop) -> None:
    in_currencies(shop)
    shop.mapping["currency"] = {"code": "EUR", "rates": {"USD": "0.92"}}
    lines = rows_of(shop.load(), LINES)
    assert [row[7] for row in lines[:2]] == [115, 225]
    assert {row[10] for row in lines} == {"EUR"}


@pytest.mark.parametrize(
    ("factor", "outcome"),
    [(1, "silent"), (6, "warned"), (1 / 6, "warned"), (100, "refused"), (0.01, "refused")],
)
def test_medians_beside_a_recorded_profile(shop: Shop, factor: float, outcome: str) -> None:
    whole(LINES, "paid", lambda n: 100.0 + n % 3)(shop)
    (shop.folder / "profile.json").write_text(json.dumps({LINES: {"paid_cents": round(10_100 * factor)}}))
    shop.mapping["profile"] = "profile.json"
    if outcome == "refused":
        with pytest.raises(
            InputError, match=r"order_lines: the median of paid_cents is 10,100, recorded was"
        ):
            shop.load()
        return
    report = shop.load().report
    assert report.profile[LINES]["paid_cents"] == 10_100
    assert bool(report.tables[LINES].warnings) == (outcome == "warned")
