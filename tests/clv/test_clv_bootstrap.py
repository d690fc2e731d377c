"""Customers drawn again: repeatable, near the standard errors, and without a trace on the model."""

import numpy as np
import pandas as pd
import pytest
import value_shop

from crm_ml.clv import BetaGeo, GammaGamma
from crm_ml.clv.bootstrap import bootstrap, with_bootstrap_errors
from crm_ml.errors import InputError


@pytest.fixture(scope="module")
def summary():
    return value_shop.summary(value_shop.lines(1_500, seed=8))


@pytest.fixture(scope="module")
def models(summary):
    return {"purchases": BetaGeo().fit(summary), "spend": GammaGamma().fit(summary)}


KINDS = pytest.mark.parametrize("kind", ["purchases", "spend"])


def rng(seed=0):
    return np.random.default_rng(seed)


@KINDS
def test_the_same_seed_draws_the_same_customers_in_any_order_of_rows(kind, models, summary):
    one = bootstrap(models[kind], summary, 4, rng())
    pd.testing.assert_frame_equal(bootstrap(models[kind], summary, 4, rng()), one, check_exact=True)
    mixed = summary.sample(frac=1, random_state=3)
    pd.testing.assert_frame_equal(bootstrap(models[kind], mixed, 4, rng()), one, check_exact=True)
    assert not bootstrap(models[kind], summary, 4, rng(1)).equals(one)
    assert list(one.columns) == list(models[kind].NAMES)
    assert len(one.drop_duplicates()) == 4
    assert (one > 0).all(axis=None)


@KINDS
def test_the_spread_is_near_the_standard_errors_where_the_model_holds(kind, models, summary):
    wider = with_bootstrap_errors(models[kind], summary, 60, rng())
    one, other = (np.sqrt(np.diag(model.covariance_)) for model in (wider, models[kind]))
    assert wider.covariance_.shape == models[kind].covariance_.shape
    # 60 replicates know a spread to 9 %; a and b of BG/NBD vary together and far more
    drawn = bootstrap(models[kind], summary, 60, rng()).to_numpy(copy=True)
    drawn[:, 1] -= kind == "spend"  # q is known by the logarithm of q - 1
    np.testing.assert_allclose(wider.covariance_, np.cov(np.log(drawn), rowvar=False))
    known = slice(0, 2) if kind == "purchases" else slice(None)
    np.testing.assert_allclose(one[known], other[known], rtol=0.4)
    correlation = wider.covariance_[0, 1] / (one[0] * one[1])
    assert correlation == pytest.approx(models[kind].covariance_[0, 1] / (other[0] * other[1]), abs=0.15)


@KINDS
def test_replicates_lie_around_the_parameters(kind, models, summary):
    drawn = np.log(bootstrap(models[kind], summary, 40, rng(2)))
    fitted = np.log(pd.Series(models[kind].params_))
    assert (np.abs(drawn.median() - fitted) < 0.6 * drawn.std()).all()


@KINDS
def test_the_model_is_left_as_it_is(kind, models, summary):
    model = models[kind]
    before, rows = model.as_dict(), summary.copy(deep=True)
    wider = with_bootstrap_errors(model, summary, 3, rng())
    assert model.as_dict() == before
    pd.testing.assert_frame_equal(summary, rows)
    assert wider is not model
    assert wider.params_ == model.params_
    assert not np.array_equal(wider.covariance_, model.covariance_)


def test_the_options_of_the_spend_model_go_into_every_replicate(summary):
    model = GammaGamma(use_first_purchase=True, largest_correlation=0.0).fit(summary)
    assert model.levels_.edges
    drawn = bootstrap(model, summary, 10, rng())
    plain = bootstrap(GammaGamma().fit(summary), summary, 10, rng())
    assert not np.allclose(drawn, plain)
    assert (np.abs(np.log(drawn).median() - np.log(pd.Series(model.params_))) < 0.5).all()


def test_what_can_not_be_drawn_is_refused(models, summary):
    for count in (0, -1):
        with pytest.raises(InputError, match=f"replicates is {count}; it must be 1 or more"):
            bootstrap(models["purchases"], summary, count, rng())
    with pytest.raises(InputError, match="T is missing"):
        bootstrap(models["purchases"], summary.drop(columns="T"), 2, rng())
