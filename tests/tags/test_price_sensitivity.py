"""Who waits for discounts is told from who buys what is cheap for all."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from crm_ml.errors import InputError
from crm_ml.tables import Tables
from crm_ml.tags.price_sensitivity import price_sensitivity

DAY = date(2024, 6, 1)


def shop(rows=6_000, customers=60, seed=0):
    """Return a shop whose first half buys what is cheap for all; every tenth customer saves more often."""
    rng = np.random.default_rng(seed)
    customer = rng.integers(0, customers, rows)
    item = np.where(customer < customers // 2, rng.integers(0, 10, rows), rng.integers(10, 20, rows))
    at = int(pd.Timestamp("2024-05-31").timestamp()) - rng.integers(0, 300 * 86_400, rows)
    offered = np.where(item < 10, 0.5, 0.1) + np.where(customer % 10 == 0, 0.3, 0.0)
    saved = np.where(rng.random(rows) < offered, 25, 0)
    names = [f"c{n:02d}" for n in range(customers)]
    lines = pd.DataFrame(
        {
            "customer_id": np.array(names)[customer],
            "order_id": [f"o{n}" for n in range(rows)],
            "item_id": [f"i{n}" for n in item],
            "ordered_at_epoch_s": at,
            "quantity": 1,
            "paid_cents": 100 - saved,
            "discount_cents": saved,
            "coupon_cents": 0,
        }
    )
    return Tables(customers=pd.DataFrame({"customer_id": names}), order_lines=lines)


def test_saving_beyond_others_is_found_and_what_all_save_is_not():
    scores = price_sensitivity(shop(), DAY)["price_sensitivity"]
    tenth = scores.index.str.endswith("0")
    assert scores[tenth].min() > scores[~tenth].max()
    assert scores[tenth].mean() == pytest.approx(0.3 * 0.25, rel=0.25)
    cheap = scores[~tenth].index < "c30"
    assert abs(scores[~tenth][cheap].mean() - scores[~tenth][~cheap].mean()) < 0.01


def test_it_is_the_mean_of_a_loop_over_others():
    tables = shop(rows=400, customers=7, seed=1)
    lines = tables.pandas("order_lines").assign(week=lambda rows: rows["ordered_at_epoch_s"] // (7 * 86_400))
    share = lines["discount_cents"] / 100

    def less_others(values, cell):
        others = [
            values[(cell == cell[n]) & (lines["customer_id"] != lines["customer_id"][n])] for n in lines.index
        ]
        return values - [other.mean() if len(other) else 0 for other in others], [
            len(other) > 0 for other in others
        ]

    of_item, known = less_others(share, lines["item_id"])
    of_week, in_week = less_others(of_item, lines["week"])
    keep = np.array(known) & np.array(in_week)
    expected = (
        of_week[keep].groupby(lines["customer_id"][keep]).agg(lambda rows: rows.sum() / (len(rows) + 20))
    )
    found = price_sensitivity(tables, DAY)
    np.testing.assert_allclose(found.loc[expected.index, "price_sensitivity"], expected, atol=1e-12)
    assert found["price_sensitivity_lines"].sum() == keep.sum()


def test_later_lines_and_refunds_say_nothing_and_one_customer_can_not_be_compared():
    tables = shop(rows=300)
    lines = tables.pandas("order_lines")
    later = lines.head(9).assign(
        ordered_at_epoch_s=int(pd.Timestamp("2024-06-02").timestamp()), discount_cents=99
    )
    refund = lines.tail(5).assign(quantity=-1, paid_cents=-50)
    more = Tables(
        customers=tables.pandas("customers"), order_lines=pd.concat([lines, later, refund], ignore_index=True)
    )
    pd.testing.assert_frame_equal(price_sensitivity(more, DAY), price_sensitivity(tables, DAY))
    alone = Tables(customers=tables.pandas("customers"), order_lines=lines[lines["customer_id"] == "c01"])
    with pytest.raises(InputError, match="no item was bought by two customers before 2024-06-01"):
        price_sensitivity(alone, DAY)
