# ---
# jupyter:
#   kernelspec: {name: python3, display_name: Python 3 (ipykernel), language: python}
# ---
# %% [markdown]
# # Reading an experiment
# Is the model better, where, and would you promote it? Two small churn runs on a grocer's households, in a
# store of their own that is made anew each time.
# For runs of yours, leave out the line of `CRM_ML_RUNS` and put their ids into the comparison below.
# %%
import os
from pathlib import Path
from tempfile import mkdtemp

import pandas as pd
from IPython.display import Image, Markdown, display
from rich.progress import Progress

from crm_ml import tracking
from crm_ml.train.compare.compare_runs import compare
from crm_ml.train.experiment import run

# %%
os.environ["CRM_ML_RUNS"] = mkdtemp()
small = ["register_as.name=notebook_churn", "split.test=[2017-10-25, 2017-11-22]", "replicates=100",
         "split.training_snapshots=2", "split.every_days=28", "calibration.snapshots=1",
         "features={rfm: {}, cadence: {}, lifecycle: {}, trend: {}}", "leave_out=[]"]  # fmt: skip
boosting = {"rounds": 80, "n_seeds": 1}
trees = ["model.name=gradient_boosting", *(f"model.options.{key}={value}" for key, value in boosting.items())]
with Progress() as progress:
    first = run(
        "churn/lightgbm", [*small, "model.name=logistic", "baselines=[{name: recency_rule}]"], progress
    )
    second = run("churn/lightgbm", [*small, *trees], progress)

# %% [markdown]
# ## One run: every metric with its interval, and the baselines beside it
# %%
second.outcome.summary.replace("\n(.*)", r" (\1)", regex=True)
# %%
pd.DataFrame([vars(gate) for gate in second.outcome.gates])
# %%
second.outcome.figures["calibration"]
# %% [markdown]
# ## Where it is weak: the same metric by segment, small segments marked
# %%
segments = second.outcome.tables["segments"]
segments[segments["metric"] == "auc"].round(3)
# %% [markdown]
# ## Two runs: paired differences on the rows that both predicted
# Two intervals that overlap show little; the interval of the difference decides.
# `python -m crm_ml.train.compare RUN RUN` prints the same, for runs of any store.
# %%
folder = Path(mkdtemp()) / "comparison"
comparison = compare([first.run_id, second.run_id], out=folder)
columns = ["metric", "run", "value", "difference", "difference_low", "difference_high", "verdict"]
comparison.table[columns].round(4)
# %%
display(Image(str(folder / "differences.png"), width=900))
# %% [markdown]
# ## Who is champion, and why
# The second run was asked to beat the first one, re-scored on its newest complete test window.
# %%
second.decision
# %% [markdown]
# ## The model card that came with it
# %%
card = tracking.connect().download_artifacts(second.run_id, "model_card.md", mkdtemp())
display(Markdown(Path(card).read_text(encoding="utf-8")))
# %% [markdown]
# Run it again to the byte, in a shell: `python -m crm_ml.train.reproduce RUN_ID`.
