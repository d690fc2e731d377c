# ---
# jupyter:
#   kernelspec: {name: python3, display_name: Python 3 (ipykernel), language: python}
# ---
# %% [markdown]
# # From customer tables to a next-best-action list
# A grocer's year: who is about to stay away, how sure is that, and what to do about it, for whom?
# In JupyterLab: right click on the file, *Open With > Notebook*. It runs in half a minute.
# %%
from datetime import timedelta
from pathlib import Path
from tempfile import mkdtemp

import numpy as np
import pandas as pd

from crm_ml import config, datasets, features, snapshots
from crm_ml.actions.catalog import Catalog
from crm_ml.churn import labelled_rows
from crm_ml.evaluation import Predictions, evaluate, plots
from crm_ml.lists import read_list
from crm_ml.models import create, model_folder
from crm_ml.score import batch, settings
from crm_ml.score_tables import champion_set, churn, reason_codes
from crm_ml.storage import manifest, paths

# %% [markdown]
# ## The tables: every row was accepted, or set aside with a reason
# %%
(tables := datasets.load("complete_journey")).report.rich()
# %%
week = pd.to_datetime(tables.pandas("orders")["ordered_at_epoch_s"], unit="s").dt.to_period("W").dt.start_time
weekly = week.value_counts().sort_index().iloc[1:-1]  # the first and the last are no whole weeks
weekly.plot(figsize=(8, 2.6), color="#1f5fa8", xlabel="", ylabel="orders a week", ylim=(0, None))
# %% [markdown]
# ## Features at a snapshot: what was known before it
# %%
test = snapshots.Snapshot("2017-11-22", horizon=timedelta(days=28))
features.matrix(tables, test, ["rfm", "cadence", "lifecycle"]).head()
# %% [markdown]
# ## Churn, no order in the 28 days after it: a model, and simple rules beside it
# The labels of every training snapshot end before the test snapshot begins.
# %%
training = test.training(5, every_days=28)
rows = labelled_rows(tables, [*training, test], active_within=timedelta(days=56))
past, now = rows.at(training), rows.at([test])
names = ["gradient_boosting", "logistic", "cadence_rule", "recency_rule"]
fitted = {name: create(name).fit(past.X, past.y) for name in names}
scores = {name: model.predict(now.X) for name, model in fitted.items()}
predictions = Predictions(now.customer_id, now.fold, now.y, scores)
judged = evaluate(predictions, np.random.default_rng(0), ["auc", "log_loss", "ece"], replicates=300)
table = {metric: {name: str(judged.interval(name, metric)) for name in names} for metric in judged.metrics}
table["AUC of boosting above it"] = {name: str(judged.difference(names[0], name, "auc")) for name in names}
pd.DataFrame(table)
# %%
plots.calibration_plot(predictions, "gradient_boosting")
# %%
plots.gains_plot(predictions, "gradient_boosting")
# %% [markdown]
# ## The list: the best action for each customer, by what it is expected to earn
# Costs and effects are assumptions, as each row says. Nightly, with the champion: `python -m crm_ml.score`.
# %%
configs, folder = paths.project_root() / "configs", Path(mkdtemp())
todo = config.load(configs / "score/default.yaml", settings.ScoreSettings, ["daily_cap=300"])
actions = config.load(configs / "actions/grocer.yaml", Catalog)
offers = [each for each in actions.actions if not (each.value.answer or each.value.recommend)]
instead = {"retention": None, "margin_cents": 4000}  # the actions that are left need no other model
values = [each.value.model_copy(update=instead) if each.value.retention else each.value for each in offers]
offers = [each.model_copy(update={"value": value}) for each, value in zip(offers, values, strict=True)]
actions = Catalog(currency=actions.currency, actions=offers, tags=actions.tags)
model_folder.save(best := fitted["gradient_boosting"], folder / "model", "churn")
champion = churn.ChurnSource(name="churn", sums=manifest.fingerprint(folder / "model"), predict=best.predict,
    where="rfm_days_since_order < 56", reasons=reason_codes.reasons_of(best))  # fmt: skip
published = batch.run(todo, actions, tables, champion_set.Champions([champion]), out=folder)
pd.DataFrame(published.funnel.by_action_channel)
# %%
listed = read_list(folder / todo.name)
shown = ["customer_id", "action_id", "p_churn", "expected_value_cents", "cost_cents", "why"]
listed.assign(why=listed["reason_codes"].str[0]).nlargest(10, "expected_value_cents")[shown]
