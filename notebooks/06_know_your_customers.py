# ---
# jupyter:
#   kernelspec: {name: python3, display_name: Python 3 (ipykernel), language: python}
# ---
# %% [markdown]
# # Know your customers: one person over all channels, tags, layers, tiers
# %%
from datetime import date, timedelta

import matplotlib.pyplot as plt
import pandas as pd

from crm_ml import datasets
from crm_ml.datasets import simulated
from crm_ml.identity import Identifier, Rule, b_cubed, resolve
from crm_ml.membership import Period, Tier, TierRules, standing
from crm_ml.tags import TagCatalogue, TagStore

# %% [markdown]
# ## Profiles become customers
# App, mini-program, web and shop know a person by different identifiers, some of them bad: placeholders,
# shared devices, numbers given on. Values that too many profiles share join nobody. The truth is known here.
# %%
made = simulated.profiles(customers=1_500, days=364, campaigns=0)
phone = Identifier(kind="phone", country_code="86", national_digits=11)
rules = [Rule(same="phone", agree="birth_date"), "email", "open_id", "card"]
customers = resolve(made.profiles, rules, hub_cap=8, walls=["region"], identifiers={"phone": phone})
found = customers.to_pandas()
print(f"{len(found):,} profiles, {len(customers):,} customers, {made.truth.nunique():,} persons")
print(b_cubed(found["customer_id"], made.truth))
print(customers.bad_identifiers[["identifier", "profiles", "reason"]].head(4).to_string(index=False))
# %%
sizes = pd.DataFrame({"found": found["customer_id"].value_counts().value_counts(),
                      "truth": made.truth.value_counts().value_counts()}).fillna(0).sort_index()  # fmt: skip
axis = sizes.plot.bar(figsize=(7, 3), xlabel="profiles of a customer", ylabel="customers", rot=0)
axis.figure.tight_layout()
# %% [markdown]
# ## Tags: what is true of a customer, and audiences of any combination
# Where a value is missing neither a tag nor its negation holds; with `enter` and `leave` none flickers.
# %%
shop = datasets.load("simulated", customers=1_500, days=364, campaigns=0)
catalogue = TagCatalogue.model_validate({"tags": {
    "recent": {"description": "ordered within two months", "rule": "rfm_days_since_order < 60"},
    "again": {"description": "two orders and more", "rule": "rfm_orders >= 2"},
    "late": {"description": "silent for twice the usual gap", "rule": "cadence_gap_share > 2"},
    "coupon_user": {"description": "uses coupons", "rule": "price_coupon_orders_share >= 0.2"},
    "regular": {"description": "three orders", "enter": "rfm_orders_84d >= 3", "leave": "rfm_orders_84d < 1"},
}})  # fmt: skip
today = date(2023, 11, 1)
store = TagStore.build(shop, today, catalogue)
audience = store.audience("again and not late")
print("again and not late:", audience.count())
store.counts()
# %% [markdown]
# The next day looks only at who had an event, whom the calendar moved and whose rows were corrected.
# %%
days = [store]
for _ in range(6):
    after, why = days[-1].refresh(shop, days[-1].as_of + timedelta(days=7))
    days.append(after)
print(why)
reach = pd.DataFrame({each.as_of: each.counts()["true"] for each in days}).T
axis = reach.plot(figsize=(7, 3), marker="o", ylabel="customers")
axis.figure.tight_layout()
# %% [markdown]
# ## Tiers: who is where, and who is near the next one
# Layers that move, and who will, are in [the how-to](../docs/how_to/layers.md).
# %%
tiers = TierRules(
    tiers=[Tier(name="basic", least=0), Tier(name="silver", least=8_000), Tier(name="gold", least=20_000)],
    period=Period(months=6), grace_days=30,
)  # fmt: skip
members = standing(shop, tiers, today)
print(members["member_tier"].value_counts())
near = members[members["member_next_tier"].notna() & (members["member_missing"] < 2_000)]
lately = store.frame(["recent"])["tag_recent"].reindex(near.index).fillna(False)
print(f"{len(near)} members lack less than 20.00, {int(lately.sum())} of them were here lately")
plt.close("all")
