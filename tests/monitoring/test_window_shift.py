"""Rates and features that moved between training and test are named, and chance is not."""

import numpy as np
import pandas as pd
import pytest

from crm_ml.monitoring.window_shift import feature_shifts, rate_shifts, shift_texts


def _frames(rng, shift=0.0, n=400):
    then, now = (
        pd.DataFrame(
            {"amount": rng.normal(size=n), "town": rng.choice(["Ulm", "Bonn", None], n), "none": np.nan}
        )
        for _ in range(2)
    )
    return then, now.assign(amount=now["amount"] + shift)


def test_chance_moves_no_feature_and_a_shift_is_named():
    drawn = [feature_shifts(*_frames(np.random.default_rng(seed)), (400, 400)) for seed in range(20)]
    assert not any(table["shifted"].any() for table in drawn)
    moved = feature_shifts(*_frames(np.random.default_rng(0), shift=1.0), (400, 400))
    assert moved["feature"].tolist()[0] == "amount"
    assert moved["shifted"].tolist() == [True, False, False]
    assert moved["psi"].is_monotonic_decreasing


def test_rows_of_few_customers_move_by_chance():
    then, now = _frames(np.random.default_rng(0), shift=0.6)
    many, few = (feature_shifts(then, now, sizes).set_index("feature") for sizes in ((400, 400), (20, 20)))
    assert many.loc["amount", "shifted"]
    assert not few.loc["amount", "shifted"]
    assert few.loc["amount", "psi"] == many.loc["amount", "psi"]


def test_texts_in_training_that_are_missing_in_test_are_a_shift():
    then, now = _frames(np.random.default_rng(0))
    table = feature_shifts(then, now.assign(town=pd.Series([None] * len(now), dtype=object)), (400, 400))
    assert table.loc[table["feature"] == "town", "shifted"].all()


@pytest.mark.parametrize(
    ("rate", "test", "rows", "shifted"),
    [(0.05, 0.31, 1000, True), (0.05, 0.09, 1000, False), (0.05, 0.2, 20, False), (0.98, 0.9, 2000, True)],
)
def test_a_rate_that_moved_far_and_not_by_chance_is_named(rate, test, rows, shifted):
    labels = {
        "2026-05-01": [(np.arange(n) < share * n).astype(int) for n, share in ((4000, rate), (rows, test))]
    }
    rates = rate_shifts(labels)
    assert rates["shifted"].tolist() == [shifted]
    texts = shift_texts(rates, feature_shifts(*_frames(np.random.default_rng(0)), (400, 400)))
    assert texts[0] == f"rate of the label: {rate:.3f} in training, {test:.3f} in test"
    assert (len(texts) == 2) == shifted
    if shifted:
        assert f"most in 2026-05-01, from {rate:.3f} in training to {test:.3f}" in texts[1]


def test_a_test_without_positives_has_a_ratio_that_is_a_number():
    rates = rate_shifts({"fold": ([0, 1] * 500, [0] * 500)})
    assert np.isfinite(rates["ratio"]).all()
    assert rates["shifted"].all()


def test_features_that_moved_stand_in_a_sentence():
    moved = feature_shifts(*_frames(np.random.default_rng(0), shift=1.0), (400, 400))
    texts = shift_texts(rate_shifts({"fold": ([0, 1], [0, 1])}), moved)
    assert texts[1].startswith("1 of 3 features moved between training and test: amount (PSI ")
