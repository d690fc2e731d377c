"""P(alive) of one customer day by day, and curves by the day."""

from datetime import timedelta

import numpy as np
import pandas as pd
import pytest
from clv_worlds import MODELS, PARAMS, fitter, quiet

from crm_ml import datasets
from crm_ml.clv import (
    BetaGeo,
    WithCovariates,
    alive_path,
    cumulative,
    summarize,
    with_attributes,
)
from crm_ml.errors import InputError
from crm_ml.snapshots import Snapshot, as_utc


@pytest.mark.parametrize("kind", MODELS)
def test_each_day_is_that_of_lifetimes(kind, lines):
    """With what was known on that day, at the same parameters; its own helper fails on pandas 3."""
    model = kind.of_params(PARAMS[kind], "W")
    path = alive_path(model, lines, "00111", "1998-07-01", days_ahead=10)
    own = lines[lines["customer_id"] == "00111"]["ordered_at"].drop_duplicates()
    assert path.index[0] == own.min()
    assert path.index[path["purchase"]].tolist() == own.sort_values().tolist()
    assert path["known"].sum() == (pd.Timestamp("1998-07-01") - own.min()).days
    assert len(path) == path["known"].sum() + 10
    assert path["p_alive_low"][path["p_alive"] < 1].isna().all()  # nothing is known of the errors
    theirs = fitter(kind)
    for day in path.index[::23]:
        past = own[own <= day]
        seen = [len(past) - 1, *((past.max() - own.min(), day - own.min()) / np.timedelta64(7, "D"))]
        with quiet():
            wanted = float(np.ravel(theirs.conditional_probability_alive(*np.array(seen, float)))[0])
        assert path.loc[day, "p_alive"] == pytest.approx(wanted, rel=1e-6)


def test_the_covariates_of_a_customer_come_from_the_tables_or_are_given():
    shop = datasets.load("simulated", customers=400, seed=0)
    names = ["acquired_through"]
    summary = with_attributes(summarize(shop, "2024-12-29"), shop, names)
    model = WithCovariates(BetaGeo(), names, names).fit(summary)
    customer = str(summary["frequency"].idxmax())
    path = alive_path(model, shop, customer, "2024-12-29")
    last = path.iloc[-1]
    assert last["p_alive"] == pytest.approx(model.probability_alive(summary)[customer], rel=1e-9)
    assert last["p_alive_low"] <= last["p_alive"] <= last["p_alive_high"]
    frame = shop.pandas("order_lines")
    with pytest.raises(InputError, match=f"give covariates of customer '{customer}': acquired_through"):
        alive_path(model, frame, customer, "2024-12-29")
    given = dict(summary.loc[customer, names])
    same = alive_path(model, frame, customer, "2024-12-29", covariates=given)
    pd.testing.assert_frame_equal(same, path)


def test_the_daily_curve_holds_the_weekly_one(tables, sample_in_days):
    snapshot = Snapshot(as_utc("1997-10-01"), timedelta(days=273))
    models = {"model": BetaGeo().fit(sample_in_days)}
    daily = cumulative(tables, snapshot, sample_in_days, models, every_days=1)
    weekly = cumulative(tables, snapshot, sample_in_days, models)
    assert len(daily.times) == 7 * (len(weekly.times) - 1) + 1 + (len(daily.times) - 1) % 7
    np.testing.assert_array_equal(daily.actual[::7], weekly.actual)
    np.testing.assert_allclose(daily.expected["model"][::7], weekly.expected["model"], rtol=1e-12)
    at = tables.pandas("order_lines").drop_duplicates(["customer_id", "ordered_at"])
    first = at.groupby("customer_id")["ordered_at"].transform("min")
    repeats = at[at["ordered_at"] > first]["ordered_at"]
    days = pd.date_range(first.min(), periods=len(daily.times))
    wanted = np.searchsorted(np.sort(repeats.to_numpy()), days.to_numpy(), side="right")
    np.testing.assert_array_equal(daily.actual, wanted)
    with pytest.raises(InputError, match="every_days is 0; it must be a whole number of days, 1 or more"):
        cumulative(tables, snapshot, sample_in_days, models, every_days=0)
