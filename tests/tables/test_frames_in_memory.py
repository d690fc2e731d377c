"""Tables made of frames are checked at their first use, all breaches in one error, on every engine."""

from datetime import timedelta

import numpy as np
import pandas as pd
import pytest

from crm_ml import churn, clv, features
from crm_ml.errors import InputError
from crm_ml.propensity.campaign_responses import sent_campaigns
from crm_ml.recommend.recommendation_task import task_of
from crm_ml.snapshots import Snapshot
from crm_ml.tables import Tables
from crm_ml.tables.engine import connect
from crm_ml.uplift.trial_rows import trials

TIMES = pd.Series(pd.date_range("2024-01-01", periods=60, freq="D"))
LINES = pd.DataFrame(
    {
        "customer_id": [f"c{i % 6}" for i in range(60)],
        "order_id": np.arange(60).astype(str),
        "item_id": "x",
        "quantity": 1,
        "ordered_at_epoch_s": TIMES.dt.as_unit("s").astype("int64"),
        "paid_cents": 500,
        "discount_cents": 0,
        "coupon_cents": 0,
    }
)
SNAPSHOT = Snapshot("2024-12-31", timedelta(days=28))
CUSTOMERS = LINES[["customer_id"]].drop_duplicates()
#: What is wrong with a column of order lines, and what the error says.
BREACHES = {
    "microseconds": (
        {"ordered_at_epoch_s": TIMES.dt.as_unit("us").astype("int64") // 10**9},
        "ordered_at_epoch_s lies outside 1971 to 2099 in 60 of 60 rows, where thousands of seconds would fit",
    ),
    "milliseconds": (
        {"ordered_at_epoch_s": LINES["ordered_at_epoch_s"] * 1000},
        "ordered_at_epoch_s lies outside 1971 to 2099 in 60 of 60 rows, where milliseconds would fit in 60",
    ),
    "days": (
        {"ordered_at_epoch_s": LINES["ordered_at_epoch_s"] // 86_400},
        "ordered_at_epoch_s lies outside 1971 to 2099 in 60 of 60 rows, where days would fit in 60",
    ),
    "float money": ({"paid_cents": 4.99}, "paid_cents has the type Float64; money is whole minor units"),
    "float ids": ({"order_id": 1.5}, "order_id has the type Float64; ids are text or whole numbers"),
    "no customer": ({"customer_id": None}, "customer_id is null in 60 of 60 rows"),
    "ids of two types": ({"customer_id": 7}, "customer_id has the type Int64 and customer_id of customers"),
    "strangers": ({"customer_id": "c9"}, "customer_id has 1 ids that customers does not have"),
}


@pytest.mark.parametrize("breach", BREACHES)
def test_each_breach_is_told(breach):
    columns, text = BREACHES[breach]
    tables = Tables(customers=CUSTOMERS, order_lines=LINES.assign(**columns))
    with pytest.raises(InputError, match=text):
        clv.summarize(tables, "2024-12-31")
    with pytest.raises(InputError, match=text):
        features.matrix(tables, SNAPSHOT)


@pytest.mark.parametrize("engine", ["pandas", "polars", "duckdb"])
def test_all_breaches_are_one_error_on_every_engine(engine):
    people = pd.DataFrame({"customer_id": [*CUSTOMERS["customer_id"], "c1"]})
    lines = LINES.assign(paid_cents=4.99).drop(columns=["ordered_at_epoch_s", "quantity"])
    tables = Tables(customers=_native(people, engine), order_lines=_native(lines, engine))
    with pytest.raises(InputError) as error:
        tables.frame("orders")
    breaches = str(error.value).splitlines()[1:]
    assert [text.strip().partition(";")[0] for text in breaches] == [
        "customers: customer_id stands again in 1 of 7 rows",
        "order_lines: ordered_at_epoch_s is missing",
        "order_lines: quantity is missing",
        "order_lines: paid_cents has the type Float64",
    ]


def test_what_is_no_frame_and_columns_that_repeat_are_one_sentence():
    with pytest.raises(InputError, match=r"^customers: list is no frame; give one of pandas"):
        Tables(customers=[1], order_lines=LINES)
    with pytest.raises(InputError, match=r"^order_lines: names of columns repeat; give each column once"):
        Tables(customers=CUSTOMERS, order_lines=pd.concat([LINES, LINES[["paid_cents"]]], axis=1))


@pytest.mark.parametrize("granted", ["no", 0, np.array([None], dtype=object)])
def test_a_consent_is_true_or_false(granted):
    """A text such as "no" would count as a grant where an engine takes any text for true."""
    row = {"customer_id": ["c1"], "purpose": "news", "granted": granted, "changed_at_epoch_s": 1_704_067_200}
    tables = Tables(customers=CUSTOMERS, order_lines=LINES, consents=pd.DataFrame(row))
    with pytest.raises(InputError, match=r"consents: granted has the type \w+; true and false are wanted"):
        tables.frame("consents")


def _native(frame, engine):
    if engine == "duckdb":
        return connect().from_df(frame)
    if engine == "polars":
        import polars as pl

        return pl.from_pandas(frame)
    return frame


def test_right_frames_are_checked_once_and_cleaned_ones_never(monkeypatch):
    checked = []
    monkeypatch.setattr("crm_ml.tables.bundle.check_frames", lambda *_: checked.append(1))
    tables = Tables(customers=CUSTOMERS, order_lines=LINES)
    for _ in range(2):
        tables.frame("order_lines"), tables.frame("orders")
    tables.to("polars").frame("orders")
    assert len(checked) == 1
    tables.identified("ab" * 32).frame("orders")
    assert len(checked) == 1


def test_right_frames_of_every_engine_pass():
    for engine in ("pandas", "polars", "duckdb"):
        tables = Tables(customers=_native(CUSTOMERS, engine), order_lines=_native(LINES, engine))
        assert len(clv.summarize(tables, "2024-05-15")) == 6


SHOP = pd.DataFrame({"user_id": ["a"], "ordered": TIMES[:1], "paid_at": ["x"], "total": [9.5]})
READERS = {
    "features": lambda frame: features.matrix(frame, SNAPSHOT),
    "churn": lambda frame: churn.labelled_rows(frame, [SNAPSHOT], timedelta(days=28)),
    "churn labels": lambda frame: churn.labels(frame, SNAPSHOT, timedelta(days=28)),
    "lifetime value": lambda frame: clv.summarize(frame, "2024-12-31"),
    "recommendation": lambda frame: task_of(frame, SNAPSHOT),
    "uplift": lambda frame: trials(frame, timedelta(days=28)),
    "propensity": sent_campaigns,
}


@pytest.mark.parametrize("reader", READERS)
def test_a_frame_in_place_of_tables_says_how_to_make_them_and_of_which_columns(reader):
    with pytest.raises(InputError) as error:
        READERS[reader](SHOP)
    call = "crm_ml.tables.from_frame(df, customer='user_id', time='ordered', amount='total')"
    assert f"make tables of it first: {call}" in str(error.value)


@pytest.mark.parametrize("value", [[], None])
def test_what_is_no_frame_names_no_columns(value):
    with pytest.raises(
        InputError, match=r"got a \w+; make tables.*customer=\.\.\., time=\.\.\., amount=\.\.\."
    ):
        features.matrix(value, SNAPSHOT)


def test_all_that_is_wrong_with_frames_of_a_shop_is_one_error_that_names_the_easy_way():
    """The usual recipe for seconds is off by 1,000 where pandas has microseconds: T was 20,068 days."""
    seconds = TIMES.dt.as_unit("us").astype("int64") // 10**9
    lines = LINES.assign(ordered_at_epoch_s=seconds, paid_cents=4.99).drop(columns="discount_cents")
    with pytest.raises(InputError) as error:
        clv.summarize(Tables(customers=LINES[["customer_id"]], order_lines=lines), "2024-12-31")
    for text in (
        "the easy way is crm_ml.tables.from_frame(df, customer=",
        "order_lines: ordered_at_epoch_s lies outside 1971 to 2099 in 60 of 60 rows",
        "order_lines: paid_cents has the type Float64",
        "order_lines: discount_cents is missing",
        "customers: customer_id stands again in 54 of 60 rows",
    ):
        assert text in str(error.value)
