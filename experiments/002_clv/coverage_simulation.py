"""Customers simulated purchase by purchase, as the processes are defined.

A customer buys at a rate that varies as Gamma(r, alpha) until a coin, of Beta(a, b), ends the purchases, or a
lifetime is over, of a rate that varies as Gamma(s, beta). Nothing here knows the likelihoods
that are tested.
"""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd

Floats = npt.NDArray[np.float64]
WEEKS = (27.0, 39.0)
SPEND = {"p": 6.25, "q": 3.74, "v": 15.44}


def simulate(
    truth: Mapping[str, float], coin_at_first: bool, customers: int, rng: np.random.Generator
) -> pd.DataFrame:
    """Return the summary of simulated customers: frequency, recency, T in weeks, monetary_value.

    Parameters
    ----------
    truth : mapping of str to float
        r and alpha of the rates; s and beta of the rates of dropping out, or a and b of the coins.
    coin_at_first : bool
        Whether a coin is thrown after the first purchase too.
    customers : int
    rng : numpy.random.Generator
    """
    age = rng.uniform(*WEEKS, customers)
    rate = rng.gamma(truth["r"], 1 / truth["alpha"], customers)
    ends, coin = age, np.zeros(customers)
    if "s" in truth:
        dropout_rate = rng.gamma(truth["s"], 1 / truth["beta"], customers)
        ends = np.minimum(age, waiting_time(dropout_rate, rng))
    else:
        coin = rng.beta(truth["a"], truth["b"], customers)
    x, last = follow(rate, coin, ends, coin_at_first, rng)
    frame = pd.DataFrame({"frequency": x, "recency": last, "T": age, "monetary_value": spend(x, rng)})
    frame.attrs["time_unit"] = "W"
    return frame


def follow(
    rate: Floats, coin: Floats, ends: Floats, coin_at_first: bool, rng: np.random.Generator
) -> tuple[npt.NDArray[np.int64], Floats]:
    """Follow customers from one purchase to the next until a coin ends them, or time is up.

    Returns
    -------
    x, last : numpy.ndarray, shape (n,)
        Repeat purchases, and time of the last of them.
    """
    x, now, last = np.zeros(len(rate), dtype=np.int64), np.zeros(len(rate)), np.zeros(len(rate))
    here = np.arange(len(rate))
    if coin_at_first:
        here = here[rng.random(len(here)) >= coin[here]]
    while len(here):
        now[here] += waiting_time(rate[here], rng)
        here = here[now[here] <= ends[here]]
        x[here] += 1
        last[here] = now[here]
        here = here[rng.random(len(here)) >= coin[here]]
    return x, last


def spend(x: npt.NDArray[np.int64], rng: np.random.Generator) -> Floats:
    """Return the mean of what each customer spends on x purchases, each drawn by itself; 0 without one."""
    scale = SPEND["v"] / rng.gamma(SPEND["q"], 1.0, len(x))
    customer = np.repeat(np.arange(len(x)), x)
    paid = rng.gamma(SPEND["p"], scale[customer])
    return np.asarray(np.bincount(customer, weights=paid, minlength=len(x)) / np.maximum(x, 1))


def waiting_time(rate: Floats, rng: np.random.Generator) -> Floats:
    """Return exponential times until the next event of each rate."""
    return np.asarray(rng.standard_exponential(len(rate)) / np.maximum(rate, 1e-300))
