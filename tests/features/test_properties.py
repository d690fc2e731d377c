"""Short histories drawn by hypothesis, which shrinks a disagreement with the oracle to its smallest case."""

import oracle
from histories import DAY, MIDNIGHT, World
from hypothesis import given
from hypothesis import strategies as st
from soak import examples

from crm_ml import features

GROUPS = ("rfm", "cadence", "habit", "trend", "basket", "preference", "price", "timing", "lifecycle")
ages = st.one_of(
    st.integers(-2 * DAY, 30 * DAY),
    st.builds(lambda days, off: days * DAY + off, st.integers(0, 370), st.integers(-1, 1)),
)
cents = st.integers(-300, 10_000)
lines = st.lists(
    st.tuples(ages, st.integers(0, 3), st.integers(0, 5), cents, cents, cents), min_size=1, max_size=12
)


def world_of(drawn: list[tuple[int, ...]], as_of: int) -> World:
    rows = [
        {
            "customer_id": "a",
            "order_id": f"o{order}",
            "line_id": str(number),
            "item_id": f"i{item}",
            "ordered_at": as_of - age,
            "quantity": 1,
            "paid_cents": paid,
            "discount_cents": discount,
            "refund_of": None,
            "coupon_cents": coupon,
        }
        for number, (age, order, item, paid, discount, coupon) in enumerate(drawn)
    ]
    items = [
        {"item_id": f"i{n}", "department": [None, "b", "a"][n % 3], "category": [None, "c"][n % 2]}
        for n in range(6)
    ]
    customer = {"customer_id": "a", "registered_at": as_of - 500 * DAY, "tier": None, "children": None}
    tables = {"customers": [customer], "order_lines": rows, "items": items}
    return World(tables | {name: [] for name in ("touches", "responses", "events")}, as_of)


@examples(25)
@given(lines, st.sampled_from([MIDNIGHT, MIDNIGHT + 1, MIDNIGHT + 43_211]))
def test_any_history_agrees_with_the_oracle(drawn, as_of):
    world = world_of(drawn, as_of)
    tables = world.tables("polars", without=("touches", "responses", "events"))
    found = features.matrix(tables, world.snapshot(), GROUPS).loc["a"]
    expected = oracle.features(world)
    for group in GROUPS:
        for name, value in expected[group]["a"].items():
            assert oracle.agrees(found[name], value), f"{name}: {found[name]} instead of {value}"
