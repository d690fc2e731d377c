"""Suggested configs: days that fit reach and rhythm, and no label of a test among what they follow from."""

from datetime import date, timedelta
from itertools import pairwise

import pandas as pd
import pytest
from app_world import app_tables
from rhythmic_shop import FIRST, rhythmic_shop

from crm_ml import datasets
from crm_ml.config.run import run_classes
from crm_ml.config.suggested import suggested, suggested_families
from crm_ml.config.suggestion.rhythm import rhythm_of
from crm_ml.errors import ConfigError, InputError
from crm_ml.tables import Tables
from crm_ml.tables.strict import validate

END = FIRST + timedelta(days=400)


@pytest.fixture(scope="module")
def shop():
    return rhythmic_shop()


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return datasets.load("simulated", tmp_path_factory.mktemp("world"), customers=400)


def run_of(family, tables, **stated):
    content = suggested(family, tables, **stated).content
    return validate({"data": {"name": "mine"}, **content}, run_classes()[family], "test")


def test_rhythm_is_measured_before_the_tests(shop):
    rhythm = rhythm_of(shop)
    assert (rhythm.first, rhythm.as_of) == (FIRST, END)
    assert rhythm.gaps == [(21, rhythm.repeats)]
    at = shop.order_lines["ordered_at_epoch_s"]
    changed = at.where(at < pd.Timestamp(rhythm.measured_until).timestamp(), at.max())
    lines = shop.order_lines.assign(ordered_at_epoch_s=changed)
    assert rhythm_of(Tables(customers=shop.customers, order_lines=lines)) == rhythm


@pytest.mark.parametrize("gap_days, horizon", [(3, 28), (21, 28), (40, 42), (90, 49)])
def test_horizon_follows_the_gaps_within_the_reach(gap_days, horizon):
    run = run_of("churn", rhythmic_shop(400, gap_days, staying=0.1))
    assert run.target.horizon_days == horizon
    assert run.target.horizon_days <= run.target.active_within_days <= 400 // 4


def test_labels_of_training_end_before_the_tests_and_those_of_tests_with_the_data(shop):
    run = run_of("churn", shop)
    days, label = run.split.test, timedelta(days=run.target.horizon_days)
    assert days[-1] + label == run.register_as.as_of == END
    assert all(later - earlier >= label for earlier, later in pairwise(days))
    assert days[0] >= rhythm_of(shop).measured_until
    first = days[0] - label - timedelta(days=run.split.every_days * (run.split.training_snapshots - 1))
    assert first >= run.split.earliest >= FIRST + timedelta(days=run.target.active_within_days)


def test_stated_settings_win_and_are_checked(shop):
    keys = {"model": {"name": "logistic"}, "split": {"every_days": 3}}
    run = run_of("churn", shop, horizon_days=14, as_of="2023-12-01", name="My Shop", **keys)
    assert run.target.horizon_days == 14
    assert run.register_as.model_dump() == {"name": "churn_my_shop", "as_of": date(2023, 12, 1)}
    assert (run.model.name, run.split.every_days) == ("logistic", 3)
    assert run.split.test[-1] == date(2023, 12, 1) - timedelta(days=14)
    with pytest.raises(ConfigError, match="horizont"):
        suggested("churn", shop, horizont=14)


def test_a_long_stated_horizon_keeps_its_labels_out_of_the_gaps(shop):
    rhythm = rhythm_of(shop, label_days=190)
    assert rhythm.measured_until == END - timedelta(days=190)


def test_days_after_the_data_are_refused_with_what_to_state(shop):
    with pytest.raises(InputError, match=r"as_of is 2024-12-31, but .*2024-02-06.*ends_at=2024-12-31"):
        suggested("churn", shop, as_of="2024-12-31")
    assert run_of("churn", shop, as_of="2024-02-08", ends_at="2024-02-08").register_as.as_of == date(
        2024, 2, 8
    )


@pytest.mark.parametrize("family", ["churn", "clv", "recommend"])
@pytest.mark.parametrize("tables, words", [
    ({"days": 40}, "40 days; models are trained and tested on 56 days"),
    ({"customers": 12, "staying": 1}, "needed|5 times or more"),
])  # fmt: skip
def test_too_little_is_one_error_with_what_there_is(family, tables, words):
    with pytest.raises(InputError, match=words):
        suggested(family, rhythmic_shop(**tables))


@pytest.mark.parametrize("family", suggested_families())
def test_every_family_suggests_a_run_with_reasons(family, world):
    result = suggested(family, world, name="mine")
    run = validate({"data": {"name": "mine"}, **result.content}, run_classes()[family], "test")
    assert run.register_as.name == f"{family}_mine"
    assert run.target.purpose == "analytics"
    assert all(result.reasons)


def test_families_without_their_tables_say_what_to_map(shop):
    with pytest.raises(InputError, match="assignments"):
        suggested("uplift", shop)
    with pytest.raises(InputError, match="campaigns with touches and responses, nor items with a category"):
        suggested("propensity", shop)
    with pytest.raises(ConfigError, match="only for churn, clv, propensity, recommend, uplift"):
        suggested("tags", shop)


def test_purchases_in_the_largest_categories(world):
    run = run_of("propensity", world, of="purchases")
    assert len(run.target.categories) == 4
    assert run.calibration.snapshots % 4 == 0


def test_of_several_purposes_the_right_one_is_stated(world):
    consents = world.pandas("consents")
    consents = consents[consents["purpose"] != "analytics"].assign(purpose=lambda rows: [
        "mail" if number % 2 else "push" for number in range(len(rows))
    ])  # fmt: skip
    lines = world.pandas("order_lines")
    tables = Tables(customers=world.pandas("customers"), order_lines=lines, consents=consents)
    with pytest.raises(InputError, match=r"state purpose=.*mail, push"):
        suggested("churn", tables)
    assert run_of("churn", tables, purpose="mail").target.purpose == "mail"


def test_silence_within_the_target_is_stated_as_silence_is():
    app = app_tables(users=150)
    silence = {"kinds": ["login"]}
    short, nested = (suggested("churn", app, **stated).content
                     for stated in ({"silence": silence}, {"target": {"silence": silence}}))  # fmt: skip
    assert nested == short
    assert {"name": "event_recency_rule"} in nested["baselines"]
