"""Who of those who order within the horizon sends that order back."""

import narwhals as nw
import pandas as pd

from crm_ml.tables.bundle import to_pandas


def sent_back(tables, snapshot):
    """Return 1 for each customer whose first order after the snapshot has a refund in the window, else 0.

    Customers without an order in the window have no label.
    """
    columns = ["customer_id", "order_id", "ordered_at_epoch_s", "paid_cents"]
    window = snapshot.future(tables.frame("order_lines"), at="ordered_at")
    lines = to_pandas(window.select(*(nw.col(name) for name in columns)))
    bought = lines[lines["paid_cents"] > 0].sort_values(["customer_id", "ordered_at_epoch_s", "order_id"])
    first = bought.drop_duplicates("customer_id").set_index("customer_id")["order_id"]
    refunded = set(lines.loc[lines["paid_cents"] < 0, "order_id"])
    return pd.Series(first.isin(refunded).astype("int8"), name="sent_back")
