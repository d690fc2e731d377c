"""A generated shop whose customers buy, drop out and spend as BG/NBD and Gamma-Gamma say."""

from datetime import date

import numpy as np
import pandas as pd

from crm_ml.clv import summarize
from crm_ml.clv.purchase_and_spend_model import Valuer
from crm_ml.snapshots import as_utc
from crm_ml.tables import Tables

START = date(2024, 1, 1)
DAYS = 300
DAY_S = 86_400


def second(day):
    """Epoch seconds of the start of a day."""
    return int(as_utc(day).timestamp())


def lines(customers=400, seed=0, days=DAYS):
    """Order lines of customers who come in the first third of some days, in a mixed order."""
    draw = np.random.default_rng(seed)
    rows = []
    for number in range(customers):
        day, rate = draw.uniform(0, days / 3), draw.gamma(1.2, 0.03)
        leaving, level = draw.beta(0.8, 4.0), 6.0 * 15.0 / draw.gamma(3.7, 1.0)
        while day < days:
            rows.append(
                (
                    f"c{number:05d}",
                    int(second(START) + day * DAY_S),
                    max(round(level * draw.gamma(6.0, 10)), 1),
                )
            )
            if draw.random() < leaving:
                break
            day += draw.exponential(1 / rate)
    frame = pd.DataFrame(rows, columns=["customer_id", "ordered_at_epoch_s", "paid_cents"])
    return frame.sample(frac=1, random_state=seed).reset_index(drop=True)  # fmt: skip


def shop(frame, **more):
    """Tables of order lines, each an order of its own."""
    people = pd.DataFrame({"customer_id": sorted(set(frame["customer_id"]))})
    filled = {"order_id": [f"o{number}" for number in range(len(frame))], "item_id": "x", "quantity": 1,
              "discount_cents": 0, "coupon_cents": 0}  # fmt: skip
    return Tables(customers=people, order_lines=frame.assign(**{**filled, **frame}), **more)


def summary(frame, as_of=date(2024, 8, 1), time_unit="D"):
    """Summary with the value of first purchases."""
    return summarize(frame, as_of, time_unit, with_first_value=True)


def valuer(frame, as_of=date(2024, 8, 1), name="beta_geo"):
    """A valuer that is fitted to order lines."""
    return Valuer.fit(name, summary(frame, as_of))
