"""Configs of a search, the days it may see, and what names its study."""

from dataclasses import replace
from datetime import timedelta

import pytest
import tuning_world

from crm_ml.config import load_run
from crm_ml.config.tuning import Validation
from crm_ml.errors import ConfigError, LeakError
from crm_ml.snapshots import Snapshot
from crm_ml.train.families.churn import experiment
from crm_ml.train.search.study_plan import study_name
from crm_ml.train.search.validation_folds import check_apart, days_before


def test_every_mistake_of_a_search_is_told_at_once_with_its_path():
    options = {"rounds": 10, "learning_rate": 1, "num_leaves": 4}
    space = {
        "round": {"low": 1, "high": 5},
        "seed": {"low": 1, "high": 5},
        "num_threads": {"choices": [1, 2]},
        "rounds": {"low": 0.5, "high": 20},
        "num_leaves": {"low": 8, "high": 16},
        "max_bin": {"low": 63, "high": 63},
        "bagging_fraction": {"low": 0, "high": 1, "log": True},
        "feature_fraction": {"low": 0.1, "high": 1.0, "step": 0.2},
        "extra_trees": {"choices": [True, True]},
        "lambda_l2": {"low": 1, "high": 10},
        "learning_rate": {"low": 0.1, "choices": [0.1, 1.0]},
        "n_seeds": {"log": True},
    }
    with pytest.raises(ConfigError) as caught:
        tuning_world.config(options=options, space=space, metric="ndcg")
    lines = str(caught.value).splitlines()
    assert lines[0] == "small.yaml: 13 mistakes"
    told = dict(line.strip().split(": ", 1) for line in lines[1:])
    words = {
        "metric": "ndcg is none of log_loss, brier",
        "space.round": "gradient_boosting has no such option; it has bagging_fraction, choose_settings",
        "space.seed": "leave it out; a seed that is chosen",
        "space.num_threads": "leave it out; the number of threads",
        "space.rounds": "10 is a whole number",
        "space.num_leaves": "the search starts from 4; set model.options.num_leaves or widen",
        "space.max_bin": "low 63 must lie below high 63",
        "space.bagging_fraction": "low is 0; a logarithm needs it above 0",
        "space.feature_fraction": "the search starts from 1.0;",
        "space.extra_trees": "give at least two choices, each once",
        "space.lambda_l2": "the search starts from None; set model.options.lambda_l2",
        "space.learning_rate": "give a range or choices, not both",
        "space.n_seeds": "give low and high, or choices",
    }
    assert set(told) == {f"tuning.{name}" for name in words}
    for name, word in words.items():
        assert told[f"tuning.{name}"].startswith(word)
    with pytest.raises(
        ConfigError, match=r"tuning\.space\.rounds\.high\.float: Input should be a finite number"
    ):
        tuning_world.config(space={"rounds": {"low": 1, "high": float("nan")}})
    with pytest.raises(ConfigError, match=r"tuning\.trials: Input should be greater than or equal to 2"):
        tuning_world.config(trials=1)
    with pytest.raises(ConfigError, match="model: 'blnd' is no model; there are blend, cadence_rule"):
        load_run("churn/tuned", ["model.name=blnd"])


@pytest.mark.parametrize("search_days", [1, 3])
@pytest.mark.parametrize("every", [7, 28, 30])
def test_no_label_reaches_into_what_judges_it(search_days, every):
    test = Snapshot("2017-08-30", timedelta(days=28), timedelta(days=2))
    days = days_before(test, Validation(search=search_days, confirm=2, every_days=every))
    assert len(days.search) == search_days
    begins = min(one.as_of for one in days.confirm)
    assert max(one.label_ends_at for one in days.search) == begins  # as near as it may be
    assert max(one.label_ends_at for one in days.confirm) == test.as_of
    check_apart(days.search, days.confirm, test.as_of)
    with pytest.raises(
        LeakError, match=r"labels of .* end on 2017-08-3\d, after the first test on 2017-08-2\d"
    ):
        check_apart(days.search, days.confirm, test.as_of - timedelta(days=1))
    late = [one.shifted(1) for one in days.search]
    with pytest.raises(LeakError, match="after the first day that confirms"):
        check_apart(late, days.confirm, test.as_of)


def test_folds_whose_training_or_order_leaks_are_refused_by_the_judges():
    run = tuning_world.config()
    ahead, tests = experiment.folds_ahead(run), [experiment.fold(run, run.split.test[0])]
    rows = tuning_world.rows_of(run)
    for each in ahead.every:
        assert max(one.label_ends_at for one in each.training) <= each.test.as_of
    swapped = replace(ahead, search=ahead.confirm, confirm=ahead.search)
    for folds in (
        swapped,
        replace(ahead, search=(replace(ahead.search[0], training=(ahead.search[1].test,)),)),
    ):
        with pytest.raises(LeakError, match=r"tuning\.validation: labels of"):
            tuning_world.judges(run, rows, folds, tests)


def test_a_study_is_named_by_all_that_its_trials_follow_from_and_not_by_their_number():
    plain = tuning_world.config().model_dump(mode="json")
    name = study_name(plain, "tables")
    assert study_name(tuning_world.config(trials=50).model_dump(mode="json"), "tables") == name
    threads = tuning_world.config(options={**tuning_world.BOOSTING, "num_threads": 2})
    assert study_name(threads.model_dump(mode="json"), "tables") == name
    others = [
        tuning_world.config(startup=4),
        tuning_world.config(space={"rounds": {"low": 2, "high": 41}}),
        tuning_world.config(options={**tuning_world.BOOSTING, "seed": 1}),
    ]
    names = {study_name(one.model_dump(mode="json"), "tables") for one in others}
    assert len(names | {name, study_name(plain, "other tables")}) == 5
