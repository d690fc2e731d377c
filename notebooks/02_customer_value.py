# ---
# jupyter:
#   kernelspec: {name: python3, display_name: Python 3 (ipykernel), language: python}
# ---
# %% [markdown]
# # Customer value
# What is each customer worth? A model of how often they buy, and one of how much, from their orders alone.
# %%
from datetime import timedelta

import numpy as np

from crm_ml import clv, datasets, plots, snapshots
from crm_ml.clv import baselines, observed_outcomes
from crm_ml.evaluation import ValuePredictions, evaluate

# %%
summary = clv.summarize(tables := datasets.load("cdnow"), "1997-10-01", "W", with_first_value=True)
summary.head()
# %%
purchases, spend = clv.ParetoNBD().fit(summary), clv.GammaGamma(use_first_purchase=True).fit(summary)
purchases.params_ | spend.params_
# %% [markdown]
# ## Does it hold? The 39 weeks after that day, beside the rule that managers use
# %%
test = snapshots.Snapshot("1997-10-01", timedelta(weeks=39))
actual = observed_outcomes.outcomes(tables, test, summary).known["value"]
values = {"model": clv.lifetime_value(purchases, spend, summary, test.horizon)}
values["recency rule"] = baselines.recency_rule(summary, test.horizon).value
predictions = ValuePredictions(summary.index, ["test"] * len(summary), actual, values)
judged = evaluate(predictions, np.random.default_rng(0), ["rmse", "normalised_gini"], 300, ["pooled"])
judged.table().round(3)
# %%
plots.deciles(predictions, unit="dollars in 39 weeks")
# %% [markdown]
# ## The list: value of the next 12 months at 10 % a year, with its interval
# %%
table = clv.value_with_interval(purchases, spend, summary, clv.months(12), 0.1)
table.assign(p_alive=purchases.probability_alive(summary)).nlargest(10, "clv").round(2)
