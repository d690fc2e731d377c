"""Data that break fitters: each gives finite, non-negative predictions, or one named error says why not."""

import math
from itertools import product

import numpy as np
import pandas as pd
import pytest
from clv_worlds import MODELS, as_summary, simulate
from soak import sample

from crm_ml.clv import BetaGeo, GammaGamma, lifetime_value, months, value_with_interval
from crm_ml.errors import InputError

COUNT = 60
BASE = simulate(COUNT)
REPEATS = BASE["frequency"] > 0
BUSIEST = int(BASE["frequency"].idxmax())
RNG = np.random.default_rng(8)


def spending(values):
    """The customers with other repeat spend, and the same for the first purchase."""
    return BASE.assign(monetary_value=np.where(REPEATS, values, 0.0), first_value=values)


def with_row(row, summary=BASE):
    found = summary.copy()
    found.loc[BUSIEST, list(row)] = list(row.values())
    return found


MONEY = {"monetary_value": [5.0], "first_value": [1.0]}
WORLDS = {
    "nobody drops out": simulate(COUNT, stop=0),
    "everyone drops out at the first repeat": simulate(COUNT, stop=1),
    "one rate and one coin for all": simulate(COUNT, r=1e4, alpha=4e4, stop=0.2),
    "all bought first on one day": simulate(COUNT, T=39),
    "a whale": with_row({"frequency": 100_000, "recency": 19.9, "T": 20.0}),
    "a whale of long ago": with_row({"frequency": 200_000, "recency": 1.0, "T": 39.0}),
    "one customer repeats": BASE.assign(
        frequency=(BASE.index == BUSIEST).astype(int), recency=np.where(BASE.index == BUSIEST, 7.0, 0.0)
    ),
    "each repeats once": BASE.assign(frequency=REPEATS.astype(int)),
    "all have just bought": BASE.assign(recency=BASE["T"].where(REPEATS, 0.0)),
    "repeats within no time": BASE.assign(recency=0.0),
    "some are of today": pd.concat(
        [BASE, BASE.head(40).assign(frequency=0, recency=0.0, T=0.0, monetary_value=0.0)]
    ),
    "some repeat today": pd.concat([BASE, BASE.head(9).assign(frequency=3, recency=0.0, T=0.0)]),
    "five customers": BASE.head(5),
    "one customer": as_summary([(1, 3, 3)]).assign(**MONEY),
    "one customer of many purchases": as_summary([(50, 3, 30)]).assign(**MONEY),
    "nanoseconds": BASE.assign(recency=BASE["recency"] * 1e-9, T=BASE["T"] * 1e-9),
    "a billion weeks": BASE.assign(recency=BASE["recency"] * 1e9, T=BASE["T"] * 1e9),
    "constant spend": spending(20.0),
    "lognormal spend, sigma 1": spending(RNG.lognormal(3, 1, COUNT)),
    "lognormal spend, sigma 2": spending(RNG.lognormal(3, 2, COUNT)),
    "lognormal spend, sigma 3": spending(RNG.lognormal(3, 3, COUNT)),
    "spend without a mean": spending(RNG.pareto(0.5, COUNT) + 0.01),
    "1e9 beside 1": spending(np.where(BASE.index == BUSIEST, 1e9, 1.0)),
    "1e9 as often as 1": spending(np.where(BASE.index % 2, 1e9, 1.0)),
    "spend grows with frequency": spending(BASE["frequency"] * 10.0 + 1),
    "half pay nothing": spending(np.where(BASE.index % 2, 12.5, 0.0)),
    "money without frequency": BASE.assign(monetary_value=5.0),
}


def check(found, name):
    values = np.asarray(found, dtype=float)
    assert np.isfinite(values).all() and (values >= 0).all(), name


def check_money(model, value, summary, discounts):
    for horizon, discount in discounts:
        found = value_with_interval(model, value, summary, horizon, discount, 0.3)
        check(found, (horizon, discount))
        assert (found["clv_low"] <= found["clv"]).all() and (found["clv"] <= found["clv_high"]).all()
        assert found.index.equals(summary.index)


TURNS = [(world, MODELS[place % len(MODELS)]) for place, world in enumerate(WORLDS)]
OTHERS = [case for case in product(WORLDS, MODELS) if case not in TURNS]


@pytest.mark.parametrize(
    "case",
    [*TURNS, *sample("models of extreme customers", OTHERS, 12)],
    ids=lambda case: f"{case[0]}-{case[1].__name__}",
)
def test_purchases_of_extreme_customers(case):
    world, model = case
    summary = WORLDS[world].copy()
    summary.attrs["time_unit"] = "W"
    made = model().fit(summary)
    assert made.probability_alive(summary).between(0, 1).all()
    below = np.zeros(len(summary))
    for horizon in (1e-9, 1.0, 39.0, 1e6):
        expected, once = (
            made.expected_purchases(summary, horizon),
            made.probability_of_purchase(summary, horizon),
        )
        check(expected, horizon)
        assert once.between(0, 1).all() and (once <= expected * (1 + 1e-6) + 1e-12).all()
        assert (expected >= below * (1 - 1e-9)).all()
        below = expected.to_numpy()
    counts = made.purchase_counts(summary, 39.0, 6)
    check(counts, "counts")
    assert (counts.sum(axis=1) <= 1 + 1e-8).all()
    check(made.expected_since_first([0, 1, 1e4]), "new")
    value = GammaGamma(use_first_purchase=True).fit(summary)
    check_money(made, value, summary, [(months(12), 0.0)])
    check(lifetime_value(made, value, summary, math.inf, 0.1), "for ever")


@pytest.mark.parametrize("first", [False, True])
@pytest.mark.parametrize("world", WORLDS)
def test_spend_of_extreme_customers(world, first):
    summary = WORLDS[world]
    made = GammaGamma(use_first_purchase=first).fit(summary)
    found = made.expected_value(summary)
    check(found, world)
    check([made.mean_, *made.params_.values()], world)
    assert made.params_["q"] > 1
    known = made.expected_value(summary)[summary["frequency"] > 0]
    assert known.max() <= max(summary["monetary_value"].max(), summary["first_value"].max(), made.mean_) * 2.5


def test_a_constant_spend_is_expected_again():
    found = GammaGamma().fit(WORLDS["constant spend"]).expected_value(WORLDS["constant spend"])
    np.testing.assert_allclose(found, 20.0, rtol=1e-6)


def test_a_heavy_tail_is_held_at_the_observed_mean():
    """Without the hold, lognormal spend of sigma 3 has q below 1 or a mean of any size."""
    summary = WORLDS["lognormal spend, sigma 3"]
    made = GammaGamma().fit(summary)
    assert made.mean_is_tied_
    assert made.mean_ == pytest.approx(summary.loc[REPEATS, "monetary_value"].mean(), rel=1e-9)


def test_spend_that_depends_on_frequency_gets_a_level_for_each_band():
    rich = simulate(2000, stop=0)
    dependent = rich.assign(monetary_value=rich["monetary_value"] * rich["frequency"])
    made = GammaGamma().fit(dependent)
    assert made.independence_.spearman > 0.3 and made.levels_.edges
    held = GammaGamma(largest_correlation=1.0).fit(dependent)
    assert held.levels_.factors == (1.0,)
    some = dependent[dependent["frequency"] >= 9]
    error = [
        abs(model.expected_value(some).mean() / some["monetary_value"].mean() - 1) for model in (made, held)
    ]
    assert error[0] < 0.05
    for model in (made, held):
        assert (model.expected_value(dependent) >= 0).all()


def test_no_dropout_is_found():
    """Who never leaves and has bought a few times is alive, and goes on as a Poisson process."""
    summary = simulate(2000, stop=0)
    for model in MODELS:
        made = model().fit(summary)
        assert made.probability_alive(summary)[summary["frequency"] >= 3].mean() > 0.97
        assert made.expected_purchases(summary, 10).sum() == pytest.approx(
            (summary["frequency"] / summary["T"]).sum() * 10, rel=0.05
        )


def test_a_finite_mean_far_above_the_observed_one_is_held_too():
    """The likelihood alone has q at 1.12 here, and a mean of 2.8 times the observed one."""
    summary, rng = simulate(400), np.random.default_rng(1)
    spent = np.where(summary["frequency"] > 0, rng.lognormal(3, 1.6, 400), 0.0)
    made = GammaGamma().fit(summary.assign(monetary_value=spent))
    assert made.mean_is_tied_
    assert made.mean_ == pytest.approx(spent[spent > 0].mean(), rel=1e-9)


def test_an_interval_of_parameters_that_nobody_knows_is_finite():
    """Its ends are held a factor of exp(20) away, where they would overflow."""
    model, value = BetaGeo().fit(BASE), GammaGamma().fit(BASE)
    model.covariance_ = np.eye(4) * 1e7
    found = value_with_interval(model, value, BASE, months(12), 0.1)
    check(found, "wide")
    assert (found["clv_high"] / found["clv"]).max() == pytest.approx(math.exp(20))


def test_a_narrow_interval_needs_customers():
    """Delta intervals hold the value, and four times the customers halve the logarithm of their width."""
    few, many = simulate(500, seed=1), simulate(8000, seed=1)
    widths = []
    for summary in (few, many):
        found = value_with_interval(BetaGeo().fit(summary), GammaGamma().fit(summary), few, months(12), 0.1)
        widths.append(float(np.log(found["clv_high"] / found["clv_low"]).median()))
    assert 2.5 < widths[0] / widths[1] < 6.5


def test_no_customer_has_a_spend():
    with pytest.raises(InputError, match="no customer has a repeat purchase of a value above 0"):
        GammaGamma().fit(BASE.assign(monetary_value=0.0))
    with pytest.raises(InputError, match="no customer has a purchase of a value above 0"):
        GammaGamma(use_first_purchase=True).fit(BASE.assign(monetary_value=0.0, first_value=0.0))
