"""The parts of the churn experiment that need no store: folds, left out features, calibration, segments."""

from datetime import date

import numpy as np
import pandas as pd
import pytest
from rich.progress import Progress

from crm_ml import features
from crm_ml.config import ChurnRun
from crm_ml.errors import ConfigError, InputError
from crm_ml.evaluation.calibration import best_calibrator
from crm_ml.models.calibrated_model import CalibratedModel
from crm_ml.models.labelled_rows import LabelledRows
from crm_ml.models.model import create
from crm_ml.tables import Tables
from crm_ml.tables.strict import validate
from crm_ml.train.families.churn import experiment
from crm_ml.train.families.probability import run as probability_run
from crm_ml.train.families.probability import used_rows
from crm_ml.train.families.probability.study import Fold

BASE = {
    "family": "churn",
    "data": {"name": "complete_journey"},
    "target": {"horizon_days": 28, "active_within_days": 56},
    "split": {"test": ["2017-08-30", "2017-09-27"], "training_snapshots": 8, "earliest": "2017-07-01"},
    "model": {"name": "logistic"},
    "baselines": [{"name": "recency_rule"}],
    "register_as": {"name": "churn", "as_of": "2017-10-25"},
}


def config(**changes):
    return validate(BASE | changes, ChurnRun, "test")


def rows(days=8, customers=120, seed=0):
    """Rows on weekly days up to 2017-08-02 whose label follows one feature."""
    draw = np.random.default_rng(seed)
    as_of = [f"{date(2017, 8, 2) - pd.Timedelta(weeks=week):%Y-%m-%d}" for week in reversed(range(days))]
    index = pd.MultiIndex.from_product(
        [as_of, [f"c{n}" for n in range(customers)]], names=["as_of", "customer_id"]
    )
    X = pd.DataFrame({"rfm_days_since_order": draw.uniform(0, 60, len(index))}, index=index)
    X["lifecycle_stage"] = np.where(X["rfm_days_since_order"] > 30, "dormant", "active")
    y = (draw.uniform(0, 60, len(index)) < X["rfm_days_since_order"]).astype("int8")
    return LabelledRows(X, pd.Series(y, index=index, name="churned"))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"register_as": BASE["register_as"] | {"as_of": "2017-12-01"}}, "2017-11-03 end on 2017-12-01, but"),
        (
            {"split": BASE["split"] | {"test": ["2017-08-30", "2017-10-20"]}},
            "2017-10-20 end on 2017-11-17, but",
        ),
    ],
)
def test_a_day_beyond_the_data_is_refused_by_an_error_that_has_the_day_of_the_config(changes, words):
    moment = int(pd.Timestamp("2017-10-31").timestamp())
    line = dict.fromkeys(("paid_cents", "discount_cents", "coupon_cents", "quantity"), 1)
    line |= {"customer_id": "a", "order_id": "o", "line_id": "l", "item_id": "i"}
    lines = pd.DataFrame([line | {"ordered_at_epoch_s": moment}])
    tables = Tables(customers=lines[["customer_id"]], order_lines=lines)
    with pytest.raises(InputError, match=f"labels of the snapshot {words} the data end on 2017-11-01"):
        experiment.execute(config(**changes), tables, Progress(disable=True))


def test_test_days_must_ascend_and_baselines_stand_once():
    twice = [{"name": "logistic"}, {"name": "logistic", "options": {"strength": 1.0}}]
    with pytest.raises(ConfigError) as refused:
        config(split=BASE["split"] | {"test": ["2017-09-27", "2017-08-30"]}, baselines=twice)
    assert "test days must ascend, each once, not 2017-09-27, 2017-08-30" in str(refused.value)
    assert "each baseline may stand once, not logistic, logistic" in str(refused.value)


def test_a_fold_trains_on_labels_that_end_before_it_and_not_before_the_earliest_day():
    each = experiment.fold(config(), date(2017, 8, 30))
    assert [f"{one.as_of:%m-%d}" for one in each.training] == ["07-05", "07-12", "07-19", "07-26", "08-02"]
    assert each.training[-1].label_ends_at == each.test.as_of
    with pytest.raises(InputError, match="no training snapshot lies between 2017-07-01 and 2017-07-20"):
        experiment.fold(config(), date(2017, 7, 20))


def test_left_out_names_what_no_group_has_but_lets_absent_tables_be():
    columns = ["rfm_orders", "timing_monday_share"]
    assert used_rows.left_out(columns, ["campaign_*", "timing_*"]) == ["timing_monday_share"]
    with pytest.raises(ConfigError, match=r"leave_out: rmf_\* match no feature"):
        used_rows.left_out(columns, ["rmf_*", "rfm_*"])


def test_segments_are_kept_from_a_model_that_does_not_ask_for_them():
    given = rows()
    assert "lifecycle_stage" not in used_rows.used_rows(given, config(features={"rfm": {}})).X
    assert "lifecycle_stage" in used_rows.used_rows(given, config(features={"rfm": {}, "lifecycle": {}})).X
    assert "lifecycle_stage" in used_rows.used_rows(given, config()).X
    assert used_rows.SEGMENTS in features.groups()


def test_the_calibrator_learns_from_scores_of_a_model_that_had_not_seen_the_labels():
    run = config(calibration={"methods": ["platt"], "snapshots": 2})
    each = experiment.fold(run, date(2017, 8, 30))
    given = rows()
    later = given.fold.isin(["2017-07-26", "2017-08-02"])
    turned = LabelledRows(given.X, given.y.where(~later, 1 - given.y))
    with pytest.raises(InputError, match="nothing that trains for 2017-08-30 has labels that end before"):
        probability_run.fit_calibrated(run, given, each)
    wide = config(
        calibration={"methods": ["platt"], "snapshots": 2},
        split=BASE["split"] | {"earliest": "2017-06-14"},
    )
    each = experiment.fold(wide, date(2017, 8, 30))
    assert isinstance(probability_run.fit_calibrated(wide, given, each), CalibratedModel)
    # labels that turn round in the newest snapshots give an inverted calibrator, which is refused
    refused = probability_run.fit_calibrated(wide, turned, each)
    assert refused.calibrator.method == "none"


def counted(monkeypatch):
    """Count the fits of models by the rows that train them."""
    sizes = []

    def create_counting(name, **options):
        model = create(name, **options)
        fit = model.fit
        model.fit = lambda X, y: (sizes.append((name, len(X))), fit(X, y))[1]
        return model

    monkeypatch.setattr(probability_run, "create", create_counting)
    return sizes


def test_a_model_of_another_fold_judges_for_the_calibrator_where_it_knew_nothing_later(monkeypatch):
    run = config(
        calibration={"methods": ["platt"], "snapshots": 1},
        split=BASE["split"] | {"earliest": "2017-05-01", "training_snapshots": 8},
    )
    given = rows(days=13)
    folds = [experiment.fold(run, day) for day in (date(2017, 8, 2), date(2017, 8, 30))]
    sizes, models = counted(monkeypatch), {}
    first, second = (probability_run.fit_calibrated(run, given, each, models) for each in folds)
    # the first fold has nothing before it and fits a judge; what trained for 2 August judges for 30 August
    assert sizes == [("logistic", 960), ("logistic", 480), ("logistic", 960)]
    alone = probability_run.fit_calibrated(run, given, folds[1])
    np.testing.assert_array_equal(second.model.expected(given.X), alone.model.expected(given.X))
    judge, newest = first.model, given.at([folds[1].training[-1]])
    expected = best_calibrator(judge.expected(newest.X), newest.y, newest.customer_id, ["platt"])
    assert second.calibrator == expected
    earlier, ended = [str(day) for day in folds[0].training], folds[0].test.as_of
    for trained_on, at in (
        (earlier, folds[1].training[-1].label_ends_at),  # knew later labels
        (earlier[:3], ended),  # learned from less
        ([*earlier[:-2], "2017-04-05", "2017-04-12"], ended),  # lacks the newest two
    ):
        sizes.clear()
        other = {frozenset(trained_on): (at, judge)}
        probability_run.fit_calibrated(run, given, folds[1], other)
        assert sizes == [("logistic", 960), ("logistic", 480)]
    sizes.clear()
    stale = {frozenset([*earlier[:-1], "2017-04-12"]): (ended, judge)}  # lacks the newest one
    assert probability_run.fit_calibrated(run, given, folds[1], stale).calibrator == expected
    assert sizes == [("logistic", 960)]


def test_a_baseline_that_is_a_part_of_the_model_and_folds_of_equal_training_are_fitted_once(monkeypatch):
    lines = [{"name": "logistic", "options": {"strength": 0.03}}, {"name": "recency_rule"}]
    run = config(
        model={"name": "blend", "options": {"rounds": 5}}, calibration={"methods": []}, baselines=lines
    )
    given = rows()
    each = experiment.fold(run, date(2017, 8, 30))
    later = given.at([each.training[-1]])
    tested = LabelledRows(*(part.rename({"2017-08-02": "2017-08-30"}) for part in (later.X, later.y)))
    both = LabelledRows(pd.concat([given.X, tested.X]), pd.concat([given.y, tested.y]))
    sizes = counted(monkeypatch)
    twice = [each, Fold(experiment.fold(run, date(2017, 9, 6)).test, each.training)]
    after = LabelledRows(*(part.rename({"2017-08-30": "2017-09-06"}) for part in (tested.X, tested.y)))
    both = LabelledRows(pd.concat([both.X, after.X]), pd.concat([both.y, after.y]))
    predictions = probability_run.predict(run, both, twice, Progress(disable=True))
    predictions = predictions.where(predictions.fold == "2017-09-06")
    assert sizes == [("blend", 600), ("recency_rule", 600), ("plain_lightgbm", 600)]
    past = given.at(each.training)
    line = create("logistic", strength=0.03).fit(past.X, past.y)
    np.testing.assert_array_equal(predictions.p["logistic"], line.expected(tested.X))


def test_who_did_not_allow_the_purpose_trains_no_model():
    said = [
        ("c1", "training", True, "2017-01-01"),
        ("c2", "training", True, "2017-01-01"),
        ("c2", "training", False, "2017-12-01"),  # later than the run's day, and yet obeyed
        ("c3", "marketing", True, "2017-01-01"),
        ("c4", "training", True, "2017-11-01"),  # allowed only after the run's day
    ]
    consents = pd.DataFrame(said, columns=["customer_id", "purpose", "granted", "changed_at"])
    consents["changed_at"] = pd.to_datetime(consents["changed_at"])
    consents["changed_at_epoch_s"] = consents["changed_at"].astype("datetime64[s]").astype("int64")
    nobody = pd.DataFrame({"customer_id": ["c1"]})
    tables = Tables(customers=nobody, order_lines=nobody, consents=consents).identified("no orders")

    def allowed(given, purpose):
        today = config().target.snapshot(config().register_as.as_of)
        return used_rows.allowed_rows(given, rows(), today, purpose)

    assert set(allowed(tables, "training").customer_id) == {"c1"}
    with pytest.raises(ConfigError, match=r"target.purpose: the tables have consents; name the purpose"):
        allowed(tables, None)
    without = Tables(customers=nobody, order_lines=nobody).identified("no orders")
    with pytest.raises(ConfigError, match="'training' is asked of tables that have no consents"):
        allowed(without, "training")
    assert len(allowed(without, None).y) == 8 * 120
    with pytest.raises(InputError, match=r"of the customers of 960 rows nobody allows 'profiling'"):
        allowed(tables, "profiling")


@pytest.mark.parametrize(
    ("model", "baselines", "control"),
    [
        ("blend", ["recency_rule"], 1),
        ("gradient_boosting", ["recency_rule"], 1),
        ("blend", ["plain_lightgbm"], 0),
        ("logistic", ["recency_rule"], 0),
    ],
)
def test_plain_lightgbm_stands_beside_boosted_trees_once(model, baselines, control):
    parts = {"model": {"name": model}, "baselines": [{"name": name} for name in baselines]}
    names = [part.name for part in probability_run.baselines_of(config(**parts))]
    assert names == [*baselines, *["plain_lightgbm"] * control]


def test_the_settings_that_the_final_model_chose_stand_in_the_record():
    past = rows(customers=200)
    model = create("gradient_boosting", num_threads=1).fit(past.X, past.y)
    record = probability_run._settings(CalibratedModel(model, best_calibrator([0.1], [0], ["c"], [])))
    assert record["settings"] in ("regularised", "plain")
    assert record["error"] > 0
    assert probability_run._settings(create("recency_rule").fit(past.X, past.y)) is None
