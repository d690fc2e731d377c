"""An action without a stated effect needs a model that has measured it, in the unit of its outcome."""

import pytest
from score_world import frames

from crm_ml import Action
from crm_ml.errors import ConfigError
from crm_ml.score_tables.champion_set import Champions
from crm_ml.score_tables.uplift import UpliftSource
from crm_ml.tables import Tables

COUPON = Action.simple("coupon", "mail", cost=0.8, margin=40)


def champions(**fields):
    model = {"name": "uplift", "sums": "ab" * 32, "predict": None, "arms": ("coupon",), **fields}
    return Champions([UpliftSource(**model)])


@pytest.fixture(scope="module")
def tables():
    return Tables(**frames(5))


def test_a_verified_arm_of_the_name_of_the_action_gives_its_effect(tables):
    measured = champions(verified=("coupon",), outcome="order")
    measured.check([COUPON], tables)
    assert measured.value_bases([COUPON]) == ["uplift of coupon by uplift@abababababab"]


@pytest.mark.parametrize(
    ("models", "words"),
    [
        (Champions(), "no model has verified that of arm coupon, so every value .* it pays from 2.00% on"),
        (champions(), "no model has verified that of arm coupon"),
        (champions(arms=("letter",), verified=("letter",)), "uplift never saw arm coupon, only letter"),
        (champions(verified=("coupon",), outcome="spend_cents"), "spend, of which a cent can't earn 4000"),
    ],
)
def test_an_effect_that_nobody_has_stated_or_measured_is_refused(tables, models, words):
    with pytest.raises(ConfigError, match=words):
        models.check([COUPON], tables)
