"""Customers drawn from parameters buy as the formulas say, which the generator does not know."""

import numpy as np
import pandas as pd
import pytest
from clv_worlds import MODELS, PARAMS
from covariate_worlds import LIFETIMES, covariates, simulate
from scipy.stats import chisquare

from crm_ml.clv import BetaGeo, MbgCnbdK, ModifiedBetaGeo, ParetoNBD, WithCovariates, generate
from crm_ml.errors import InputError

AGE, COUNT = 39.0, 20_000


def made(kind):
    if kind is MbgCnbdK:
        return MbgCnbdK.of_params({"r": 1.2, "alpha": 6.0, "a": 0.8, "b": 2.0}, "W", k=2)
    return kind.of_params(PARAMS[kind], "W")


@pytest.mark.parametrize("kind", [*MODELS, MbgCnbdK])
def test_counts_and_survivors_are_as_the_model_says(kind):
    model = made(kind)
    drawn = generate(model, np.full(COUNT, AGE), np.random.default_rng(3))
    assert drawn.summary.attrs["time_unit"] == "W"
    mean = model.expected_since_first([AGE])[0]
    spread = drawn.summary["frequency"].std() / np.sqrt(COUNT)
    assert drawn.summary["frequency"].mean() == pytest.approx(mean, abs=4 * spread)
    alive = model.probability_alive(drawn.summary)
    for part in (drawn.summary["frequency"] == 0, drawn.summary["frequency"] > 2):
        assert drawn.truth["alive"][part].mean() == pytest.approx(alive[part].mean(), abs=0.02)
    if kind in (BetaGeo, ParetoNBD):  # a new customer of age 0 is alive for certain
        new = pd.DataFrame({"frequency": [0], "recency": [0.0], "T": [0.0]})
        share = model.purchase_counts(new, AGE, 6).to_numpy()[0]
        wanted = COUNT * np.append(share, 1 - share.sum())
        seen = np.bincount(np.minimum(drawn.summary["frequency"], 7), minlength=8)
        assert chisquare(seen, wanted).pvalue > 1e-3


def test_the_summary_is_that_of_the_purchases():
    drawn = generate(made(ModifiedBetaGeo), np.linspace(1, 60, 500), np.random.default_rng(0))
    by_customer = drawn.purchases.groupby("customer_id")["time"]
    again = by_customer.agg(["size", "max"]).reindex(drawn.summary.index, fill_value=0)
    np.testing.assert_array_equal(drawn.summary["frequency"], again["size"])
    np.testing.assert_array_equal(drawn.summary["recency"], again["max"])
    assert (drawn.summary["recency"] <= drawn.summary["T"]).all()
    same = generate(made(ModifiedBetaGeo), np.linspace(1, 60, 500), np.random.default_rng(0))
    pd.testing.assert_frame_equal(same.purchases, drawn.purchases, check_exact=True)


def test_covariates_move_those_who_are_drawn():
    rng = np.random.default_rng(1)
    fit = WithCovariates(ParetoNBD(), ["app"], ["app"]).fit(simulate(LIFETIMES, covariates(2_000, rng), rng))
    people = pd.DataFrame({"T": AGE, "app": np.arange(COUNT) % 2 == 0})
    drawn = generate(fit, people, rng)
    for app in (True, False):
        part = drawn.summary[drawn.summary["app"] == app]
        mean = fit.expected_of({"app": app}, [AGE])[0]
        spread = part["frequency"].std() / np.sqrt(len(part))
        assert part["frequency"].mean() == pytest.approx(mean, abs=4 * spread)


def test_a_fit_to_drawn_customers_finds_the_parameters():
    model = made(BetaGeo)
    ages = np.random.default_rng(5).uniform(27, 60, COUNT)
    fit = BetaGeo().fit(generate(model, ages, np.random.default_rng(5)).summary)
    for name, (low, high) in fit.confidence_intervals(0.999).items():
        assert low < model.params_[name] < high, name


def test_what_can_not_be_drawn_is_refused():
    with pytest.raises(InputError, match="BetaGeo has the parameters r, alpha, a, b, not r, s"):
        BetaGeo.of_params({"r": 1.0, "s": 2.0})
    with pytest.raises(InputError, match="BetaGeo: a, b must be above 0 and finite"):
        BetaGeo.of_params({"r": 1.0, "alpha": 2.0, "a": 0.0, "b": np.inf})
    with pytest.raises(InputError, match="time_unit is 'Y'"):
        BetaGeo.of_params(PARAMS[BetaGeo], "Y")
    with pytest.raises(InputError, match="learns its covariates from a summary; fit it"):
        WithCovariates.of_params({"r": 1.0})
    with pytest.raises(InputError, match="T is missing, infinite or negative for 2 of 3"):
        generate(made(BetaGeo), [1.0, -1.0, np.nan], np.random.default_rng(0))
    with pytest.raises(InputError, match="more than 50,000,000 purchases are expected"):
        generate(made(BetaGeo), [1e12] * 100, np.random.default_rng(0))
    with pytest.raises(InputError, match="not fitted"):
        generate(BetaGeo(), [1.0], np.random.default_rng(0))
