"""A purpose that leaves nothing to train on is one clear error in every family."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pandas as pd
import pytest

import crm_ml
from crm_ml import datasets
from crm_ml.errors import InputError
from crm_ml.models.labelled_rows import LabelledRows
from crm_ml.snapshots import Snapshot
from crm_ml.train.families.probability.present_rows import check_rows
from crm_ml.train.families.probability.study import Fold

AS_OF = "2024-12-29"
MOMENT = int(pd.Timestamp("2021-01-01").timestamp())
SMALL = {
    "churn": {"features": {"rfm": {}, "cadence": {}}},
    "clv": {},
    "propensity": {"features": {"rfm": {}}, "split.training_snapshots": 2},
    "recommend": {},
    "uplift": {"features": {"cadence": {}}},
}
STATED = {"propensity": {"of": "purchases"}}


@pytest.fixture(scope="module")
def shop():
    return datasets.load("simulated", customers=400, campaigns=3)


@pytest.fixture(scope="module")
def few(shop):
    """The shop, whose four newest customers allow one more purpose."""
    newest = shop.pandas("customers").sort_values("registered_at_epoch_s")["customer_id"].tail(4)
    consents = shop.pandas("consents")
    first = consents.iloc[[0] * 4].assign(
        customer_id=newest.to_numpy(),
        purpose="letters",
        channel=None,
        granted=True,
        changed_at_epoch_s=MOMENT,
    )
    return replace(shop, consents=pd.concat([consents, first], ignore_index=True))


def fit(family, tables, purpose):
    settings, stated = SMALL[family], STATED.get(family, {})
    return crm_ml.fit(family, tables, as_of=AS_OF, purpose=purpose, settings=settings, **stated)


@pytest.mark.parametrize("family", SMALL)
def test_a_purpose_that_nobody_allows_is_refused_with_those_that_customers_do(shop, family):
    consents = shop.pandas("consents").sort_values(["changed_at_epoch_s", "granted"])
    newest = consents[consents["channel"].isna()].drop_duplicates(["purpose", "customer_id"], keep="last")
    allowed = newest.groupby("purpose")["granted"].sum()
    with pytest.raises(InputError) as refused:
        fit(family, shop, "profiling")
    told = str(refused.value)
    assert told.startswith("target.purpose: of ") and f"nobody allows 'profiling' on {AS_OF}; " in told
    assert f"analytics by {allowed['analytics']:,}" in told
    assert [word for word in told.split("nobody")[0].replace(",", "").split() if word.isdigit()]


@pytest.mark.parametrize(
    ("family", "words"),
    [
        ("churn", r"^rows: \d+ of \d+ days or campaigns that train or test have no row of a customer who "
                  r"allows target\.purpose 'letters': 2\d{3}-\d\d-\d\d"),
        ("clv", r"^summary: of \d+ customers who had bought before 2\d{3}-\d\d-\d\d none is among the 4 who "
                r"allow target\.purpose; "),
        ("uplift", r"^assignments: \d+ of \d+ trials that test lack rows of customers who allow "
                   r"target\.purpose 'letters': .* \(0 train, \d+ test\)"),
    ],
    ids=["churn", "clv", "uplift"],
)  # fmt: skip
def test_days_of_whose_customers_nobody_allows_it_are_named(few, family, words):
    with pytest.raises(InputError, match=words):
        fit(family, few, "letters")


def rows_of(days, weights=None, judges=None):
    index = pd.MultiIndex.from_product([days, ["a", "b"]], names=["as_of", "customer_id"])
    X = pd.DataFrame({"rfm_orders": np.arange(len(index))}, index=index)
    return LabelledRows(X, pd.Series(0, index=index), weights, judges)


def test_a_fold_needs_rows_of_every_day_and_one_at_least_that_trains():
    first, second, third = (Snapshot(f"2024-0{month}-01", timedelta(days=28)) for month in (1, 3, 5))
    folds, final = [Fold(third, (first, second))], Fold(Snapshot("2024-07-01", timedelta(days=28)), (third,))
    days = [str(day) for day in (first, second, third)]
    check_rows(rows_of(days), folds, final, None)
    with pytest.raises(InputError, match=r"^rows: 1 of 3 days .* have no row: 2024-03-01; leave"):
        check_rows(rows_of([days[0], days[2]]), folds, final, None)
    with pytest.raises(InputError, match=r"^rows: 1 of 3 days .* have no row: 2024-05-01; leave"):
        check_rows(rows_of(days, judges=np.arange(6) < 4), folds, final, None)
    drawn = np.array([0.0, 0, 1, 1, 1, 1])
    check_rows(rows_of(days, weights=drawn), folds, final, None)  # a day of which none was drawn
    with pytest.raises(InputError, match=r"^rows: 2 of 3 days .*: 2024-01-01, 2024-03-01; leave"):
        check_rows(rows_of(days, weights=np.array([0.0, 0, 0, 0, 1, 1])), folds, final, None)
