"""A customer has the same summary and value, to the bit, whoever stands beside it."""

import zlib

import numpy as np
import pandas as pd
import pytest
import value_shop

from crm_ml.clv import GammaGamma, MbgCnbdK, summarize, summary
from crm_ml.clv.challenger import Challenger, challenger_features
from crm_ml.clv.clv_model import ClvModel
from crm_ml.clv.purchase_and_spend_model import PURCHASES, Valuer
from crm_ml.clv.summary import summary_chunks
from crm_ml.clv.valuation_terms import Terms
from crm_ml.clv.value_calibration import NO_TILT, Tilt

AS_OF = "2024-08-01"
YEAR = Terms.of_months(12, 0.1, 0.25)
LINES = value_shop.lines(250, seed=6)


@pytest.fixture(scope="module")
def customers():
    return value_shop.summary(LINES)


def model_of(kind, customers):
    """One of the families, one of as many phases as its name says, or one with trees."""
    if kind in PURCHASES:
        valuer = Valuer.fit(kind, customers, first_purchase=kind == "pareto_nbd")
        return ClvModel.of(valuer, YEAR, customers, NO_TILT, None)
    if kind.isdigit():
        purchases, spend = MbgCnbdK(k=int(kind)).fit(customers), GammaGamma().fit(customers)
        valuer = Valuer("mbg_cnbd_k", purchases, spend)
        return ClvModel.of(valuer, YEAR, customers, NO_TILT, None)
    valuer = Valuer.fit("beta_geo", customers)
    X, base = challenger_features(valuer, customers, YEAR), valuer.value(customers, YEAR).to_numpy()
    trees = Challenger(rounds=10, min_data_in_leaf=20, num_threads=1).fit(X, base, base[::-1].copy())
    return ClvModel.of(valuer, YEAR, customers, Tilt(0.8, 0.9), trees, 1.1)


@pytest.mark.parametrize("kind", ["pareto_nbd", "8", "challenger"])
def test_values_have_the_same_bits_in_any_company(kind, customers):
    model, draw = model_of(kind, customers), np.random.default_rng(len(kind))
    whole = model.predict(customers)
    for size in (*[1] * 12, 2, 3, 8, 33):
        rows = draw.choice(len(customers), size, replace=False)
        some = model.predict(customers.iloc[rows])
        pd.testing.assert_frame_equal(some, whole.iloc[rows], check_exact=True)


@pytest.mark.parametrize(
    ("parts", "most_rows"), [(1, 0), (8, 0), (8, 10**9), pytest.param(64, 0, marks=pytest.mark.slow)]
)
def test_summaries_of_parts_are_those_of_all(monkeypatch, customers, parts, most_rows):
    monkeypatch.setattr(summary, "MOST_ROWS", most_rows)
    numbers = LINES["customer_id"].map(lambda name: zlib.crc32(name.encode()) % parts)
    dealt = [LINES[numbers == number].reset_index(drop=True) for number in range(parts)]
    chunks = [chunk for lines in dealt for chunk in summary_chunks(lines, AS_OF, "D", 7, 100)]
    assert {chunk.attrs["time_unit"] for chunk in chunks} == {"D"}
    pd.testing.assert_frame_equal(pd.concat(chunks).sort_index(), customers, check_exact=True)


@pytest.mark.parametrize("refunds", [False, True])
def test_chunks_are_the_summary_in_order_whatever_their_size(monkeypatch, refunds):
    monkeypatch.setattr(summary, "MOST_ROWS", 0)
    lines = LINES.assign(order_id=[f"o{number}" for number in range(len(LINES))])
    if refunds:
        back = lines.head(40).assign(paid_cents=-5, ordered_at_epoch_s=lines["ordered_at_epoch_s"] + 9)
        lines = pd.concat([lines, back.assign(refund_of=back["order_id"])], ignore_index=True)
    whole = summarize(lines, AS_OF, "W", with_first_value=True)
    for rows in (1, 64, 10**6):
        chunks = list(summary_chunks(lines, AS_OF, "W", rows, 100))
        assert [len(chunk) for chunk in chunks[:-1]] == [rows] * (len(chunks) - 1)
        pd.testing.assert_frame_equal(pd.concat(chunks), whole, check_exact=True)


def test_chunks_of_nobody_are_none_and_units_are_those_of_all():
    for lines, day in ((LINES, "2023-01-01"), (LINES.head(0), AS_OF)):
        assert not list(summary_chunks(lines, day, "D", 10, 100))
    fils, cents = (next(summary_chunks(LINES, AS_OF, "D", 9, units)) for units in (1_000, 100))
    np.testing.assert_allclose(fils["first_value"] * 10, cents["first_value"])
