"""CDNOW as tables and summaries, read once, and the models fitted to its sample."""

from importlib.util import find_spec
from pathlib import Path

import pandas as pd
import pytest
from clv_worlds import MODELS

from crm_ml.clv import GammaGamma, summarize
from crm_ml.datasets import cdnow

FIT_ENDS, HOLD_OUT_ENDS = "1997-10-01", "1998-07-01"  # first days that do not count


@pytest.fixture(scope="session")
def cdnow_folder():
    return Path(find_spec("lifetimes").submodule_search_locations[0]) / "datasets"


@pytest.fixture(scope="session")
def tables():
    return cdnow.load()


@pytest.fixture(scope="session")
def sample(tables):
    return summarize(tables, FIT_ENDS, "W", with_first_value=True)


@pytest.fixture(scope="session")
def sample_in_days(tables):
    return summarize(tables, FIT_ENDS, "D", with_first_value=True)


@pytest.fixture(scope="session")
def master():
    return summarize(cdnow.load(part="master"), FIT_ENDS, "W")


@pytest.fixture(scope="session")
def lines(tables):
    """Order lines as a plain frame: customer_id, order_id, ordered_at, paid_cents."""
    return tables.pandas("order_lines")[["customer_id", "order_id", "ordered_at", "paid_cents"]]


@pytest.fixture(scope="session")
def actual(lines, sample):
    """Purchases, merged by customer and day, and dollars of the 39 weeks after the fit, from the raw rows."""
    later = lines[(lines["ordered_at"] >= FIT_ENDS) & (lines["ordered_at"] < HOLD_OUT_ENDS)]
    days = later.groupby(["customer_id", "ordered_at"])["paid_cents"].sum()
    found = (
        days.groupby("customer_id").agg(purchases="size", dollars="sum").reindex(sample.index, fill_value=0)
    )
    return pd.DataFrame({"purchases": found["purchases"], "dollars": found["dollars"] / 100})


@pytest.fixture(scope="session")
def fitted(sample):
    return {model: model().fit(sample) for model in MODELS}


@pytest.fixture(scope="session")
def spend(sample):
    return GammaGamma().fit(sample)
