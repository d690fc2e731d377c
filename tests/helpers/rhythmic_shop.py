"""A shop whose customers come back at gaps that a test names, some of whom stay away for good."""

from datetime import date

import numpy as np
import pandas as pd

from crm_ml.tables import Tables

FIRST = date(2023, 1, 2)


def rhythmic_shop(customers=120, gap_days=21, days=400, staying=0.6, first=FIRST):
    """Return tables of customers who order every `gap_days` days until the end, or until they leave."""
    draw = np.random.default_rng(5)
    start = (first - date(1970, 1, 1)).days
    rows = []
    for number in range(customers):
        begins = number % gap_days
        leaves = days if number < staying * customers else int(draw.integers(gap_days, days))
        rows += [(f"c{number:03d}", start + day) for day in range(begins, leaves, gap_days)]
    rows.append(("c000", start + days - 1))  # so that the last day has an order
    frame = pd.DataFrame(rows, columns=["customer_id", "day"])
    lines = frame.assign(
        order_id=[str(number) for number in range(len(frame))],
        item_id=[f"i{number % 40:02d}" for number in range(len(frame))],
        ordered_at_epoch_s=frame["day"] * 86_400 + 36_000,
        quantity=1, paid_cents=500 + 7 * (np.arange(len(frame)) % 90), discount_cents=0, coupon_cents=0,
    ).drop(columns="day").astype({"paid_cents": "int64"})  # fmt: skip
    return Tables(customers=lines[["customer_id"]].drop_duplicates(), order_lines=lines)
