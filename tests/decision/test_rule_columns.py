"""The columns that rules may name are known before anything is computed."""

from datetime import timedelta

import pytest
import score_world
from score_world import AS_OF, action, churn_source

from crm_ml import features
from crm_ml.decision.rule_columns import check_rule_columns, known_columns
from crm_ml.errors import ConfigError
from crm_ml.score_tables.champion_set import Champions
from crm_ml.snapshots import Snapshot, as_utc
from crm_ml.tables import Tables


@pytest.mark.slow
def test_the_features_of_a_day_are_among_the_known_columns():
    content = score_world.frames(20)
    content["customers"]["town"] = "a"
    tables = Tables(**content)
    matrix = features.matrix(tables, Snapshot(as_utc(AS_OF), timedelta(days=1)))
    known = known_columns(tables, Champions([churn_source()]), [])
    assert set(matrix.columns) | {"customer_id", "p_churn"} <= set(known)
    assert "attribute_town" in known


def test_unknown_columns_of_all_rules_are_named_with_near_ones_or_their_model():
    known = ["customer_id", "rfm_orders", "p_churn"]
    rules = [
        action("a", eligible="rfm_order > 1"),
        action("b", applicable="clv_cents > 1 and tag_good = true"),
    ]
    with pytest.raises(ConfigError) as refusal:
        check_rule_columns(rules, {"good": "p_churn > 0.5", "bad": "zzz > 1"}, known)
    assert str(refusal.value).splitlines()[1:] == [
        "  tag bad: at character 1: there is no column 'zzz'; there are 5 columns",
        "  action a, eligible: at character 1: there is no column 'rfm_order'; did you mean 'rfm_orders'?",
        "  action b, applicable: at character 1: there is no column 'clv_cents' without a model of clv",
    ]
    check_rule_columns([action("c", eligible="clv_cents is null")], {}, known)
    check_rule_columns(rules, {}, None)
