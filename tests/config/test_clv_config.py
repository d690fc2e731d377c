"""Configs of lifetime value: every mistake is named with its place, and what defaults stand for."""

import math
from datetime import date

import pytest

from crm_ml import datasets
from crm_ml.config import ClvRun, load_run
from crm_ml.errors import ConfigError, InputError
from crm_ml.tables.strict import validate
from crm_ml.train.experiment import load_tables

SPLIT = {"test": "2024-07-01", "validation": ["2024-04-22", "2024-06-03"]}
SMALLEST = {
    "family": "clv",
    "data": {"name": "cdnow"},
    "target": {"horizon_days": 56},
    "split": SPLIT,
    "candidates": [{"purchases": "beta_geo"}],
    "register_as": {"name": "clv", "as_of": "2024-09-01"},
}


def config(**changes):
    return validate(SMALLEST | changes, ClvRun, "small.yaml")


def test_the_smallest_run_and_its_defaults():
    run = config()
    assert (run.time_unit, run.challenger, run.data.options) == ("D", None, {})
    assert (run.replicates, run.interval_replicates, run.largest_total_error) == (1000, 100, 0.25)
    assert (run.worth.months, run.worth.annual_discount_rate, run.worth.margin) == (12, 0.1, 1.0)
    assert run.candidates[0].name == "beta_geo"
    assert [run.window_days(day) for day in (*run.split.validation, run.split.test)] == [56, 28, 56]
    assert run.window_days(date(2024, 9, 1)) == 56
    both = config(
        candidates=[{"purchases": "pareto_nbd"}, {"purchases": "pareto_nbd", "first_purchase": True}]
    )
    assert [one.name for one in both.candidates] == ["pareto_nbd", "pareto_nbd, first purchase"]
    assert config(worth={"months": None}).worth.months is None
    assert config(register_as={"name": "clv", "as_of": "2024-07-01"}).register_as.as_of == run.split.test
    with pytest.raises(ValueError, match="frozen"):
        run.seed = 3


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"sed": 1}, "sed: Extra inputs are not permitted"),
        ({"family": "churn"}, "family: Input should be 'clv'"),
        ({"time_unit": "M"}, "time_unit: Input should be 'D' or 'W'"),
        ({"target": {"horizon_days": 0}}, "target.horizon_days: Input should be greater"),
        ({"split": SPLIT | {"validation": []}}, "split.validation: Tuple should have at least 1 item"),
        (
            {"split": SPLIT | {"validation": ["2024-06-03", "2024-04-22"]}},
            "must ascend, each once, all before 2024-07-01, not 2024-06-03, 2024-04-22",
        ),
        (
            {"split": SPLIT | {"validation": ["2024-06-03"] * 2}},
            "split: validation days must ascend, each once",
        ),
        ({"split": SPLIT | {"validation": ["2024-07-01"]}}, "all before 2024-07-01, not 2024-07-01"),
        (
            {"split": SPLIT | {"validation": ["2024-02-30"]}},
            "split.validation[0]: Input should be a valid date",
        ),
        ({"candidates": []}, "candidates: Tuple should have at least 1 item"),
        ({"candidates": [{"purchases": "prophet"}]}, "candidates[0].purchases: Input should be 'beta_geo'"),
        (
            {
                "candidates": [
                    {"purchases": "beta_geo"},
                    {"purchases": "beta_geo", "largest_correlation": 0.1},
                ]
            },
            "candidates: each candidate may stand once, not beta_geo, beta_geo",
        ),
        (
            {"candidates": [{"purchases": "beta_geo", "largest_correlation": 1.5}]},
            "candidates[0].largest_correlation: Input should be less than or equal to 1",
        ),
        (
            {"candidates": [{"purchases": "mbg_cnbd_k", "covariates": {"purchases": ["channel"]}}]},
            "candidates[0]: mbg_cnbd_k takes no covariates; beta_geo, modified_beta_geo and pareto_nbd do",
        ),
        (
            {"candidates": [{"purchases": "beta_geo", "covariates": {"dropout": []}}]},
            "candidates[0].covariates: covariates need an attribute under purchases or dropout",
        ),
        ({"challenger": {"windows": 0}}, "challenger.windows: Input should be greater"),
        ({"challenger": {"options": {"rounds": [1]}}}, "challenger.options.rounds"),
        ({"worth": {"margin": 0.0}}, "worth.margin: Input should be greater than 0"),
        ({"worth": {"margin": 1.5}}, "worth.margin: Input should be less than or equal to 1"),
        ({"worth": {"months": 0.0}}, "worth.months: Input should be greater than 0"),
        ({"worth": {"months": math.inf}}, "worth.months: Input should be a finite number"),
        ({"worth": {"annual_discount_rate": -0.1}}, "worth.annual_discount_rate: Input should be greater"),
        (
            {"worth": {"months": None, "annual_discount_rate": 0.0}},
            "worth: a value for ever needs an annual_discount_rate above 0",
        ),
        ({"largest_total_error": math.inf}, "largest_total_error: Input should be a finite number"),
        ({"largest_total_error": 0.0}, "largest_total_error: Input should be greater than 0"),
        ({"interval_replicates": 19}, "interval_replicates: Input should be greater than or equal to 20"),
        ({"replicates": 99}, "replicates: Input should be greater than or equal to 100"),
        (
            {"register_as": {"name": "clv", "as_of": "2024-06-30"}},
            "register_as.as_of 2024-06-30 lies before the test 2024-07-01",
        ),
        ({"data": {"name": "cdnow", "options": {"part": ["a"]}}}, "data.options.part"),
        ({"data": {"name": "cdnow", "part": "master"}}, "data.part: Extra inputs are not permitted"),
    ],
)
def test_a_mistake_is_named_with_its_place(change, words):
    with pytest.raises(ConfigError) as caught:
        config(**change)
    assert words in str(caught.value)
    assert str(caught.value).startswith("small.yaml: ")


def test_attributes_of_all_candidates_are_known_each_once():
    known = {"purchases": ["channel", "age"], "dropout": ["channel"]}
    run = config(
        candidates=[
            {"purchases": "beta_geo"},
            {"purchases": "beta_geo", "covariates": known, "first_purchase": True},
            {"purchases": "pareto_nbd", "covariates": {"dropout": ["city"]}},
        ]
    )
    assert run.attributes == ("channel", "age", "city")
    assert [each.name for each in run.candidates] == [
        "beta_geo", "beta_geo, covariates channel age, first purchase", "pareto_nbd, covariates city"
    ]  # fmt: skip
    assert config().attributes == ()


def test_all_mistakes_stand_in_one_message():
    with pytest.raises(ConfigError) as caught:
        config(sed=1, worth={"margin": 2.0}, split=SPLIT | {"validation": ["2025-01-01"]}, time_unit="Y")
    assert all(
        f"\n  {place}: " in str(caught.value) for place in ("sed", "worth.margin", "split", "time_unit")
    )


@pytest.mark.parametrize(
    ("run", "setting"), [("churn/lightgbm", "seed"), ("recommend/two_heads", "model.options.seed")]
)
def test_a_seed_below_0_is_refused_with_the_config(run, setting):
    with pytest.raises(ConfigError, match=r"seed.* (greater than or equal to 0|is -1)"):
        load_run(run, [f"{setting}=-1"])


@pytest.mark.parametrize("name", ["name", "path", "progress"])
def test_what_stands_beside_the_options_of_a_data_set_is_none(name):
    with pytest.raises(ConfigError, match=f"data.options: {name} can't be an option"):
        load_run("clv/cdnow", [f"data.options={{{name}: 1}}"])


def test_options_reach_the_data_set_and_unknown_ones_are_named(monkeypatch):
    run = config(data={"name": "cdnow", "options": {"parts": "master", "year": 1997}})
    with pytest.raises(InputError, match="cdnow has no option parts, year; it has path, part"):
        load_tables(run)
    with pytest.raises(InputError, match="part is 'whole'; CDNOW has sample and master"):
        load_tables(config(data={"name": "cdnow", "options": {"part": "whole"}}))
    asked = {}
    monkeypatch.setattr(
        datasets, "load", lambda *given, **options: asked.update(given=given, options=options)
    )
    load_tables(config(data={"name": "cdnow", "path": "here", "options": {"part": "master"}}))
    assert asked == {"given": ("cdnow", "here"), "options": {"part": "master"}}
