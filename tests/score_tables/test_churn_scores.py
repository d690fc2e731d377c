"""A churn model scores those whom it is about, from the features that it has learned from and no others."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from score_world import churn_source

from crm_ml.models import CalibratedModel
from crm_ml.score_tables.churn import _inputs
from crm_ml.score_tables.source import Output, ScoringDay


@pytest.mark.parametrize("inputs", [None, ("price", "rfm_days_since_order"), ("price", "of_another_table")])
def test_only_features_that_the_model_needs_and_those_of_the_rule_are_read(tmp_path, inputs):
    days = np.arange(60.0)
    frame = pd.DataFrame({"customer_id": [f"c{n:02}" for n in range(60)], "rfm_days_since_order": days})
    frame.assign(price=1.0, other=2.0).to_parquet(tmp_path / "features.parquet", index=False)
    seen = set()

    def predict(features):
        seen.update(features.columns)
        return features["rfm_days_since_order"].to_numpy() / 90

    source = churn_source(predict=predict, inputs=inputs)
    day = ScoringDay(None, None, tmp_path / "features.parquet")
    assert source.write(day, None, Output(tmp_path / "scores.parquet", tmp_path / "parts")) == 56
    assert seen == {"rfm_days_since_order", "price"} | ({"other"} if inputs is None else set())
    scores = pq.read_table(tmp_path / "scores.parquet")
    np.testing.assert_array_equal(scores["p_churn"].to_numpy(), days[:56] / 90)


def test_a_calibrated_model_needs_what_its_model_has_learned_from():
    model = SimpleNamespace(feature_names_in_=np.array(["a", "b"], dtype=object))
    assert _inputs(model) == _inputs(CalibratedModel(model, None)) == ("a", "b")
    assert _inputs(SimpleNamespace()) is None
