"""BG/BB: published numbers of donors, lifetimes 0.11.3 at the same parameters, and what must add up."""

import math
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from clv_worlds import quiet

from crm_ml.clv import (
    BetaGeoBetaBinom,
    GammaGamma,
    discounted_purchases,
    generate,
    lifetime_value,
    months,
    profile_intervals,
    summarize,
    value_with_interval,
)
from crm_ml.clv.bootstrap import bootstrap
from crm_ml.errors import InputError

PARAMS = {"alpha": 1.204, "beta": 0.750, "gamma": 0.657, "delta": 2.783}


@pytest.fixture(scope="module")
def donors():
    """11,104 donors to public radio, who had six years to give again: 22 histories."""
    folder = Path(find_spec("lifetimes").submodule_search_locations[0]) / "datasets"
    rows = pd.read_csv(folder / "donations.csv").rename(columns={"periods": "T"})
    return rows.loc[rows.index.repeat(rows["weights"])][["frequency", "recency", "T"]].reset_index(drop=True)


@pytest.fixture(scope="module")
def fitted(donors):
    return BetaGeoBetaBinom().fit(donors)


@pytest.fixture
def theirs(fitted):
    with quiet():
        import lifetimes

        made = lifetimes.BetaGeoBetaBinomFitter()
    made.params_ = pd.Series(fitted.params_)
    return made


def test_published_parameters_and_likelihood(fitted):
    """Fader, Hardie and Shang (2010), table 3."""
    assert tuple(fitted.params_.values()) == pytest.approx(tuple(PARAMS.values()), rel=2e-3)
    assert fitted.log_likelihood_ == pytest.approx(-33_225.6, abs=0.05)
    assert fitted.n_customers_ == 11_104


def test_predictions_are_those_of_lifetimes(fitted, theirs, donors):
    few = donors.drop_duplicates()
    columns = (few["frequency"], few["recency"], few["T"])
    with quiet():
        for horizon in (1, 5, 20):
            wanted = theirs.conditional_expected_number_of_purchases_up_to_time(horizon, *columns)
            np.testing.assert_allclose(fitted.expected_purchases(few, horizon), wanted, rtol=1e-9)
        wanted = theirs.conditional_probability_alive(1, *columns)
        np.testing.assert_allclose(fitted.probability_alive(few), wanted, rtol=1e-9)
        likelihood = theirs._loglikelihood(
            np.array(list(fitted.params_.values())), *(c.to_numpy() for c in columns)
        )
    histories = fitted.histories_of(few)
    each = histories.for_each(fitted.log_likelihood_each(fitted.theta_, histories)[0])
    np.testing.assert_allclose(each, likelihood, rtol=1e-8)
    back = BetaGeoBetaBinom.from_lifetimes(fitted.to_lifetimes())
    assert back.params_ == pytest.approx(fitted.params_, rel=1e-12)


def test_a_fitter_with_its_data_brings_likelihood_and_errors(fitted, donors):
    with quiet():
        import lifetimes

        fitter = lifetimes.BetaGeoBetaBinomFitter().fit(donors["frequency"], donors["recency"], donors["T"])
    ours = BetaGeoBetaBinom.from_lifetimes(fitter)
    assert ours.log_likelihood_ == pytest.approx(fitted.log_likelihood_, abs=1e-3)
    assert ours.standard_errors_ == pytest.approx(fitted.standard_errors_, rel=1e-2)


def test_the_gradient_is_that_of_the_likelihood(fitted, donors):
    histories, theta = fitted.histories_of(donors), fitted.theta_ + 0.2
    _, slope = fitted._log_likelihood(theta, histories)
    steps = 1e-5 * np.eye(4)
    moved = [
        [fitted._log_likelihood(theta + sign * step, histories)[0] for sign in (1, -1)] for step in steps
    ]
    np.testing.assert_allclose(slope, [(up - down) / 2e-5 for up, down in moved], rtol=1e-6)


def test_all_histories_of_three_opportunities_have_probability_1():
    """Every sequence of purchases has the probability of its history; there are 2 ** 3 of them."""
    model = BetaGeoBetaBinom.of_params(PARAMS)
    rows = [[bool(number >> place & 1) for place in range(3)] for number in range(8)]
    table = pd.DataFrame(
        {
            "frequency": [sum(row) for row in rows],
            "recency": [max((place + 1 for place in range(3) if row[place]), default=0) for row in rows],
            "T": 3,
        }
    )
    histories = model.histories_of(table)
    each = np.exp(histories.for_each(model.log_likelihood_each(model.theta_, histories)[0]))
    assert each.sum() == pytest.approx(1, rel=1e-12)
    assert each @ table["frequency"] == pytest.approx(model.expected_since_first([3])[0], rel=1e-12)


def test_counts_add_up_to_expectations(fitted, donors):
    few = donors.drop_duplicates()
    counts = fitted.purchase_counts(few, 7, 7)
    np.testing.assert_allclose(counts.sum(axis=1), 1, rtol=1e-12)
    np.testing.assert_allclose(counts @ np.arange(8), fitted.expected_purchases(few, 7), rtol=1e-9)
    np.testing.assert_allclose(1 - counts[0], fitted.probability_of_purchase(few, 7), rtol=1e-12)
    each = np.arange(len(few)) % 3 + 1
    for length in (1, 2, 3):
        found = fitted.expected_purchases(few, each)[each == length]
        np.testing.assert_allclose(found, fitted.expected_purchases(few, length)[each == length], rtol=1e-12)
    future = fitted.future(fitted.histories_of(donors))
    rng = np.random.default_rng(0)
    drawn = np.mean([future.drawn(7, rng) for _ in range(4_000)], axis=0)
    np.testing.assert_allclose(drawn, future.expected(7), atol=0.12)


def test_values_discount_from_one_opportunity_to_the_next(lines):
    monthly = summarize(lines, "1998-07-01", "M", calendar=True)
    model, spend = BetaGeoBetaBinom().fit(monthly), GammaGamma().fit(monthly)
    steps = [model.expected_purchases(monthly, k) for k in range(1, 13)]
    gains = np.diff([np.zeros(len(monthly)), *steps], axis=0)
    wanted = sum(gain * 1.1 ** (-(k + 1) / 12) for k, gain in enumerate(gains))
    found = discounted_purchases(model, monthly, months(12), 0.1)
    np.testing.assert_allclose(found, wanted, rtol=1e-9)
    values = value_with_interval(model, spend, monthly, months(12), 0.1)
    np.testing.assert_allclose(values["clv"], found * spend.expected_value(monthly), rtol=1e-12)
    assert (values["clv_low"] < values["clv"]).all() and (values["clv"] < values["clv_high"]).all()
    drawn = bootstrap(model, monthly, 20, np.random.default_rng(0))
    assert 0.5 < drawn["alpha"].std() / model.standard_errors_["alpha"] < 2
    low, high = profile_intervals(model, monthly)["alpha"]
    assert low < model.params_["alpha"] < high
    forever = lifetime_value(model, spend, monthly, math.inf, 0.1)
    assert (forever > values["clv"]).all()


def test_what_is_no_opportunity_is_refused(fitted, donors):
    with pytest.raises(
        InputError, match="T is no whole number in 11,104 of 11,104 rows; recency is no whole"
    ):
        BetaGeoBetaBinom().fit(donors.assign(T=6.5, recency=donors["recency"] * 1.01))
    with pytest.raises(InputError, match="frequency is above recency in 3 of 3 rows; count opportunities"):
        BetaGeoBetaBinom().fit(pd.DataFrame({"frequency": [3] * 3, "recency": [2] * 3, "T": [6] * 3}))
    with pytest.raises(InputError, match="T is above 1,000 in 1 of 1 rows"):
        BetaGeoBetaBinom().fit(pd.DataFrame({"frequency": [1], "recency": [2], "T": [1_001]}))
    with pytest.raises(InputError, match="horizon is 1,000,000 opportunities; give at most 100,000"):
        fitted.expected_purchases(donors.head(2), 1_000_000)
    with pytest.raises(InputError, match="buys at opportunities, not in time; nothing is drawn from it"):
        generate(fitted, [6.0], np.random.default_rng(0))
