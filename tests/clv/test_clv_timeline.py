"""Covariates that change over time: CLVTools' example, identities, and integrals that know no stretches.

On the apparel example CLVTools 0.12.1 ends at a log-likelihood of -5752.937 with 0.7183, 0.2649 and 0.6137
for the purchases of season, gender and channel; a port of it to Python that searches longer at -5752.623.
"""

from itertools import pairwise

import apparel
import numpy as np
import pandas as pd
import pytest
from scipy.integrate import quad
from scipy.special import gammaln

from crm_ml.clv import DynamicParetoNBD, ParetoNBD, WithCovariates, months, summarize, timeline
from crm_ml.clv.purchase_histories import Histories
from crm_ml.errors import InputError

ALL = ["High.Season", "Gender", "Channel"]
THETA = np.array([0.3, 3.9, -0.6, 3.8, 0.5, 0.2, 0.4, -0.3, 0.2, 0.1])


@pytest.fixture(scope="module")
def lines():
    return apparel.lines()


@pytest.fixture(scope="module")
def weekly(lines):  # noqa: ARG001  (which skips where there are no data)
    return apparel.weekly().rename(columns={"Id": "customer_id", "Cov.Date": "starts_on"})


@pytest.fixture(scope="module")
def known(lines):
    return summarize(lines, apparel.FIT_ENDS, "W")


@pytest.fixture(scope="module")
def line(known, lines, weekly):
    return timeline(known, lines, apparel.FIT_ENDS, weekly)


@pytest.fixture(scope="module")
def fitted(line):
    return DynamicParetoNBD(ALL, ALL).fit(line)


def at(theta, purchases, dropout):
    """A model with given numbers, as if it had been fitted."""
    model = DynamicParetoNBD(purchases, dropout)
    names = [f"purchases.{n}" for n in purchases] + [f"dropout.{n}" for n in dropout]
    model.NAMES, model.COEFFICIENTS = (*ParetoNBD.NAMES, *names), len(names)
    model.theta_, model.time_unit_, model.n_customers_ = theta, "W", 600
    model.covariance_ = np.eye(len(theta)) / 100
    return model


def test_the_maximum_is_that_of_the_example(fitted):
    assert fitted.log_likelihood_ == pytest.approx(-5752.623, abs=1e-3)
    assert fitted.log_likelihood_ > -5752.937
    assert fitted.params_["purchases.High.Season"] == pytest.approx(0.7183, abs=5e-3)
    assert fitted.params_["purchases.Gender"] == pytest.approx(0.2649, abs=1e-2)
    assert fitted.params_["purchases.Channel"] == pytest.approx(0.6137, abs=1e-2)
    assert np.isnan(fitted.standard_errors_["dropout.High.Season"])  # from -2.5 on the data hardly care


def test_coefficients_of_0_give_the_likelihood_without_them_for_each_customer(line, known):
    bare = ParetoNBD().fit(known)
    model = at(np.concatenate([bare.theta_, np.zeros(6)]), ALL, ALL)
    histories = Histories.of(known)
    alone = histories.for_each(bare.log_likelihood_each(bare.theta_, histories)[0])
    np.testing.assert_allclose(model.log_likelihoods(line), alone, rtol=1e-11)
    np.testing.assert_allclose(model.probability_alive(line), bare.probability_alive(known), rtol=1e-10)
    for horizon in (0.5, 39.0, 104.0):
        ahead = model.expected_purchases(line, horizon)
        np.testing.assert_allclose(ahead, bare.expected_purchases(known, horizon), rtol=1e-9)


def test_covariates_that_never_change_give_the_static_model(known, lines, weekly):
    fixed = weekly.drop(columns="High.Season")
    line = timeline(known, lines, apparel.FIT_ENDS, fixed)
    assert len(line.pieces.owner) == 600  # one stretch each
    names = ["Gender", "Channel"]
    dynamic = DynamicParetoNBD(names, names).fit(line)
    summary = known.join(apparel.static())
    summary.attrs = known.attrs
    static = WithCovariates(ParetoNBD(), names, names).fit(summary)
    assert dynamic.NAMES == static.NAMES
    assert dynamic.log_likelihood_ == pytest.approx(static.log_likelihood_, abs=1e-7)
    np.testing.assert_allclose(dynamic.theta_, static.theta_, rtol=1e-5)
    for name, error in static.standard_errors_.items():
        assert dynamic.standard_errors_[name] == pytest.approx(error, rel=1e-4), name
    model = at(static.theta_, names, names)
    histories = static.histories_of(summary)
    each = static.model.log_likelihood_each(static.each(static.theta_, histories), histories)[0]
    np.testing.assert_allclose(model.log_likelihoods(line), histories.for_each(each), rtol=1e-10)
    np.testing.assert_allclose(model.probability_alive(line), static.probability_alive(summary), rtol=1e-9)
    np.testing.assert_allclose(
        model.expected_purchases(line, 52.0), static.expected_purchases(summary, 52.0), rtol=1e-9
    )


def test_more_covariates_than_needed_change_nothing(line, known, lines, weekly):
    """Earlier and later weeks, other customers, other columns."""
    early = weekly[weekly["starts_on"] < "2005-01-09"]
    before = early.assign(starts_on=early["starts_on"] - pd.Timedelta(days=70), **{"High.Season": 1.0})
    nobody = weekly[weekly["customer_id"] == "1"].assign(customer_id="nobody")
    short = weekly[weekly["starts_on"] < "2007-01-07"]
    model = at(THETA, ALL, ALL)
    wanted = model.log_likelihoods(line)
    for rows in (pd.concat([before, weekly, nobody]), short, weekly.sample(frac=1, random_state=0)):
        more = timeline(known, lines, apparel.FIT_ENDS, rows.assign(other=1.0))
        pd.testing.assert_series_equal(model.log_likelihoods(more), wanted, rtol=1e-12)


def pace(line, customer, coefficients):
    """Rate of a customer at a time, straight from the covariates."""
    mine = line.pieces.owner == customer
    start, pattern = line.pieces.start[mine], line.pieces.pattern[mine]
    rates = np.exp(coefficients @ line.patterns)[pattern]
    return lambda t: rates[np.searchsorted(start, t, side="right") - 1], start[1:]


@pytest.mark.parametrize("customer", [0, 7, 40, 300])
def test_likelihood_and_expectation_are_the_integrals_of_the_process(line, customer):
    """Over the time of dropping out, with rates that are looked up: no sum over stretches."""
    model = at(THETA, ALL, ALL)
    r, alpha, s, beta = np.exp(THETA[:4])
    x, t_x, T = line.x[customer], line.t_x[customer], line.T[customer]
    buying, edges = pace(line, customer, THETA[4:7])
    leaving, _ = pace(line, customer, THETA[7:])

    def passed(rate, until):
        cuts = np.unique([0.0, *edges[edges < until], until])
        return sum(rate((a + b) / 2) * (b - a) for a, b in pairwise(cuts))

    def dropped(t):
        density = s * leaving(t) * (alpha + passed(buying, t)) ** -(r + x)
        return density * (beta + passed(leaving, t)) ** -(s + 1)

    cuts = np.unique([t_x, *edges[(edges > t_x) & (edges < T)], T])
    gone = sum(quad(dropped, a, b, epsrel=1e-10)[0] for a, b in pairwise(cuts))
    stays = (alpha + passed(buying, T)) ** -(r + x) * (beta + passed(leaving, T)) ** -s
    ways = gammaln(r + x) - gammaln(r) + r * np.log(alpha) + s * np.log(beta)
    wanted = ways + THETA[4:7] @ line.bought[:, customer] + np.log(gone + stays)
    assert model.log_likelihoods(line).iloc[customer] == pytest.approx(wanted, rel=1e-9)
    alive = stays / (gone + stays)
    assert model.probability_alive(line).iloc[customer] == pytest.approx(alive, rel=1e-8)
    ahead, force = 30.0, np.log(1.1) * 7 / 365.25
    rate = (r + x) / (alpha + passed(buying, T))
    now = beta + passed(leaving, T)

    def bought(t, force):
        return buying(t) * (now / (beta + passed(leaving, t))) ** s * np.exp(-force * (t - T))

    cuts = np.unique([T, *edges[(edges > T) & (edges < T + ahead)], T + ahead])
    for interest, found in (
        (0.0, model.expected_purchases(line, ahead)),
        (force, model.discounted_purchases(line, ahead, 0.1)),
    ):
        total = sum(quad(bought, a, b, args=(interest,))[0] for a, b in pairwise(cuts))
        assert found.iloc[customer] == pytest.approx(alive * rate * total, rel=1e-8)


def test_the_gradient_is_that_of_the_likelihood(line):
    model = at(THETA, ALL, ALL)
    pieces = line.until_now()
    _, slopes, _ = model._each(THETA, line, pieces)
    steps = 1e-4 * np.eye(len(THETA))
    moved = [[model._each(THETA + sign * step, line, pieces)[0].sum() for sign in (1, -1)] for step in steps]
    np.testing.assert_allclose(slopes.sum(axis=1), [(up - down) / 2e-4 for up, down in moved], rtol=2e-5)


def test_a_season_ahead_raises_what_is_expected(fitted, known, lines, weekly):
    """And intervals hold the expectation; the known effects of season are in the coefficient."""
    ahead = []
    for season in (0.0, 1.0):
        later = weekly["starts_on"] >= "2006-12-31"
        rows = weekly.assign(**{"High.Season": weekly["High.Season"].where(~later, season)})
        line = timeline(known, lines, apparel.FIT_ENDS, rows)
        ahead.append(fitted.with_interval(line, months(3), 0.1))
        inside = ahead[-1]["low"] < ahead[-1]["purchases"], ahead[-1]["purchases"] < ahead[-1]["high"]
        assert inside[0].all() and inside[1].all()
    ratio = ahead[1]["purchases"] / ahead[0]["purchases"]
    assert np.median(ratio) == pytest.approx(np.exp(fitted.params_["purchases.High.Season"]), rel=0.15)
    low, high = fitted.confidence_intervals()["purchases.High.Season"]
    assert low < 0.7183 < high


def test_covariates_of_all_customers_need_no_customer(line, known, lines, weekly):
    season = weekly[weekly["customer_id"] == "1"][["starts_on", "High.Season"]]
    shared = timeline(known, lines, apparel.FIT_ENDS, season)
    theta = THETA[[0, 1, 2, 3, 4, 7]]
    ours = at(theta, ["High.Season"], ["High.Season"]).log_likelihoods(shared)
    theirs = at(theta, ["High.Season"], ["High.Season"]).log_likelihoods(line)
    pd.testing.assert_series_equal(ours, theirs, rtol=1e-12)


@pytest.fixture(scope="module")
def made_up(sample, tables):
    """CDNOW's sample with weeks of a made-up season, and a covariate that never changes."""
    weeks = pd.date_range("1996-12-30", "1998-07-06", freq="7D")
    people = pd.MultiIndex.from_product([sample.index[:300], weeks], names=["customer_id", "starts_on"])
    rows = people.to_frame(index=False)
    rows["season"] = rows["starts_on"].dt.month.isin([3, 6, 11])
    rows["even"] = rows["customer_id"].astype(int) % 2
    some = sample.iloc[:300]
    some.attrs = sample.attrs
    return some, timeline(some, tables, "1997-10-01", rows)


def test_identities_hold_without_the_example(made_up):
    """Coefficients of 0, and covariates that never change, as above."""
    some, line = made_up
    bare = ParetoNBD.of_params({"r": 0.553, "alpha": 10.578, "s": 0.606, "beta": 11.669}, "W")
    model = at(np.concatenate([bare.theta_, np.zeros(3)]), ["season", "even"], ["season"])
    histories = Histories.of(some)
    alone = histories.for_each(bare.log_likelihood_each(bare.theta_, histories)[0])
    np.testing.assert_allclose(model.log_likelihoods(line), alone, rtol=1e-11)
    np.testing.assert_allclose(
        model.expected_purchases(line, 30.0), bare.expected_purchases(some, 30.0), rtol=1e-9
    )
    summary = some.assign(even=some.index.astype(int) % 2)
    summary.attrs = some.attrs
    static = WithCovariates(ParetoNBD(), ["even"], ["even"]).fit(summary)
    dynamic = at(static.theta_, ["even"], ["even"])
    assert dynamic.log_likelihoods(line).sum() == pytest.approx(static.log_likelihood_, rel=1e-11)
    one = DynamicParetoNBD(["season"]).fit(line)
    same = at(np.append(one.theta_, 0.0), ["season"], ["even"])
    np.testing.assert_allclose(same.log_likelihoods(line), one.log_likelihoods(line), rtol=1e-12)
    np.testing.assert_allclose(
        same.expected_purchases(line, 30.0), one.expected_purchases(line, 30.0), rtol=1e-12
    )
    assert DynamicParetoNBD(dropout=["even"]).fit(line).NAMES[4:] == ("dropout.even",)
    fitted = DynamicParetoNBD(["season", "even"], ["even"]).fit(line)
    assert fitted.log_likelihood_ > static.log_likelihood_
    pieces = line.until_now()
    _, slopes, _ = fitted._each(fitted.theta_, line, pieces)
    np.testing.assert_allclose(slopes.sum(axis=1), 0, atol=1e-3)


def test_what_is_no_timeline_is_refused(line, fitted, known, lines, weekly):
    day = apparel.FIT_ENDS
    for rows, words in (
        (weekly[weekly["starts_on"] > "2005-01-02"], "600 have none on the day of their first purchase"),
        (weekly[weekly["starts_on"] < "2006-12-01"], "those of 600 end before the day of the summary"),
        (weekly[weekly["customer_id"] != "1"], "1 of 600 customers have none"),
        (pd.concat([weekly, weekly.head(3)]), "3 rows start on the day of another one of the same customer"),
        (weekly.assign(Gender="f"), "Gender is no number; give numbers or booleans"),
        (weekly.assign(Gender=np.nan), "a value is missing or infinite in"),
        (weekly.drop(columns="starts_on"), "give a column starts_on and at least one covariate"),
    ):
        with pytest.raises(InputError, match=words):
            timeline(known, lines, day, rows)
    with pytest.raises(InputError, match="take D, W or M, and no calendar periods"):
        timeline(summarize(lines, day, "h"), lines, day, weekly)
    with pytest.raises(InputError, match=r"no covariate Sun; it has High\.Season, Gender, Channel"):
        DynamicParetoNBD(["Sun"]).fit(line)
    with pytest.raises(InputError, match="name covariates in purchases or dropout"):
        DynamicParetoNBD().fit(line)
    with pytest.raises(InputError, match="covariates end before the horizon for 600 of 600 customers"):
        fitted.expected_purchases(line, 520.0)
    with pytest.raises(InputError, match="not fitted"):
        DynamicParetoNBD(["Gender"]).probability_alive(line)
