"""Who is eligible, who churned, and when labels are refused; checked against plain Python."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from soak import examples

from crm_ml.churn.snapshot_rows import labelled_rows
from crm_ml.churn.target import labels
from crm_ml.errors import InputError
from crm_ml.models.active_customers import eligible
from crm_ml.snapshots import DAY_S, Snapshot
from crm_ml.tables.bundle import Tables

START = int(datetime(2024, 1, 1, tzinfo=UTC).timestamp())
AS_OF = Snapshot("2024-03-01", timedelta(days=28), timedelta(days=2))
WITHIN = timedelta(days=30)


def _tables(orders):
    """Tables of orders given as customer and seconds after 2024-01-01."""
    lines = pd.DataFrame(
        {
            "customer_id": pd.Series([customer for customer, _ in orders], dtype="str"),
            "order_id": pd.Series([str(i) for i in range(len(orders))], dtype="str"),
            "item_id": "x",
            "ordered_at_epoch_s": np.array([START + int(s) for _, s in orders], dtype="int64"),
            "ordered_at": pd.to_datetime([START + int(s) for _, s in orders], unit="s"),
            "quantity": 1,
            "paid_cents": 100,
            "discount_cents": 0,
            "coupon_cents": 0,
        }
    )
    ids = sorted({customer for customer, _ in orders})
    return Tables(customers=pd.DataFrame({"customer_id": pd.Series(ids, dtype="str")}), order_lines=lines)


_edges = [AS_OF.epoch_s - START + days * DAY_S for days in (-30, 0, 2, 30)]
_near = st.builds(lambda edge, step: edge + step, st.sampled_from(_edges), st.sampled_from([-1, 0, 1]))
_order = st.tuples(st.sampled_from("abcdefg"), _near | st.integers(0, 120 * DAY_S))


@examples(25)
@given(st.lists(_order, min_size=1, max_size=60))
@pytest.mark.parametrize("engine", ["pandas", "polars", "duckdb"])
def test_labels_agree_with_plain_python(engine, orders):
    as_of, ends = AS_OF.epoch_s - START, AS_OF.epoch_s - START + 30 * DAY_S
    active = sorted({c for c, s in orders if as_of - 30 * DAY_S <= s < as_of})
    stayed = {c for c, s in orders if as_of + 2 * DAY_S <= s < ends}
    tables = _tables(orders).to(engine)
    assert eligible(tables, AS_OF, WITHIN).tolist() == active
    found = labels(tables, AS_OF, WITHIN, data_ends_at="2024-06-01", minimum=0)
    assert found.to_dict() == {c: int(c not in stayed) for c in active}
    assert found.index.tolist() == active
    assert found.dtype == "int8"


def _shop(customers=60):
    """Everyone orders in February; the first half again in March."""
    february = [(f"c{i:02d}", (32 + i % 20) * DAY_S) for i in range(customers)]
    march = [(f"c{i:02d}", 70 * DAY_S) for i in range(customers // 2)]
    return [*february, *march, ("late", 89 * DAY_S)]


def test_labels_of_a_window_that_the_data_do_not_reach_are_refused():
    tables = _tables(_shop())
    with pytest.raises(InputError, match="2024-03-02 end on 2024-04-01, but the data end on 2024-03-31"):
        labels(tables, AS_OF.shifted(1), WITHIN)
    assert labels(tables, AS_OF, WITHIN).sum() == 30
    assert labels(tables, AS_OF.shifted(1), WITHIN, data_ends_at="2024-04-01").sum() == 30
    with pytest.raises(InputError, match="data end on 2024-03-15"):
        labels(tables, AS_OF, WITHIN, data_ends_at="2024-03-15")


def test_too_few_of_a_class_are_refused_with_advice():
    with pytest.raises(InputError, match="2024-03-01: 9 of 18 rows are positive and 9 negative; at least"):
        labels(_tables(_shop(18)), AS_OF, WITHIN)
    one_class = [order for order in _shop(60) if order[1] < 60 * DAY_S]
    with pytest.raises(InputError, match="60 of 60 rows are positive and 0 negative"):
        labels(_tables(one_class), AS_OF, WITHIN, data_ends_at="2024-06-01")


def test_active_within_must_be_whole_days():
    for wrong in (timedelta(0), timedelta(days=-1), timedelta(hours=30)):
        with pytest.raises(InputError, match="positive number of whole days"):
            eligible(_tables(_shop()), AS_OF, wrong)


def test_labelled_rows_join_features_and_labels_of_each_snapshot():
    tables = _tables(_shop())
    snapshots = [AS_OF, AS_OF.shifted(-7)]
    rows = labelled_rows(tables, snapshots, WITHIN, groups=["rfm", "lifecycle"])
    assert rows.X.index.equals(rows.y.index)
    assert rows.X.index.is_monotonic_increasing
    assert sorted(set(rows.fold)) == ["2024-02-23", "2024-03-01"]
    for snapshot in snapshots:
        alone = rows.at([snapshot])
        assert alone.y.droplevel("as_of").equals(labels(tables, snapshot, WITHIN))
        assert (alone.X["rfm_days_since_order"] <= 30).all()
    with pytest.raises(InputError, match="no rows at 2024-01-05"):
        rows.at([Snapshot("2024-01-05", timedelta(days=28))])
    with pytest.raises(InputError, match="at least one"):
        labelled_rows(tables, [], WITHIN)


def test_small_snapshots_may_be_trained_on_together():
    tables = _tables(_shop(14))
    with pytest.raises(InputError, match="7 of 14 rows are positive"):
        labels(tables, AS_OF, WITHIN)
    rows = labelled_rows(tables, [AS_OF, AS_OF.shifted(-1)], WITHIN, groups=["rfm"])
    assert rows.y.sum() == 14


def test_a_refund_is_neither_activity_nor_staying():
    orders = [
        ("gone", 0),
        ("back", 55 * DAY_S),
        ("back", 70 * DAY_S),
        ("stays", 55 * DAY_S),
        ("stays", 70 * DAY_S),
    ]
    tables = _tables([*orders, ("gone", 50 * DAY_S)])
    lines = tables.order_lines.assign(refund_of=pd.Series([None, None, "1", None, None, "0"], dtype="str"))
    refunded = Tables(customers=tables.customers, order_lines=lines)
    assert labels(refunded, AS_OF, WITHIN, data_ends_at="2024-06-01", minimum=0).to_dict() == {
        "back": 1,
        "stays": 0,
    }
