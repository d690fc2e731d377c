"""Fitters and summaries of lifetimes 0.11.3 come over as they are, and models go back."""

import sys
import warnings

import numpy as np
import pandas as pd
import pytest
from clv_worlds import MODELS, PARAMS, fitter, quiet, with_params

from crm_ml.clv import (
    BetaGeo,
    GammaGamma,
    MbgCnbdK,
    ModifiedBetaGeo,
    ParetoNBD,
    lifetime_value,
    value_with_interval,
)
from crm_ml.errors import ConfigError, InputError
from crm_ml.plots import p_alive_path

DIGITS = 1e-9
SPEND = {"p": 6.25, "q": 3.744, "v": 15.44}


@pytest.fixture(scope="module")
def purchases(lines):
    return lines.assign(dollars=lines["paid_cents"] / 100)


@pytest.fixture(scope="module")
def summary(purchases):
    """Of 2,357 customers in days, as lifetimes makes it: floats, and an index without a unit of time."""
    with quiet():
        from lifetimes.utils import summary_data_from_transaction_data as summary_data

        return summary_data(
            purchases, "customer_id", "ordered_at", "dollars", observation_period_end="1997-09-30"
        )


@pytest.fixture(scope="module")
def calibration(purchases):
    with quiet():
        from lifetimes.utils import calibration_and_holdout_data

        return calibration_and_holdout_data(
            purchases, "customer_id", "ordered_at", "1997-09-30", "1998-06-30", monetary_value_col="dollars"
        )


@pytest.fixture(scope="module")
def theirs(summary):
    with quiet():
        return fitter(BetaGeo).fit(summary["frequency"], summary["recency"], summary["T"])


@pytest.fixture(scope="module")
def their_spend(summary):
    repeat = summary[summary["frequency"] > 0]
    with quiet():
        import lifetimes

        return lifetimes.GammaGammaFitter().fit(repeat["frequency"], repeat["monetary_value"])


def columns(summary):
    return summary["frequency"], summary["recency"], summary["T"]


def days(model):
    """Parameters of `PARAMS`, which are of weeks, in days."""
    return {name: value * (7 if name in model.TIMES else 1) for name, value in PARAMS[model].items()}


@pytest.mark.parametrize("model", MODELS)
def test_predictions_are_those_of_the_fitter_and_go_back(model, summary):
    given = fitter(model, days(model))
    ours = model.from_lifetimes(given, time_unit="D")
    back = ours.to_lifetimes()
    assert type(back) is type(given)
    with quiet():
        for horizon in (30.0, 365.0):
            wanted = given.conditional_expected_number_of_purchases_up_to_time(horizon, *columns(summary))
            np.testing.assert_allclose(ours.expected_purchases(summary, horizon), wanted, rtol=DIGITS)
            np.testing.assert_allclose(back.predict(horizon, *columns(summary)), wanted, rtol=DIGITS)
        alive = np.asarray(given.conditional_probability_alive(*columns(summary)))
    np.testing.assert_allclose(ours.probability_alive(summary), alive, rtol=DIGITS)
    assert np.isnan(ours.log_likelihood_)  # it came without data
    assert ours.time_unit_ == "D"
    np.testing.assert_allclose(list(model.from_lifetimes(back).params_.values()), given.params_, rtol=1e-14)


def test_likelihood_and_errors_follow_from_the_data_of_a_fitter(theirs, summary):
    model = BetaGeo.from_lifetimes(theirs)
    mine = BetaGeo().fit(summary)
    assert model.log_likelihood_ == pytest.approx(mine.log_likelihood_, rel=1e-9)
    assert model.n_customers_ == len(summary)
    for name, error in model.standard_errors_.items():
        assert error == pytest.approx(float(theirs.standard_errors_[name]), rel=1e-5), name
    assert model.score(summary) == pytest.approx(model.log_likelihood_ / len(summary))
    table = model.to_lifetimes().summary
    np.testing.assert_allclose(table["se(coef)"], list(model.standard_errors_.values()))


def test_a_parameter_at_a_bound_has_no_error_as_in_our_own_fit(summary):
    """Nobody drops out, so that a goes to 0 and the likelihood is flat along a and b."""
    staying = summary[:300].assign(recency=lambda s: s["T"].where(s["frequency"] > 0, 0.0))
    theirs = fitter(BetaGeo, {"r": 0.25, "alpha": 30.0, "a": 1e-9, "b": 1e3})
    theirs.data = staying.assign(weights=1)
    errors = BetaGeo.from_lifetimes(theirs).standard_errors_
    assert np.isnan([errors["a"], errors["b"]]).all()
    assert min(errors["r"], errors["alpha"]) > 0


def test_without_data_no_error_is_known_and_no_interval_is_told(theirs, summary, lines):
    bare = BetaGeo.from_lifetimes(fitter(BetaGeo, days(BetaGeo)), time_unit="D")
    assert np.isnan([bare.bic_, *bare.standard_errors_.values()]).all()
    informed, spend = BetaGeo.from_lifetimes(theirs), GammaGamma().fit(summary)
    unsure = GammaGamma.from_lifetimes(spend.to_lifetimes())
    for purchases, of_spend in ((bare, spend), (informed, unsure)):
        values = value_with_interval(purchases, of_spend, summary, 90)
        assert values["clv"].notna().all()
        assert values[["clv_low", "clv_high"]].isna().all(axis=None)
    customer = summary["frequency"].idxmax()
    own = lines[lines["customer_id"] == customer]
    for model, bands in ((bare, 0), (BetaGeo.from_lifetimes(theirs, time_unit="D"), 1)):
        labels = [
            part.get_label() for part in p_alive_path(model, own, customer, "1997-10-01").axes[0].collections
        ]
        assert labels.count("95 % interval") == bands


def test_rows_that_a_fitter_weighs_count_as_often(summary):
    grouped = summary[:400].groupby(["frequency", "recency", "T"]).size().reset_index(name="weights")
    theirs = fitter(ParetoNBD, days(ParetoNBD))
    theirs.data = grouped
    model = ParetoNBD.from_lifetimes(theirs)
    assert model.n_customers_ == 400
    assert model.log_likelihood_ == pytest.approx(400 * model.score(summary[:400]))
    assert len(set(model.standard_errors_.values())) == len(PARAMS[ParetoNBD])


def test_expected_spend_is_that_of_the_fitter(their_spend, summary):
    model = GammaGamma.from_lifetimes(their_spend)
    wanted = their_spend.conditional_expected_average_profit(summary["frequency"], summary["monetary_value"])
    np.testing.assert_allclose(model.expected_value(summary), wanted, rtol=DIGITS)
    back = model.to_lifetimes().conditional_expected_average_profit(
        summary["frequency"], summary["monetary_value"]
    )
    np.testing.assert_allclose(back, wanted, rtol=DIGITS)
    mine = GammaGamma().fit(summary)
    assert model.log_likelihood_ == pytest.approx(mine.log_likelihood_, rel=1e-9)
    assert model.independence_.pearson == pytest.approx(mine.independence_.pearson)
    assert model.score(summary) == pytest.approx(model.log_likelihood_ / model.n_customers_)
    for name, error in mine.standard_errors_.items():
        assert model.standard_errors_[name] == pytest.approx(error, rel=1e-4), name


def test_summaries_of_lifetimes_are_taken_as_they_are(summary, calibration, theirs, their_spend):
    plain = summary.loc[calibration.index]
    bought = BetaGeo.from_lifetimes(theirs)
    wanted = bought.expected_purchases(plain, 90)
    pd.testing.assert_series_equal(bought.expected_purchases(calibration, 90), wanted, check_exact=True)
    assert bought.score(calibration) == bought.score(plain)
    spend = GammaGamma.from_lifetimes(their_spend)
    worth = lifetime_value(bought, spend, calibration, 90)
    pd.testing.assert_series_equal(worth, lifetime_value(bought, spend, plain, 90), check_exact=True)
    assert BetaGeo().fit(calibration).params_ == BetaGeo().fit(plain).params_
    assert "frequency_cal" in calibration.columns  # the frame of the caller stays


def test_a_held_out_summary_is_scored_by_its_likelihood(summary):
    first, second = summary[::2], summary[1::2]
    model = BetaGeo().fit(first)
    assert model.score(second) < BetaGeo().fit(second).score(second)
    assert model.score(second) > with_params(BetaGeo, days(BetaGeo) | {"r": 5.0}).score(second)
    assert model.score(second.sample(frac=1, random_state=0)) == pytest.approx(model.score(second))
    with pytest.raises(InputError, match="no customer has a purchase of a value above 0"):
        GammaGamma().fit(summary).score(summary[summary["frequency"] == 0])


def test_what_does_not_come_over_is_refused(theirs, their_spend, sample):
    with pytest.raises(InputError, match=r"ParetoNBD\.from_lifetimes takes a ParetoNBDFitter, not BetaGeoF"):
        ParetoNBD.from_lifetimes(theirs)
    with pytest.raises(InputError, match=r"BetaGeo\.from_lifetimes takes a BetaGeoFitter, not Modified"):
        BetaGeo.from_lifetimes(fitter(ModifiedBetaGeo))
    bare = fitter(BetaGeo)
    del bare.params_
    with pytest.raises(InputError, match="BetaGeoFitter is not fitted; call its fit first"):
        BetaGeo.from_lifetimes(bare)
    with pytest.raises(InputError, match="MbgCnbdK has no counterpart in lifetimes; these have: BetaGeo"):
        MbgCnbdK.from_lifetimes(theirs)
    heavy = GammaGamma.from_lifetimes(their_spend).to_lifetimes()
    heavy.params_["q"] = 0.9
    with pytest.raises(InputError, match=r"q is 0\.9: its mean spend is infinite; fit it again with q_cons"):
        GammaGamma.from_lifetimes(heavy)
    with pytest.raises(InputError, match="lifetimes knows neither first purchases nor levels of spend"):
        GammaGamma(use_first_purchase=True).fit(sample).to_lifetimes()
    with pytest.raises(InputError, match="is not fitted; call fit first"):
        BetaGeo().to_lifetimes()


def test_the_library_is_asked_for_by_its_extra_and_leaves_the_filters_alone(theirs, monkeypatch):
    model, before = BetaGeo.from_lifetimes(theirs), list(warnings.filters)
    for name in [name for name in sys.modules if name.partition(".")[0] == "lifetimes"]:
        monkeypatch.delitem(sys.modules, name)
    model.to_lifetimes()  # though pandas warns of what it sets, and warnings are errors here
    assert warnings.filters == before
    monkeypatch.setitem(sys.modules, "lifetimes", None)
    with pytest.raises(ConfigError, match=r"BetaGeo.to_lifetimes needs lifetimes.*crm_ml\[lifetimes\]"):
        model.to_lifetimes()
    assert BetaGeo.from_lifetimes(theirs).params_ == model.params_  # its attributes are all that is read
