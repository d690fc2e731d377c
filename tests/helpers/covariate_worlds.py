"""Customers simulated with covariates, purchase by purchase; nothing here knows a likelihood."""

import numpy as np
import pandas as pd

LIFETIMES = {"r": 0.8, "alpha": 8.0, "s": 0.7, "beta": 14.0}
COINS = {"r": 0.6, "alpha": 6.0, "a": 0.8, "b": 2.4}
PURCHASES, DROPOUT = {"app": 0.5, "age": 0.2}, {"app": -0.6}


def covariates(count, rng):
    return pd.DataFrame({"app": rng.random(count) < 0.4, "age": rng.normal(0.0, 1.0, count).round(1)})


def simulate(truth, known, rng, purchases=PURCHASES, dropout=DROPOUT):
    """The summary in weeks of customers with known covariates."""
    count = len(known)
    age = rng.uniform(30.0, 60.0, count)
    more = np.exp(sum(known[name] * size for name, size in purchases.items()))
    out = np.exp(sum(known[name] * size for name, size in dropout.items()))
    rate = rng.gamma(truth["r"], 1 / truth["alpha"], count) * more
    ends, coin = age, np.zeros(count)
    if "s" in truth:
        leaving = rng.gamma(truth["s"], 1 / truth["beta"], count) * out
        ends = np.minimum(age, rng.standard_exponential(count) / np.maximum(leaving, 1e-300))
    else:
        coin = rng.beta(truth["a"] * np.sqrt(out), truth["b"] / np.sqrt(out))
    x, last, now, here = np.zeros(count, int), np.zeros(count), np.zeros(count), np.arange(count)
    while len(here):
        now[here] += rng.standard_exponential(len(here)) / np.maximum(rate[here], 1e-300)
        here = here[now[here] <= ends[here]]
        x[here], last[here] = x[here] + 1, now[here]
        here = here[rng.random(len(here)) >= coin[here]]
    summary = known.assign(frequency=x, recency=last, T=age)
    summary.attrs["time_unit"] = "W"
    return summary
