# ---
# jupyter:
#   kernelspec: {name: python3, display_name: Python 3 (ipykernel), language: python}
# ---
# %% [markdown]
# # Own tables
# From a shop's export to features, with every row accounted for. The export is made here, with the faults
# that exports have; put your files and names in its place.
# %%
from pathlib import Path
from tempfile import mkdtemp

import pandas as pd

from crm_ml import clv, datasets, features, snapshots
from crm_ml.tables.config_file import load_config

# %%
shop = datasets.load("simulated", customers=2000)
lines, folder = shop.pandas("order_lines"), Path(mkdtemp())
export = pd.DataFrame({
    "kunde": lines["customer_id"], "beleg": lines["order_id"], "pos": lines["line_id"],
    "artikel": lines["item_id"], "menge": lines["quantity"],
    "zeit": pd.to_datetime(lines["ordered_at_epoch_s"], unit="s").dt.strftime("%d.%m.%Y %H:%M:%S"),
    "betrag": [f"{cents / 100:.2f}" for cents in lines["paid_cents"]],
})  # fmt: skip
export = pd.concat([export, export.tail(3)])  # rows that came twice
export.iloc[10, export.columns.get_loc("kunde")] = " "
export.iloc[20, export.columns.get_loc("betrag")] = "NaN"
export.iloc[30, export.columns.get_loc("zeit")] = "31.12.9999 00:00:00"
export.to_csv(folder / "umsatz.csv", sep=";", index=False)
pd.DataFrame({"nr": shop.pandas("customers")["customer_id"]}).to_csv(folder / "kunden.csv", index=False)
export.head(3)
# %% [markdown]
# ## The mapping: their names to ours, once; a template stands in `configs/data/own_tables.yaml`
# %%
mapping = folder / "shop.yaml"
mapping.write_text("""
name: notebook_shop
timezone: Europe/Berlin
currency: {code: EUR}
tables:
  customers: {path: kunden.csv, columns: {customer_id: nr}}
  order_lines:
    path: umsatz.csv
    delimiter: ";"
    columns:
      customer_id: kunde
      order_id: beleg
      line_id: pos
      item_id: artikel
      quantity: menge
      ordered_at: {column: zeit, format: "%d.%m.%Y %H:%M:%S"}
      paid_cents: {column: betrag, unit: major}
      discount_cents: {constant: 0}
      coupon_cents: {constant: 0}
  items: {ids_of: [order_lines]}
""", encoding="utf-8")  # fmt: skip
tables = load_config(mapping)
# %% [markdown]
# ## Every row read was accepted or set aside with a reason
# %%
tables.report
# %%
aside = pd.concat(pd.read_parquet(path) for path in tables.report.quarantine_files().values())
aside
# %% [markdown]
# ## From here on they are tables like any others
# %%
orders = tables.pandas("orders")
days = pd.to_datetime(orders["ordered_at_epoch_s"], unit="s")
days.dt.to_period("M").value_counts().sort_index().plot.bar(
    figsize=(8, 2.4), ylabel="orders", color="#1f5fa8"
)
# %%
today = snapshots.Snapshot(days.max().normalize().date(), horizon=pd.Timedelta(days=28))
features.matrix(tables, today, ["rfm", "cadence", "lifecycle"]).describe().T.round(1)
# %%
clv.summarize(tables, today.as_of, "W").describe().round(1)
