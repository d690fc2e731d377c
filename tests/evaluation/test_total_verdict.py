"""A total fails only where chance, materiality and every rule speak against it."""

import pytest

from crm_ml.evaluation.total_verdict import total_verdict

RULES = {"past_count": 0.1, "recency_rule": -0.3}


@pytest.mark.parametrize(
    ("interval", "error", "rules", "holds", "words"),
    [
        ((80.0, 120.0), -0.9, RULES, True, "observed 100 within 80 to 120"),
        ((10.0, 20.0), -0.2, RULES, True, "outside 10 to 20, within the limit 0.25"),
        ((10.0, 20.0), -0.8, RULES, False, "past_count came closer (+0.100)"),
        ((200.0, 300.0), 1.0, {"past_count": -0.6}, False, "past_count came closer (-0.600)"),
        ((10.0, 20.0), -0.8, {"past_count": -0.4, "recency_rule": -0.5}, True, "as every rule"),
        ((500.0, 700.0), 5.0, {"past_count": 0.3}, False, "past_count came closer (+0.300)"),
        ((10.0, 20.0), -0.8, {}, False, "no rule to compare with"),
        ("the total can't be said", -0.8, RULES, False, "the total can't be said, beyond the limit"),
        ("the total can't be said", 0.2, RULES, True, "the total can't be said, within the limit"),
    ],
)
def test_a_total_and_its_reason(interval, error, rules, holds, words):
    verdict = total_verdict(100.0, interval, error, 0.25, rules)
    assert verdict.holds == holds
    assert words in verdict.reason
