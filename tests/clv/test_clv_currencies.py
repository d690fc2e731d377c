"""Money of summaries, outcomes and score tables is in the major unit of its currency."""

from datetime import timedelta

import pandas as pd
import polars as pl
import pytest

from crm_ml.clv import summarize
from crm_ml.clv.observed_outcomes import outcomes
from crm_ml.clv.summary import in_cents
from crm_ml.errors import InputError
from crm_ml.snapshots import Snapshot, as_utc
from crm_ml.tables.bundle import Tables
from crm_ml.tables.currencies import currency_of

DAYS = pd.to_datetime(["2024-01-01", "2024-01-09", "2024-02-03"])
UNITS = {"EUR": 100, "JPY": 1, "KRW": 1, "KWD": 1_000, "TND": 1_000, "": 100}


def lines(code):
    """One customer; 500 and 1,234 minor units before February, 70 in it."""
    frame = pd.DataFrame(
        {
            "customer_id": "a",
            "order_id": ["1", "2", "3"],
            "item_id": "x",
            "ordered_at_epoch_s": [int(day.timestamp()) for day in DAYS],
            "quantity": 1,
            "paid_cents": [500, 1_234, 70],
            "discount_cents": 0,
            "coupon_cents": 0,
        }
    )
    return frame.assign(currency=pd.Series([code or None] * 3, dtype="object"))


@pytest.mark.parametrize("code", UNITS)
@pytest.mark.parametrize("engine", ["pandas", "polars", "duckdb"])
def test_summaries_and_outcomes_are_in_major_units(code, engine):
    tables = Tables(customers=pd.DataFrame({"customer_id": ["a"]}), order_lines=lines(code))
    tables = tables.to(engine)
    summary = summarize(tables, "2024-02-01", with_first_value=True)
    assert summary.loc["a", "monetary_value"] == 1_234 / UNITS[code]
    assert summary.loc["a", "first_value"] == 500 / UNITS[code]
    window = Snapshot(as_utc("2024-02-01"), timedelta(days=3))
    assert outcomes(tables, window, summary).known.loc["a", "value"] == 70 / UNITS[code]
    assert currency_of(tables.frame("order_lines")) == code


def test_frames_without_a_currency_are_in_hundredths():
    frame = lines("KWD").drop(columns="currency")
    assert summarize(frame, "2024-02-01").loc["a", "monetary_value"] == 12.34
    assert summarize(pl.from_pandas(lines("KWD")), "2024-02-01").loc["a", "monetary_value"] == 1.234


def test_amounts_in_two_currencies_are_no_sum():
    with pytest.raises(InputError, match=r"currency is mixed \(EUR, JPY\)"):
        summarize(lines("EUR").assign(currency=["EUR", "JPY", "EUR"]), "2024-02-01")


def test_values_become_whole_minor_units():
    assert in_cents([1_234.5], 1).tolist() == [1_235]
    assert in_cents([1.2345], 1_000).tolist() == [1_235]
