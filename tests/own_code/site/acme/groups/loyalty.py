"""Orders before a snapshot, times a number of points."""

import narwhals as nw

from crm_ml.features.expressions import past_sales

COLUMNS = {"loyalty_points": 0}


def compute(tables, snapshot, *, points=10):
    """Compute the points of each customer."""
    sales = past_sales(tables, snapshot)
    return sales.group_by("customer_id").agg((nw.col("purchase").sum() * points).alias("loyalty_points"))


class Visits:
    """Orders before a snapshot, as a class."""

    COLUMNS = {"visits_orders": 0}

    @staticmethod
    def compute(tables, snapshot):
        """Compute the orders of each customer."""
        sales = past_sales(tables, snapshot)
        return sales.group_by("customer_id").agg(nw.col("purchase").sum().alias("visits_orders"))
