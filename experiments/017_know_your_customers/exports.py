"""What the simulated shop exports on a day: profiles of four channels, and sales under one of them.

``python exports.py profiles --as-of DAY`` writes the profiles that are known, ``python exports.py sales`` the
sales of the customers that ``crm-ml identity`` has made of them, as `configs/data/know.yaml` reads them.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from crm_ml import commands
from crm_ml.customer_hash import customer_folds
from crm_ml.datasets import simulated
from crm_ml.errors import InputError
from crm_ml.identity.published_customers import read_published

WORLD = {"customers": 2_000, "days": 364, "campaigns": 0, "seed": 0}
PROFILES = Path("data/identity/profiles.parquet")
CUSTOMERS, SALES = Path("data/identity/customers"), Path("data/own/know")


def main(argv: Sequence[str] | None = None) -> int:
    """Write the export of a day; return the exit code."""
    command = argparse.ArgumentParser(description="Exports of the simulated shop.")
    command.add_argument("what", choices=["profiles", "sales"])
    command.add_argument("--as-of", required=True, metavar="DAY", help="YYYY-MM-DD; known is what was before")
    command.add_argument("--customers", type=int, default=WORLD["customers"], help="of the shop")
    return commands.run(_write, command.parse_args(argv))


def _write(options: argparse.Namespace) -> None:
    world = WORLD | {"customers": options.customers}
    made = simulated.profiles(**world)
    known = made.profiles[made.profiles["first_seen"] < options.as_of]
    if options.what == "profiles":
        PROFILES.parent.mkdir(parents=True, exist_ok=True)
        known.to_parquet(PROFILES)
        return
    folder = CUSTOMERS / options.as_of
    if not folder.is_dir():
        raise InputError(f"{folder}: no customers of {options.as_of}; run crm-ml identity first")
    published = read_published(folder).table.to_pandas().set_index("profile_id")["customer_id"]
    shop = simulated.load(**world)
    lines = shop.pandas("order_lines")
    lines = lines[lines["ordered_at"] < pd.Timestamp(options.as_of)]
    seller = profile_of(lines, known.assign(person=made.truth[known["profile_id"]].to_numpy()))
    sold = lines.assign(customer_id=published.reindex(seller).to_numpy())[seller.notna().to_numpy()]
    _tables(sold, published, known, shop.pandas("items"))


def profile_of(lines: pd.DataFrame, profiles: pd.DataFrame) -> "pd.Series[str]":
    """Return the profile that each sale was made under: one of its person's that was there by then."""
    pairs = lines[["customer_id", "order_id", "ordered_at"]].reset_index()
    pairs = pairs.merge(
        profiles[["person", "profile_id", "first_seen"]], left_on="customer_id", right_on="person"
    )
    pairs = pairs[pd.to_datetime(pairs["first_seen"]) <= pairs["ordered_at"].dt.normalize()]
    keys = (pairs["order_id"].astype(str) + " " + pairs["profile_id"]).to_numpy(dtype=str)
    drawn = pairs.assign(draw=customer_folds(keys, 1_000_000, key="profile of an order"))
    first = drawn.sort_values(["index", "draw", "profile_id"]).drop_duplicates("index").set_index("index")
    return first["profile_id"].reindex(lines.index)


def _tables(
    sold: pd.DataFrame, published: "pd.Series[str]", known: pd.DataFrame, items: pd.DataFrame
) -> None:
    SALES.mkdir(parents=True, exist_ok=True)
    seen = known.assign(customer_id=published.reindex(known["profile_id"]).to_numpy())
    customers = seen.groupby("customer_id").agg(
        registered_at=("first_seen", "min"), channels=("source", "nunique")
    )
    customers.reset_index().to_parquet(SALES / "customers.parquet")
    columns = ["customer_id", "order_id", "item_id", "ordered_at", "quantity", "paid_cents", "discount_cents",
               "coupon_cents"]  # fmt: skip
    numbered = sold[columns].assign(line_id=sold.groupby("order_id").cumcount())
    numbered.to_parquet(SALES / "order_lines.parquet")
    items.to_parquet(SALES / "items.parquet")


if __name__ == "__main__":
    sys.exit(main())
