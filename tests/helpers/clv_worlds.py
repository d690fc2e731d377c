"""Simulated customers, and the fitters of lifetimes as oracle behind a guard of the warning filters."""

import contextlib
import warnings
from collections.abc import Iterator

import numpy as np
import pandas as pd

from crm_ml.clv import BetaGeo, ModifiedBetaGeo, ParetoNBD

MODELS = (BetaGeo, ModifiedBetaGeo, ParetoNBD)
FITTERS = {BetaGeo: "BetaGeoFitter", ModifiedBetaGeo: "ModifiedBetaGeoFitter", ParetoNBD: "ParetoNBDFitter"}
PARAMS = {
    BetaGeo: {"r": 0.2426, "alpha": 4.4136, "a": 0.7929, "b": 2.4259},
    ModifiedBetaGeo: {"r": 0.5248, "alpha": 6.1831, "a": 0.8914, "b": 1.6140},
    ParetoNBD: {"r": 0.553, "alpha": 10.578, "s": 0.606, "beta": 11.669},
}
TINY = 1e-12


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep the filters as they are: lifetimes sets them at import and in every likelihood."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        yield


def fitter(model, params=None):
    """A fitter of lifetimes for one of our classes, with parameters."""
    with quiet():
        import lifetimes

        made = getattr(lifetimes, FITTERS[model])()
    made.params_ = pd.Series(params or PARAMS[model])
    return made


def with_params(model, params=None, unit="W"):
    """One of our models with given parameters, as if it had been fitted."""
    values = params or PARAMS[model]
    theta = np.log([values[name] for name in model.NAMES]).tolist()
    covariance = (np.eye(len(theta)) / 100).tolist()
    found = {"theta": theta, "covariance": covariance, "log_likelihood": 0.0, "n_customers": 1}
    return model.from_dict(found | {"time_unit": unit})


def as_summary(rows, unit="W"):
    """A summary of (frequency, recency, T) triples."""
    summary = pd.DataFrame(rows, columns=["frequency", "recency", "T"]).astype({"frequency": int})
    summary[["recency", "T"]] = summary[["recency", "T"]].astype(float)
    summary.attrs["time_unit"] = unit
    return summary


def simulate(count=400, seed=3, r=0.6, alpha=8.0, stop=None, T=None):
    """Customers in weeks who buy at Gamma rates and stop after each repeat purchase with a probability."""
    rng = np.random.default_rng(seed)
    rate = rng.gamma(r, 1 / alpha, count)
    leaves = rng.beta(0.8, 2.5, count) if stop is None else np.full(count, float(stop))
    T = rng.integers(20, 40, count).astype(float) if T is None else np.full(count, float(T))
    x, last, now, here = np.zeros(count, int), np.zeros(count), np.zeros(count), np.arange(count)
    while len(here):
        now[here] += rng.exponential(1 / np.maximum(rate[here], TINY))
        here = here[now[here] <= T[here]]
        x[here], last[here] = x[here] + 1, now[here]
        here = here[rng.random(len(here)) >= leaves[here]]
    summary = as_summary({"frequency": x, "recency": last, "T": T})
    spend = rng.gamma(6.0, 1.0, count) * rng.gamma(5.0, 1.0, count)
    return summary.assign(monetary_value=np.where(x > 0, spend, 0.0), first_value=rng.gamma(6.0, 5.0, count))
