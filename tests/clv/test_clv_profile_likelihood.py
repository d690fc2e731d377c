"""Profile-likelihood intervals against an independent search over the other parameters."""

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize
from scipy.stats import chi2

from crm_ml.clv import BetaGeo, ModifiedBetaGeo, ParetoNBD, profile_intervals
from crm_ml.clv.maximum_likelihood import NotConverged
from crm_ml.clv.purchase_histories import Histories
from crm_ml.errors import InputError

MODELS = [BetaGeo, ModifiedBetaGeo, ParetoNBD]


def customers(count, kind, seed):
    """Customers of whole weeks, who stop at the flip of a coin or at the end of a lifetime."""
    rng = np.random.default_rng(seed)
    rate, T = rng.gamma(0.6, 1 / 6.0, count), rng.integers(27, 40, count)
    coin, ends = rng.beta(0.9, 2.0, count), T.astype(float)
    if kind is ParetoNBD:
        coin, ends = np.zeros(count), np.minimum(T, rng.exponential(11.0 / rng.gamma(0.8, 1, count)))
    x, now, last, here = np.zeros(count, dtype=int), np.zeros(count), np.zeros(count), np.arange(count)
    if kind is ModifiedBetaGeo:
        here = here[rng.random(len(here)) >= coin[here]]
    while len(here):
        now[here] += rng.exponential(1 / np.maximum(rate[here], 1e-12))
        here = here[now[here] <= ends[here]]
        x[here], last[here] = x[here] + 1, now[here]
        here = here[rng.random(len(here)) >= coin[here]]
    return pd.DataFrame({"frequency": x, "recency": np.ceil(last), "T": T.astype(float)})


@pytest.fixture(scope="module", params=MODELS, ids=lambda model: model.__name__)
def fitted(request):
    summary = customers(3_000, request.param, seed=3)
    model = request.param().fit(summary)
    return model, summary, profile_intervals(model, summary)


def twice_the_drop(model, summary, name, value):
    """Twice the drop of the log-likelihood with one parameter held, by scipy from several starts."""
    histories = Histories.of(summary)
    i = model.NAMES.index(name)
    others = [k for k in range(len(model.NAMES)) if k != i]
    theta = model.theta_.copy()
    theta[i] = np.log(value)

    def loss(free):
        theta[others] = free
        with np.errstate(all="ignore"):  # a step along a ridge may go beyond all floats, and is taken back
            found, slope = model._log_likelihood(theta, histories)
        return -found, -slope[others]

    size = np.log(value) - model.theta_[i]
    starts = [model.theta_[others] + part * size for part in (0.0, 0.5, 1.0)]
    options = {"maxiter": 2_000, "ftol": 1e-15, "gtol": 1e-7}
    best = min(
        (minimize(loss, one, jac=True, method="L-BFGS-B", options=options) for one in starts), key=_fun
    )
    best = min(minimize(loss, best.x, jac=True, method="BFGS", options={"gtol": 1e-6}), best, key=_fun)
    return 2 * (model.log_likelihood_ + best.fun)


def _fun(found):
    return found.fun


def test_twice_the_drop_at_both_ends_is_the_quantile(fitted):
    model, summary, intervals = fitted
    for name, ends in intervals.items():
        for end in ends:
            assert twice_the_drop(model, summary, name, end) == pytest.approx(chi2.ppf(0.95, 1), abs=1e-4), (
                name
            )


def test_an_interval_holds_the_estimate_and_grows_with_the_level(fitted):
    model, summary, intervals = fitted
    narrow = profile_intervals(model, summary, level=0.5)
    assert list(intervals) == list(narrow) == list(model.NAMES)
    for name, (low, high) in intervals.items():
        assert low < narrow[name][0] < model.params_[name] < narrow[name][1] < high


def test_the_model_is_left_as_it_is(fitted):
    model, summary, intervals = fitted
    before, frame = model.as_dict(), summary.copy()
    assert profile_intervals(model, summary.sample(frac=1, random_state=1)) == intervals
    assert model.as_dict() == before
    pd.testing.assert_frame_equal(summary, frame)


def test_days_instead_of_weeks_change_times_and_nothing_else(fitted):
    model, summary, intervals = fitted
    days = summary.assign(recency=7 * summary["recency"], T=7 * summary["T"])
    found = profile_intervals(type(model)().fit(days), days)
    for name, ends in intervals.items():
        factor = 7 if name in model.TIMES else 1
        assert found[name] == pytest.approx(tuple(factor * end for end in ends), rel=1e-4), name


@pytest.mark.parametrize("kind", [BetaGeo, ModifiedBetaGeo])
def test_with_very_many_customers_it_is_the_interval_from_the_hessian(kind):
    few = customers(3_000, kind, seed=5)
    summary = few.loc[few.index.repeat(400)]
    model = kind().fit(summary)
    found, wald = profile_intervals(model, summary), model.confidence_intervals()
    for name in model.NAMES:
        widths = np.log(found[name]) - np.log(model.params_[name])
        assert widths == pytest.approx(np.log(wald[name]) - np.log(model.params_[name]), rel=0.02), name
    assert max(abs(np.log(high / low)) for low, high in found.values()) < 0.1


def test_with_few_customers_it_is_not(fitted):
    model, _, intervals = fitted
    low, high = intervals[model.NAMES[3]]
    wald = model.confidence_intervals()[model.NAMES[3]]
    assert high > 1.01 * wald[1]
    assert low > 1.01 * wald[0]


@pytest.mark.parametrize(("seed", "run_off"), [(13, True), (10, False)])
def test_parameters_that_can_run_off_together_have_no_end_there(seed, run_off):
    summary = customers(600, BetaGeo, seed)  # coins, where Pareto/NBD looks for lifetimes
    model = ParetoNBD().fit(summary)
    assert (model.params_["beta"] > 1e6) == run_off
    # how far a search follows the ridge depends on the processor
    assert model.record_.at_bound in ((), ("beta",) * run_off)
    found = profile_intervals(model, summary)
    assert found["s"][1] == found["beta"][1] == np.inf
    for name in ("s", "beta"):
        assert 0 < found[name][0] < model.params_[name]
        at = twice_the_drop(model, summary, name, found[name][0])
        assert at == pytest.approx(chi2.ppf(0.95, 1), abs=1e-3)
    assert all(0 < low < high < np.inf for low, high in (found["r"], found["alpha"]))


def test_customers_who_never_stop_leave_dropping_out_without_a_lower_end():
    rng = np.random.default_rng(2)
    x = rng.poisson(rng.gamma(2.0, 2.0, 800))
    summary = pd.DataFrame({"frequency": x, "recency": np.where(x > 0, 30.0, 0.0), "T": 30.0})
    model = BetaGeo().fit(summary)
    found = profile_intervals(model, summary)
    assert (found["a"][0], found["b"][1]) == (0, np.inf)
    assert 0 < found["r"][0] < model.params_["r"] < found["r"][1] < np.inf


def test_a_summary_of_other_customers_or_another_unit_is_refused(fitted):
    model, summary, _ = fitted
    with pytest.raises(
        InputError, match=r"log-likelihood of \w+ is .* give the summary that it was fitted to"
    ):
        profile_intervals(model, summary.iloc[1:])
    with pytest.raises(InputError, match="frequency is missing"):
        profile_intervals(model, summary.drop(columns="frequency"))
    weeks, days = (summary.copy(), summary.copy())
    weeks.attrs["time_unit"], days.attrs["time_unit"] = "W", "D"
    with pytest.raises(InputError, match="summary is in days, but the model was fitted in weeks"):
        profile_intervals(type(model)().fit(weeks), days)


@pytest.mark.parametrize("level", [0, 1, 95, np.nan])
def test_a_level_that_is_no_share_is_refused(fitted, level):
    model, summary, _ = fitted
    with pytest.raises(InputError, match="level is"):
        profile_intervals(model, summary, level)


def test_a_model_that_is_not_fitted_is_refused():
    with pytest.raises(InputError, match="BetaGeo is not fitted"):
        profile_intervals(BetaGeo(), customers(100, BetaGeo, seed=1))


def test_a_fit_that_is_no_maximum_is_refused(fitted):
    model, summary, _ = fitted
    theta = model.theta_ + np.array([0.5, 0, 0, 0])
    value, _ = model._log_likelihood(theta, Histories.of(summary))
    moved = type(model).from_dict(model.as_dict() | {"theta": theta.tolist(), "log_likelihood": value})
    with pytest.raises(NotConverged, match=r"higher by .* than at the fit"):
        profile_intervals(moved, summary)
