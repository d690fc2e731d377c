"""MBG/CNBD-k: it is MBG/NBD at k = 1, and what is simulated at any k."""

import numpy as np
import pandas as pd
import pytest
from clv_worlds import PARAMS, as_summary, with_params

from crm_ml.clv import GammaGamma, MbgCnbdK, ModifiedBetaGeo, lifetime_value, value_with_interval, with_gaps
from crm_ml.clv.purchase_histories import Histories
from crm_ml.errors import InputError

ROWS = [(0, 0, 30), (1, 9, 38), (2, 20, 36), (5, 30, 35), (9, 30, 30), (3, 12, 39), (0, 0, 4), (4, 33, 39)]
PLAIN = PARAMS[ModifiedBetaGeo]


def regular(k, params=None):
    """A model of shape k, as if it had been fitted, in weeks."""
    content = with_params(ModifiedBetaGeo, params or PLAIN).as_dict()
    return MbgCnbdK.from_dict(content | {"k": k})


def panel(k, customers, seed, T=52.0, rate=(1.0, 4.0), coin=(0.8, 4.0), ahead=52.0):
    """Customers with Erlang gaps: the summary with log_gaps, later purchases, and who is alive at T."""
    rng = np.random.default_rng(seed)
    often, leaves = rng.gamma(rate[0], 1 / rate[1], customers) * k, rng.beta(*coin, customers)
    at = np.cumsum(rng.gamma(k, 1.0, (customers, 400)), axis=1) / often[:, None]
    bought = rng.geometric(leaves) - 1  # repeat purchases until the coin says stop, also after the first one
    at[np.arange(400) >= bought[:, None]] = np.inf
    known = at <= T
    x, last = known.sum(axis=1), np.where(known, at, 0.0).max(axis=1)
    gaps = np.diff(np.where(known, at, np.nan), axis=1, prepend=0.0)
    summary = pd.DataFrame({"frequency": x, "recency": last, "T": T})
    summary["log_gaps"] = np.nansum(np.log(np.where(gaps > 0, gaps, 1.0)), axis=1)
    summary.attrs["time_unit"] = "W"
    return summary, ((at > T) & (at <= T + ahead)).sum(axis=1), bought > x


def test_at_one_it_is_mbg_nbd():
    summary, plain, one = as_summary(ROWS), with_params(ModifiedBetaGeo), regular(1)
    histories = Histories.of(summary)
    value, slope = plain._log_likelihood(plain.theta_, histories)
    own_value, own_slope = one._log_likelihood(one.theta_, histories)
    assert own_value == pytest.approx(value, rel=1e-12)
    assert own_slope == pytest.approx(slope, rel=1e-10)
    for made in ("probability_alive", "expected_purchases", "probability_of_purchase"):
        more = () if made == "probability_alive" else (39.0,)
        ours, theirs = (getattr(model, made)(summary, *more).to_numpy() for model in (one, plain))
        assert ours == pytest.approx(theirs, rel=1e-9)
    assert one.purchase_counts(summary, 39.0, 5).to_numpy() == pytest.approx(
        plain.purchase_counts(summary, 39.0, 5).to_numpy(), abs=1e-10
    )
    assert one.expected_since_first([9.0, 39.0]) == pytest.approx(
        plain.expected_since_first([9.0, 39.0]), rel=1e-9
    )
    assert one.alive_with_slopes(one.theta_, histories)[1] == pytest.approx(
        plain.alive_with_slopes(plain.theta_, histories)[1], rel=1e-9
    )


@pytest.mark.parametrize("k", [2, 5])
def test_gradients_are_those_of_differences(k):
    model, histories, step = regular(k), Histories.of(as_summary(ROWS)), 1e-5 * np.eye(4)
    _, slope = model._log_likelihood(model.theta_, histories)
    ends = [
        [model._log_likelihood(model.theta_ + sign * each, histories)[0] for sign in (1, -1)] for each in step
    ]
    assert slope == pytest.approx([(up - down) / 2e-5 for up, down in ends], rel=1e-6)
    quiet = Histories.of(as_summary([row for row in ROWS if row[1] < row[2]]))  # may be in any phase
    _, slopes = model.states_with_slopes(model.theta_, quiet)
    for i, each in enumerate(step):
        up, down = (np.log(model.states_with_slopes(model.theta_ + s * each, quiet)[0]) for s in (1, -1))
        assert (up - down) / 2e-5 == pytest.approx(slopes[:, i], rel=1e-5, abs=1e-7)


@pytest.mark.parametrize("k", [2, 4])
def test_what_is_simulated_is_alive_and_buys_as_expected(k):
    """Against 12,000 customers in groups of the same prediction, and against drawn futures."""
    summary, later, alive = panel(k, 12_000, seed=k)
    model = regular(k, {"r": 1.0, "alpha": 4.0 / k, "a": 0.8, "b": 4.0})
    p, expected = model.probability_alive(summary), model.expected_purchases(summary, 52.0)
    none = 1 - model.probability_of_purchase(summary, 52.0)
    for predicted, observed in ((p, alive), (expected, later), (none, later == 0)):
        tenth = pd.qcut(predicted, 8, labels=False, duplicates="drop")
        table = pd.DataFrame({"predicted": predicted, "observed": observed}).groupby(tenth)
        error = table["observed"].std() / np.sqrt(table["observed"].size())
        gap = (table["observed"].mean() - table["predicted"].mean()).abs()
        assert (gap < 4 * error.clip(lower=0.003)).all()
    few = summary.iloc[::600]
    counts = model.purchase_counts(few, 52.0, 200).to_numpy()
    assert counts.sum(axis=1) == pytest.approx(1.0)
    assert counts @ np.arange(201) == pytest.approx(model.expected_purchases(few, 52.0).to_numpy(), rel=1e-9)
    assert counts[:, 0] == pytest.approx(1 - model.probability_of_purchase(few, 52.0).to_numpy())
    future, rng = model.future(Histories.of(few)), np.random.default_rng(0)
    drawn = np.mean([future.drawn(52.0, rng) for _ in range(3000)], axis=0)
    assert drawn == pytest.approx(future.expected(52.0), rel=0.1, abs=0.15)


def test_k_and_parameters_are_recovered():
    summary = panel(3, 3_000, seed=1)[0]
    model = MbgCnbdK().fit(summary)
    assert model.k_ == 3
    assert model.params_["r"] / model.params_["alpha"] == pytest.approx(3 / 4, rel=0.1)
    assert model.params_["a"] / model.params_["b"] == pytest.approx(0.2, rel=0.25)
    again = MbgCnbdK.from_dict(model.as_dict())
    assert again.expected_purchases(summary, 9.0).equals(model.expected_purchases(summary, 9.0))
    two, later = MbgCnbdK(k=2).fit(summary), panel(3, 1_000, seed=2)[0]
    assert two.k_ == 2
    assert model.score(later) > two.score(later)  # the gaps count, by which alone they differ so much
    with pytest.raises(InputError, match="log_gaps is missing"):
        two.score(later.drop(columns="log_gaps"))
    with pytest.raises(InputError, match="k is 0"):
        MbgCnbdK(k=0)
    with pytest.raises(InputError, match="log_gaps is missing"):
        MbgCnbdK().fit(summary.drop(columns="log_gaps"))


def test_monthly_subscribers_who_left_are_not_alive():
    """120 days without a purchase after one every month: .4 alive if gaps were exponential."""
    rng = np.random.default_rng(0)
    left, customers = rng.integers(5, 60, 400).astype(float), 400
    age = np.full(customers, 60.0)
    x = (left / 4.35).astype(int).clip(1)
    summary = as_summary({"frequency": x, "recency": x * 4.35, "T": age})
    summary["log_gaps"] = x * np.log(4.35)
    alive = {m: m().fit(summary).probability_alive(summary) for m in (ModifiedBetaGeo, MbgCnbdK)}
    quiet = (age - summary["recency"]).between(17, 26)
    assert alive[MbgCnbdK][quiet].max() < 0.05


def test_value_is_discounted_over_phases():
    summary = panel(3, 300, seed=2)[0].assign(monetary_value=20.0)
    rng = np.random.default_rng(0)
    summary["monetary_value"] = np.where(summary["frequency"] > 0, rng.gamma(4.0, 5.0, 300), 0.0)
    model, spend = MbgCnbdK().fit(summary), GammaGamma().fit(summary)
    plain = lifetime_value(model, spend, summary, 52.0)
    expected = model.expected_purchases(summary, 52.0) * spend.expected_value(summary)
    assert plain.to_numpy() == pytest.approx(expected.to_numpy())
    some = value_with_interval(model, spend, summary, 52.0, 0.1)
    weekly = np.array([model.expected_purchases(summary, t) for t in np.arange(0.25, 52.01, 0.25)])
    gained = np.diff(weekly, axis=0, prepend=0.0)
    discount = 1.1 ** -((np.arange(0.25, 52.01, 0.25) - 0.125) / 52.1786)
    assert some["clv"].to_numpy() == pytest.approx(
        (discount @ gained) * spend.expected_value(summary), rel=1e-4
    )
    assert (some["clv_low"] <= some["clv"]).all()
    assert (some["clv_high"] / some["clv_low"]).max() < 100


@pytest.mark.parametrize("k", [0, 2.5, 13])
def test_phases_are_a_whole_number(k):
    with pytest.raises(InputError, match="whole number from 1 to 12"):
        MbgCnbdK(k)


def test_gaps_need_a_unit_and_are_needed_of_every_row():
    summary = pd.DataFrame({"frequency": [0, 2], "recency": [0.0, 9.0], "T": [20.0, 20.0]})
    with pytest.raises(InputError, match="time_unit is 'None'"):
        with_gaps(summary, None, "2026-01-01")
    with pytest.raises(InputError, match="missing or infinite in some rows"):
        MbgCnbdK().fit(summary.assign(log_gaps=[0.0, np.nan]))
