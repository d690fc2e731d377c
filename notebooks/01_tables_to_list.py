# ---
# jupyter:
#   kernelspec: {name: python3, display_name: Python 3 (ipykernel), language: python}
# ---
# %% [markdown]
# # From customer tables to a next-best-action list
# A grocer's year: who is about to stay away, how sure is that, and what to do about it, for whom?
# It takes a minute; in JupyterLab: right click, *Open With > Notebook*. Your own: `crm_ml.tables.from_frame`.
# %%
import crm_ml

tables, day = crm_ml.datasets.load("complete_journey"), "2018-01-01"
churn = crm_ml.fit("churn", tables, as_of=day, horizon_days=28, active_within_days=56,
    training_snapshots=5, every_days=28,
    settings={"model.options": {"choose_settings": False}})  # fmt: skip
value = crm_ml.fit("clv", tables, as_of=day, margin=0.25)
coupon = crm_ml.Action.simple("coupon", "mail", cost=0.80, margin=40, effect=0.1,
    score="p_churn", source="one in ten stays", eligible="rfm_days_since_order > 14")  # fmt: skip
call = crm_ml.Action.simple("call", "phone", cost=4, retention=True, effect=0.1,
    score="p_churn")  # fmt: skip
todo = crm_ml.decide(tables, day, [churn, value], [coupon, call], currency="USD",
    daily_cap=300, channel_caps={"phone": 50}, hold_out=0.05, consent="assumed")  # fmt: skip
todo
# %% [markdown]
# ## The tables: every row was accepted, or set aside with a reason
# %%
tables.report
# %% [markdown]
# ## Churn, no order in the 28 days after a day: the model beside simple rules
# The labels of every training snapshot end before the test snapshot begins. AUC is the chance that who left
# was ranked above who stayed, ECE how far probabilities are off; intervals are 95 %, of redrawn customers.
# Fewer snapshots than by default and settings that are not chosen anew make this half a minute, not two.
# %%
churn
# %% [markdown]
# Near the diagonal a probability can be taken at its word; the gains say whom to call first.
# %%
churn.plot_calibration()
# %%
churn.plot_gains()
# %% [markdown]
# ## Who leaves, and why
# %%
leaving = churn.predict()
leaving.nlargest(5, "p_churn")
# %%
churn.explain(leaving["p_churn"].idxmax())
# %% [markdown]
# A day that the labels of the model reach into is refused.
# %%
try:
    churn.predict("2017-11-22")
except crm_ml.errors.LeakError as refused:
    print(refused)
# %% [markdown]
# ## What a customer is worth
# %%
value.explain(value.predict()["clv_cents"].idxmax())
# %% [markdown]
# ## The list: the best action for each customer, by what it is expected to earn
# Costs and effects are assumptions, as each row says. The funnel counts who is left after each condition; the
# certificate proves how near the list is to the best one. Nightly: `python -m crm_ml.score`.
# %%
todo.funnel
# %%
todo.certificate
# %%
todo.frame.head(10)
# %% [markdown]
# ## Why one customer is in it, and why one who is about to leave is not
# %%
todo.explain(todo.frame.nlargest(1, "expected_value")["customer_id"].iloc[0])
# %%
todo.explain(leaving.drop(todo.frame["customer_id"], errors="ignore")["p_churn"].idxmax())
# %% [markdown]
# ## The page of the list
# For those who send it. `todo.save("lists")` publishes it for `crm-ml score export`.
# %%
todo.page()
