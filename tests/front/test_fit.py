"""A family is fitted by one verb: its evaluation, its plots, its scores and its reasons."""

import inspect
import pydoc
import time
from dataclasses import replace
from datetime import date, timedelta

import pandas as pd
import pytest
from small_fits import AS_OF, CHURN, PROBABILITY, SHOP, STATED

import crm_ml
from crm_ml.errors import ConfigError, InputError, LeakError
from crm_ml.front.model_plots import PLOTS
from crm_ml.front.run_config import run_config
from crm_ml.score_tables.champion_set import Champions
from crm_ml.snapshots import Snapshot
from crm_ml.train.record.outcome import Gate


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setenv("CRM_ML_DATA", str(tmp_path_factory.mktemp("data")))
        yield crm_ml.datasets.load("simulated", **SHOP)


@pytest.fixture(scope="module")
def churn(shop):
    return crm_ml.fit("churn", shop, settings=CHURN)


@pytest.fixture(scope="module")
def scores(churn):
    return churn.predict()


def test_the_evaluation_shows_metrics_beside_the_baselines_and_the_gates(churn):
    metrics = churn.evaluation.metrics
    frame = churn.evaluation.frame.set_index(["model", "metric"])
    assert frame.loc[("recency_rule", "auc"), "value"] == metrics["baseline.recency_rule.auc"]
    assert frame.loc[("model", "auc"), "low"] == metrics["test.auc.low"] < metrics["test.auc.high"]
    for text in (str(churn.evaluation), churn._repr_html_()):
        for part in ("recency_rule", "log_loss", f"{metrics['test.auc']:.4f}", "not worse than the best"):
            assert part in text
        assert text.count("holds") >= sum(gate.passed for gate in churn.gates) > 0
    assert churn.holds == all(gate.passed for gate in churn.gates)
    assert churn.family == "churn"
    assert f"as_of={AS_OF}" in repr(churn)


def test_a_gate_that_fails_says_what_would_mend_it(churn):
    failing = replace(churn.evaluation, gates=(Gate("calibrated", False, "ECE 0.3 <b>"),))
    assert not failing.holds
    for text in (str(failing), failing._repr_html_()):
        assert "would be mended by a shorter horizon" in text
    assert "ECE 0.3 &lt;b&gt;" in failing._repr_html_()


def test_plots_are_methods_by_the_names_of_the_run(churn):
    assert {"plot_calibration", "plot_gains", "plot_segments_auc"} <= set(dir(churn))
    assert churn.plot_calibration().axes
    with pytest.raises(AttributeError, match=r"no plot_qini\(\); there are plot_calibration\(\), "):
        churn.plot_qini()
    with pytest.raises(AttributeError, match="no 'train'"):
        churn.train()


def test_help_of_a_plot_names_what_it_takes(churn):
    assert list(inspect.signature(churn.plot_lift).parameters) == ["part", "model", "ax"]
    assert list(inspect.signature(churn.plot_retention_matrix).parameters) == ["period", "ax"]
    assert not inspect.signature(churn.plot_segments_auc).parameters
    shown = pydoc.plain(pydoc.render_doc(churn.plot_calibration))
    assert "plot_calibration(part: " in shown and "customer_id" not in shown
    assert "Drawn of the test rows" in shown and "`crm_ml.plots.calibration`" in shown
    for of_family in PLOTS.values():
        for plot in of_family.values():
            needed = [each for each in plot.signature.parameters.values() if each.default is each.empty]
            assert not needed, plot.doc


def test_plots_of_the_family_are_drawn_on_axes_of_ones_own(churn):
    from matplotlib.figure import Figure

    left, right = Figure().subplots(1, 2)
    assert churn.plot_lift(ax=left) is churn.plot_retention_matrix("W", ax=right)
    assert left.get_title("left").startswith("Lift")
    assert right.get_title("left").startswith("Customers who buy")
    assert len(churn.plot_gains().axes) == 2  # of the run, as it is logged
    assert len(churn.plot_gains(model="model").axes) == 1
    with pytest.raises(InputError, match="part is 'x'; there are test"):
        churn.plot_lift(part="x")
    with pytest.raises(InputError, match="plot_segments_auc is a figure of the run, which takes no options"):
        churn.plot_segments_auc(ax=left)


def test_scores_are_of_the_family_and_a_list_can_use_their_source(churn, scores):
    assert scores["p_churn"].between(0, 1).all()
    assert scores.index.name == "customer_id" and scores.index.is_unique
    source = churn.source()
    assert set(scores["model"]) == {source.versioned_name}
    assert Champions([source]).sums == {"churn": source.sums}


def test_a_day_that_labels_reach_into_is_refused_with_its_reason(churn):
    with pytest.raises(LeakError, match=rf"until {AS_OF}, since it was fitted as of {AS_OF}, and must not"):
        churn.predict("2024-11-01")


def test_a_score_is_explained_by_features_in_words(churn, scores):
    customer = scores["p_churn"].idxmax()
    why = churn.explain(customer)
    assert why.score == {"p_churn": scores.loc[customer, "p_churn"]}
    assert why.reasons["share"].is_monotonic_decreasing and why.reasons["share"].sum() <= 1 + 1e-9
    assert why.reasons["feature"].str.startswith("rfm_").all()
    for text in (str(why), why._repr_html_()):
        assert "the chance of leaving" in text and str(customer) in text
    with pytest.raises(InputError, match=f"no score on {AS_OF}: churn scores {len(scores)} customers .* 112"):
        churn.explain("nobody")


def test_a_saved_model_comes_back_with_its_scores_and_its_evaluation(churn, shop, scores, tmp_path):
    folder = churn.save(tmp_path / "churn")
    assert {path.name for path in folder.iterdir()} == {"fit.json", "manifest.json", "model", "plots"}
    again = crm_ml.load_model(folder, shop)
    pd.testing.assert_frame_equal(again.predict(), scores)
    assert again._repr_html_() == churn._repr_html_()
    assert again.config == churn.config
    with pytest.raises(AttributeError, match="a loaded model has its plots as PNG in its folder"):
        again.plot_gains()
    assert again.plot_retention().axes
    with pytest.raises(InputError, match="loaded without tables"):
        crm_ml.load_model(folder).predict()


@pytest.mark.parametrize(
    ("family", "stated", "message"),
    [
        ("chrun", {}, r"'chrun' is no family; there are churn, clv, propensity, recommend, uplift"),
        ("churn", {"horizn_days": 28}, "churn has no setting 'horizn_days'; did you mean horizon_days?"),
        ("churn", {"settings": {"target.horizon": 28}}, "'target.horizon' is none .* horizon_days?"),
        ("churn", {"settings": {"split": {"tests": ["2024-11-01"]}}}, "'split.tests' .* did you mean test?"),
        ("clv", {"settings": {"colour": 1}}, "'colour' is none of this family; there are candidates, "),
        (["churn"], {}, "is no family"),
        ("churn", {"settings": "model.name=logistic"}, "settings: write names .*; there is a str"),
        ("churn", {"settings": {3: 4}}, "settings: write names and their values"),
        ("churn", {"horizon_days": float("nan"), "every_days": 0, "gap_days": "1"}, "churn: 3 mistakes"),
        ("churn", {"silence": ["view"]}, "silence: 1 mistake\n  the file: Input should be a valid dict"),
        ("churn", {"as_of": 20241229}, "as_of: 20241229 is no day; write it as YYYY-MM-DD"),
        (
            "churn",
            {"as_of": "June", "horizn_days": 28, "sed": 1, "settings": {"modl.name": "x", "splt": 1}},
            "fit: 3 mistakes\n.* 'June'.*\n.* 'horizn_days'.*\n.* 'sed'.*\n.* 'modl.name' .*\n.* 'splt'",
        ),
    ],
)
def test_names_and_values_that_are_none_are_refused_with_what_is_near(shop, family, stated, message):
    with pytest.raises(ConfigError, match=message):
        crm_ml.fit(family, shop, **{"as_of": AS_OF, **stated})


def test_a_frame_in_place_of_tables_is_refused(shop):
    with pytest.raises(InputError, match=r"crm_ml\.fit takes Tables and got a DataFrame"):
        crm_ml.fit("churn", shop.pandas("order_lines"))


def test_stages_are_lines_off_a_terminal(shop, capsys, monkeypatch):
    def execute(_config, _tables, stages):
        stages.add_task("windows", total=8)
        time.sleep(0.2)
        raise InputError("enough")

    monkeypatch.setattr("crm_ml.train.experiment.execute", execute)
    monkeypatch.setattr("crm_ml.progress._LOOK_S", 0.01)
    monkeypatch.setattr("crm_ml.progress.EVERY_S", 0.0)
    for progress in (False, True):
        with pytest.raises(InputError, match="enough"):
            crm_ml.fit("clv", shop, as_of=AS_OF, progress=progress)
        assert ("windows: 0 of 8" in capsys.readouterr().err) == progress


def test_too_short_data_say_what_is_needed(shop):
    with pytest.raises(InputError, match="31 days; models are trained and tested on 56 days or more"):
        crm_ml.fit("churn", shop, as_of="2023-02-01")


def test_what_is_stated_wins_over_what_the_tables_suggest(shop):
    settings = {"target.active_within_days": 70, "model": {"name": "logistic"}, "features": {"rfm": {}}}
    settings["split"] = {"training_snapshots": 3, "every_days": 35}
    config, reasons = run_config(
        "churn", shop, AS_OF, {"horizon_days": 35, "replicates": 150, "name": "mine", "seed": 5}, settings
    )
    assert (config.target.horizon_days, config.target.active_within_days) == (35, 70)
    assert (config.replicates, config.seed, config.model.name) == (150, 5, "logistic")
    assert config.register_as.name == "churn_mine"
    assert config.register_as.as_of == date.fromisoformat(AS_OF)
    assert all(day < config.register_as.as_of for day in config.split.test)
    assert config.data.name == crm_ml.datasets.IN_MEMORY
    assert config.split.training_snapshots == 3 and config.split.every_days == 35
    assert config.calibration.snapshots <= 3 - 2 if config.calibration.methods else True
    assert reasons and config.leave_out and all(name.startswith("rfm_") for name in config.leave_out)
    with pytest.raises(InputError, match="the tables were in memory, and nothing keeps them"):
        crm_ml.datasets.load(config.data.name)


def test_a_whole_config_is_taken_as_it_is(shop):
    config, reasons = run_config("churn", shop, None, {}, CHURN)
    assert config.features == PROBABILITY["features"]
    assert config.split.earliest is None and not reasons


@pytest.mark.slow
@pytest.mark.parametrize("family", sorted(STATED))
def test_every_family_is_fitted_predicted_explained_and_saved(family, shop, tmp_path):
    fitted = crm_ml.fit(family, shop, as_of=AS_OF, replicates=100, **STATED[family])
    assert fitted.gates and fitted.evaluation.reasons
    scores = fitted.predict()
    source = fitted.source()
    assert {*source.columns, "model"} - {"model" if family == "recommend" else ""} <= set(scores.columns)
    assert source.per_action == ("action" in scores)
    why = fitted.explain(scores.index[0])
    assert len(why.reasons) and "<table>" in why._repr_html_()
    for name in (name for name in dir(fitted) if name.startswith("plot_")):
        assert getattr(fitted, name)().axes
    again = crm_ml.load_model(fitted.save(tmp_path / family), shop)
    pd.testing.assert_frame_equal(again.predict(), scores)


@pytest.mark.slow
def test_rows_after_the_day_change_no_score(scores, shop):
    known = Snapshot(AS_OF, timedelta(days=1)).known(shop)
    later = crm_ml.fit("churn", known, settings={**CHURN, "data.ends_at": AS_OF}).predict()
    pd.testing.assert_series_equal(later["p_churn"], scores["p_churn"])


@pytest.mark.slow
def test_a_frame_is_enough(shop):
    lines = shop.pandas("order_lines")
    lines = lines.assign(paid=lines["paid_cents"] / 100)
    tables = crm_ml.tables.from_frame(
        lines, customer="customer_id", time="ordered_at", amount="paid", order="order_id", item="item_id"
    )
    tables.report.notes = ("rows repeat",)
    target = {"horizon_days": 56, "active_within_days": 112}
    fitted = crm_ml.fit("churn", tables, settings={**CHURN, "target": target})
    assert fitted.notes[0] == "rows repeat"
    scores = fitted.predict()
    assert scores["p_churn"].between(0, 1).all()
    assert "USD" in str(fitted.explain(scores.index[0]))
