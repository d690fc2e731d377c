"""The commonest calls of lifetimes 0.11.3 and ours in their place, as from_lifetimes.md names them."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from clv_worlds import quiet

from crm_ml import clv

PAGE = Path(__file__).parents[2] / "docs/how_to/from_lifetimes.md"
DAY = "1998-07-01"


@pytest.fixture(scope="module")
def world(lines):
    """Purchases, summaries and models of both libraries, each fitted by itself."""
    with quiet():
        from lifetimes import BetaGeoFitter, GammaGammaFitter
        from lifetimes.utils import summary_data_from_transaction_data

        bought = lines.assign(paid=lines["paid_cents"] / 100)
        summary = summary_data_from_transaction_data(
            bought, "customer_id", "ordered_at", "paid", observation_period_end="1998-06-30"
        ).sort_index()
        theirs = BetaGeoFitter().fit(summary["frequency"], summary["recency"], summary["T"])
        repeat = summary[summary["frequency"] > 0]
        spender = GammaGammaFitter().fit(repeat["frequency"], repeat["monetary_value"])
    own = clv.summarize(lines, DAY)
    return {
        "lines": bought, "summary": summary, "fitter": theirs, "spender": spender, "own": own,
        "model": clv.BetaGeo().fit(own), "spend": clv.GammaGamma().fit(own),
        "x": (summary["frequency"], summary["recency"], summary["T"]),
    }  # fmt: skip


CALLS = {
    "summary_data_from_transaction_data": (
        lambda w: w["summary"][["frequency", "recency", "T", "monetary_value"]].to_numpy(),
        lambda w: w["own"].to_numpy(),
        1e-12,
    ),
    "BetaGeoFitter": (
        lambda w: w["fitter"].params_[["r", "alpha", "a", "b"]].to_numpy(),
        lambda w: list(w["model"].params_.values()),
        1e-3,
    ),
    "GammaGammaFitter": (
        lambda w: w["spender"].params_[["p", "q", "v"]].to_numpy(),
        lambda w: list(w["spend"].params_.values()),
        1e-3,
    ),
    "conditional_expected_number_of_purchases_up_to_time": (
        lambda w: w["fitter"].conditional_expected_number_of_purchases_up_to_time(90, *w["x"]),
        lambda w: w["model"].expected_purchases(w["own"], 90),
        1e-3,
    ),
    "conditional_probability_alive": (
        lambda w: np.ravel(w["fitter"].conditional_probability_alive(*w["x"])),
        lambda w: w["model"].probability_alive(w["own"]),
        1e-3,
    ),
    "expected_number_of_purchases_up_to_time": (
        lambda w: [float(w["fitter"].expected_number_of_purchases_up_to_time(t)) for t in (30, 365)],
        lambda w: w["model"].expected_since_first([30, 365]),
        1e-3,
    ),
    "probability_of_n_purchases_up_to_time": (
        lambda w: [float(w["fitter"].probability_of_n_purchases_up_to_time(90, n)) for n in range(5)],
        lambda w: w["model"].purchase_counts(pd.DataFrame({"frequency": [0], "recency": 0, "T": 0}), 90, 4)
        .to_numpy()[0],
        1e-3,
    ),
    "conditional_expected_average_profit": (
        lambda w: w["spender"].conditional_expected_average_profit(
            w["summary"]["frequency"], w["summary"]["monetary_value"]
        ),
        lambda w: w["spend"].expected_value(w["own"]),
        1e-3,
    ),
    "customer_lifetime_value": (
        lambda w: w["spender"].customer_lifetime_value(
            w["fitter"], *w["x"], w["summary"]["monetary_value"], time=12, discount_rate=0.0
        ),
        lambda w: clv.lifetime_value(w["model"], w["spend"], w["own"], 360),  # their year has 360 days
        2e-3,
    ),
    "standard_errors_": (
        lambda w: w["fitter"].standard_errors_[["r", "alpha", "a", "b"]].to_numpy(),
        lambda w: list(w["model"].standard_errors_.values()),
        5e-3,
    ),
    "confidence_intervals_": (
        lambda w: w["fitter"].params_["r"],
        lambda w: np.sqrt(np.prod(w["model"].confidence_intervals()["r"])),  # ours lie about it in logarithms
        1e-3,
    ),
    "calibration_and_holdout_data": (
        lambda w: _halves(w)[["frequency_cal", "recency_cal", "T_cal"]].to_numpy(),
        lambda w: clv.summarize(w["lines"], "1997-10-01")[["frequency", "recency", "T"]].to_numpy(),
        1e-12,
    ),
    "ModifiedBetaGeoFitter": (
        lambda w: _fitted("ModifiedBetaGeoFitter", w).params_[["r", "alpha", "a", "b"]].to_numpy(),
        lambda w: list(clv.ModifiedBetaGeo().fit(w["own"]).params_.values()),
        5e-3,
    ),
    "ParetoNBDFitter": (
        lambda w: [_fitted("ParetoNBDFitter", w).params_[name] for name in ("r", "alpha")],
        lambda w: [clv.ParetoNBD().fit(w["own"]).params_[name] for name in ("r", "alpha")],
        2e-2,
    ),
}  # fmt: skip


def _halves(world):
    from lifetimes.utils import calibration_and_holdout_data

    return calibration_and_holdout_data(
        world["lines"], "customer_id", "ordered_at", "1997-09-30", "1998-06-30", monetary_value_col="paid"
    ).sort_index()


def _fitted(name, world):
    import lifetimes

    return getattr(lifetimes, name)(penalizer_coef=0.0).fit(*world["x"])


@pytest.mark.parametrize("call", CALLS)
def test_a_call_and_ours_give_the_same(call, world):
    theirs, ours, digits = CALLS[call]
    with quiet():
        wanted = np.asarray(theirs(world), dtype=float)
    np.testing.assert_allclose(np.asarray(ours(world), dtype=float), wanted, rtol=digits, atol=1e-9)


def test_every_call_stands_on_the_page_that_names_ours():
    rows = [line for line in PAGE.read_text("utf-8").splitlines() if line.startswith("| `")]
    absent = [call for call in CALLS if not any(f"{call}" in row.split(" | ")[0] for row in rows)]
    assert absent == []
    assert len(CALLS) >= 10
