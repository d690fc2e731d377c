# ---
# jupyter:
#   kernelspec: {name: python3, display_name: Python 3 (ipykernel), language: python}
# ---
# %% [markdown]
# # Adding features: does trying new items predict who stays?
# %%
from datetime import timedelta

import matplotlib.pyplot as plt
import narwhals as nw
import numpy as np
import pandas as pd

from crm_ml import datasets
from crm_ml.churn import labelled_rows
from crm_ml.evaluation import Predictions, evaluate, leakage
from crm_ml.models import create
from crm_ml.snapshots import Snapshot
from crm_ml.tables.bundle import to_pandas
from crm_ml.tables.zones import on_clock  # days are those of the tables' zone

tables = datasets.load("complete_journey")


# %% [markdown]
# ## A group is one function of the tables and a snapshot
# In a project it is a module such as `acme/novelty.py` beside `configs/`, with `compute` and `COLUMNS`
# ([own features](../docs/how_to/own_models.md)). In the package, `tests/helpers/oracle.py` names its columns.
# %%
def compute(tables, snapshot):
    """Items of the last 56 days that the customer had not bought before: their number and share."""
    lines = on_clock(snapshot.past(tables.frame("order_lines"), at="ordered_at"), "ordered_at")
    firsts = lines.group_by("customer_id", "item_id").agg(nw.col("ordered_at_epoch_s").min().alias("first"))
    recent = snapshot.window(lines, at="ordered_at", days=56).select("customer_id", "item_id").unique()
    known = recent.join(firsts, on=["customer_id", "item_id"], how="left")
    new = known.with_columns(new=(snapshot.days_since(nw.col("first")) < 56).cast(nw.Int64))
    sums = new.group_by("customer_id").agg(nw.len().alias("items"), nw.col("new").sum())
    share = nw.col("new").cast(nw.Float64) / nw.col("items")
    return sums.select("customer_id", novelty_items_56d=nw.col("new"), novelty_share_56d=share)


def own(tables, snapshot):
    return to_pandas(compute(tables, snapshot)).set_index("customer_id").astype(float).sort_index()


# %% [markdown]
# ## It must not know the future: computed with and without all later rows it is the same to the bit
# %%
tests = [Snapshot(day, timedelta(days=28)) for day in ("2017-07-05", "2017-08-02")]
leakage.check_point_in_time(own(tables, tests[0]), own(tests[0].known(tables), tests[0]))
own(tables, tests[-1]).describe().round(3)
# %% [markdown]
# ## With and without it: the same model, the same rows, days before the test window of the experiment
# %%
training = {str(test): test.training(3, every_days=28) for test in tests}
days = sorted({day for past in training.values() for day in past} | set(tests), key=str)
rows = labelled_rows(tables, days, timedelta(days=56), ["rfm", "cadence", "lifecycle", "habit", "trend"])
mine = pd.concat({str(day): own(tables, day) for day in days}, names=rows.X.index.names)
wide = rows.X.join(mine)
parts = []
for test in tests:
    past, now = rows.at(training[str(test)]), rows.at([test])
    scores = {}
    for name, X in (("with novelty", wide), ("without", rows.X)):
        model = create("gradient_boosting", rounds=80, n_seeds=1).fit(X.loc[past.X.index], past.y)
        scores[name] = model.predict_proba(X.loc[now.X.index])[:, 1]
    parts.append(Predictions(now.customer_id, now.fold, now.y, scores))
judged = evaluate(Predictions.join(parts), np.random.default_rng(0), ["auc", "log_loss"], replicates=400)
gain = {metric: judged.difference("with novelty", "without", metric) for metric in judged.metrics}
judged.table().round(4)
# %% [markdown]
# ## The verdict: an interval that holds 0 is no gain (log-loss is turned round: right is better for both)
# %%
_, axes = plt.subplots(figsize=(7, 1.8))
for height, (better, end) in enumerate(zip((1, -1), gain.values(), strict=True)):
    axes.plot([better * x for x in (end.low, end.value, end.high)], [height] * 3, "o-", linewidth=3)
axes.axvline(0, color="grey", linestyle="--")
axes.set(yticks=range(2), yticklabels=["AUC", "log-loss, turned"], title="gain, 95 %", ylim=(-0.5, 1.5))
