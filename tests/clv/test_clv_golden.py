"""Published numbers of CDNOW.

Sources: Fader, Hardie and Lee (2005), Marketing Science 24, tables 1 and 2 (BG/NBD, Pareto/NBD, sample);
Fader, Hardie and Lee (2005), Journal of Marketing Research 42, and Fader and Hardie (2013) (Gamma-Gamma); the
walkthroughs that go with them (single customers, standard errors); MBG/NBD, the master file and the hold-out
are measured with lifetimes 0.11.3, whose formulas agree with 60-digit arithmetic to 1e-6.
"""

import numpy as np
import pytest
from clv_worlds import as_summary

from crm_ml.clv import BetaGeo, GammaGamma, ModifiedBetaGeo, ParetoNBD, lifetime_value
from crm_ml.evaluation.value import mae, msle, normalised_gini, rmse, total_error

PARAMS = {
    BetaGeo: (0.2426, 4.4136, 0.7929, 2.4259),
    ModifiedBetaGeo: (0.5248, 6.1831, 0.8914, 1.6140),
    ParetoNBD: (0.553, 10.578, 0.606, 11.669),
}
LOG_LIKELIHOOD = {BetaGeo: -9582.429, ModifiedBetaGeo: -9582.136, ParetoNBD: -9594.98}
MASTER = {
    BetaGeo: ((0.2516, 4.7889, 0.7234, 2.1611), -95368.444),
    ModifiedBetaGeo: ((0.6371, 7.3103, 0.8075, 1.2284), -95336.958),
}
COUNTS = {  # MAE, RMSE, MSLE, total error, Gini
    BetaGeo: ("0.7855", "1.6080", "0.2343", "-0.121", "0.662"),
    ParetoNBD: ("0.7545", "1.6028", "0.2377", "-0.115", "0.673"),
}
DOLLARS = {
    (BetaGeo, False): ("30.41", "72.30", "4.85", "-0.156", "0.638"),
    (ParetoNBD, False): ("29.45", "72.18", "4.19", "-0.148", "0.659"),
    (ParetoNBD, True): ("29.20", "72.86", "3.93", "-0.158", "0.693"),
}
# The papers stop their searches early and print three or four digits: 3e-3 is the distance of their values to
# the maximum. The likelihood is flat there, so .01 holds for it.
LOOSE, NEAR = 3e-3, 0.01


@pytest.mark.parametrize("model", PARAMS)
def test_sample_parameters_and_likelihood(fitted, model):
    found = fitted[model]
    assert tuple(found.params_.values()) == pytest.approx(PARAMS[model], rel=LOOSE)
    assert found.log_likelihood_ == pytest.approx(LOG_LIKELIHOOD[model], abs=NEAR)
    assert found.n_customers_ == 2357
    assert found.record_.at_bound == ()


@pytest.mark.parametrize("model", MASTER)
def test_master_parameters_and_likelihood(master, model):
    found, (params, likelihood) = model().fit(master), MASTER[model]
    assert found.n_customers_ == 23_570
    assert tuple(found.params_.values()) == pytest.approx(params, rel=LOOSE)
    assert found.log_likelihood_ == pytest.approx(likelihood, abs=NEAR)


def test_gamma_gamma_of_sample_and_master(spend, master):
    assert tuple(spend.params_.values()) == pytest.approx((6.2496, 3.7442, 15.4435), rel=LOOSE)
    assert spend.log_likelihood_ == pytest.approx(-4055.918, abs=NEAR)
    assert spend.n_customers_ == 946
    assert not spend.mean_is_tied_
    whole = GammaGamma().fit(master)
    assert tuple(whole.params_.values()) == pytest.approx((6.2754, 3.6245, 14.9837), rel=LOOSE)
    assert whole.log_likelihood_ == pytest.approx(-40763.476, abs=NEAR)


def test_pareto_standard_errors(fitted):
    """They are printed with three digits, from another Hessian: 5e-3 is half their last digit and more."""
    found = tuple(fitted[ParetoNBD].standard_errors_.values())
    assert found == pytest.approx((0.0476, 0.843, 0.187, 6.21), rel=5e-3)


def test_single_customers(fitted, spend, sample):
    """1e-3 is the last digit that the walkthroughs print of purchases, 5e-3 half a cent of spend."""
    one = as_summary([(2, 30.43, 38.86)])
    assert fitted[BetaGeo].expected_purchases(one, 39)[0] == pytest.approx(1.226, abs=1e-3)
    value = spend.expected_value(sample)
    assert value[["00004", "00021", "00018"]].tolist() == pytest.approx([24.65, 18.91, 35.17], abs=5e-3)
    assert value[sample["frequency"] == 0].unique() == pytest.approx([35.1704], abs=5e-5)
    assert spend.mean_ == pytest.approx(35.1704, abs=5e-5)


def test_the_outcomes_of_the_hold_out(actual):
    assert int(actual["purchases"].sum()) == 1882
    assert round(actual["dollars"].sum()) == 70_976


def _written(y, predicted, digits):
    metrics = (mae, rmse, msle, total_error, normalised_gini)
    return tuple(
        f"{metric(y, predicted):.{len(digit.partition('.')[2])}f}"
        for metric, digit in zip(metrics, digits, strict=True)
    )


@pytest.mark.parametrize("model", COUNTS)
def test_counts_of_the_hold_out(fitted, sample, actual, model):
    """Compared as they are printed: every digit of the reference table."""
    predicted = fitted[model].expected_purchases(sample, 39)
    assert _written(actual["purchases"], predicted, COUNTS[model]) == COUNTS[model]


@pytest.mark.parametrize("key", DOLLARS)
def test_dollars_of_the_hold_out(fitted, sample, actual, key):
    model, first = key
    value = GammaGamma(use_first_purchase=first).fit(sample)
    predicted = lifetime_value(fitted[model], value, sample, 39)
    assert _written(actual["dollars"], predicted, DOLLARS[key]) == DOLLARS[key]


def test_lifetime_value_is_purchases_times_spend(fitted, spend, sample):
    model = fitted[BetaGeo]
    found = lifetime_value(model, spend, sample, 39, margin=0.3)
    product = model.expected_purchases(sample, 39) * spend.expected_value(sample) * 0.3
    np.testing.assert_allclose(found, product, rtol=1e-14)
