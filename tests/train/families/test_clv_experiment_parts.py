"""The parts of the lifetime-value experiment that need no store: what is fitted, chosen and refused."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
import value_shop
from rich.progress import Progress
from value_shop import second, shop

from crm_ml.clv.clv_model import ClvModel
from crm_ml.clv.model_selection import CHALLENGER, Choice
from crm_ml.clv.purchase_and_spend_model import Valuer
from crm_ml.clv.validation_windows import WindowSource
from crm_ml.clv.value_calibration import NO_TILT, Tilt
from crm_ml.config import ClvRun
from crm_ml.errors import ConfigError, InputError, LeakError
from crm_ml.evaluation.significance import evaluate
from crm_ml.tables.strict import validate
from crm_ml.train.families.clv import experiment, report

TEST = date(2024, 7, 1)
BASE = {
    "family": "clv",
    "data": {"name": "cdnow"},
    "target": {"horizon_days": 56},
    "split": {"test": f"{TEST}", "validation": ["2024-04-22", "2024-06-03"]},
    "candidates": [{"purchases": "beta_geo"}, {"purchases": "beta_geo", "first_purchase": True}],
    "challenger": {"windows": 2, "options": {"rounds": 10, "min_data_in_leaf": 20, "num_threads": 1}},
    "replicates": 100,
    "interval_replicates": 20,
    "largest_total_error": 2.0,
    "register_as": {"name": "clv", "as_of": "2024-09-01"},
}
LINES = value_shop.lines(300, seed=2)


def config(**changes):
    return validate(BASE | changes, ClvRun, "test")


def windows(run, source):
    return [source.window(day, run.window_days(day)) for day in run.split.validation]


def chosen(run, tables, seed=0):
    source = experiment.source_of(run, tables)
    return experiment.choose(run, source, windows(run, source), np.random.default_rng(seed))


def values(run, tables, found):
    """What the chosen model and the baselines say of the customers of the test window."""
    said = experiment.test(run, experiment.source_of(run, tables), found).value
    return pd.DataFrame(dict(said.p), index=said.customer_id)


def forced(challenger=False, tilt=NO_TILT):
    return experiment.Chosen(Choice("beta_geo", challenger, tilt != NO_TILT, ""), None, tilt)


@pytest.fixture(scope="module")
def first():
    """What is chosen of the order lines as they are."""
    return chosen(config(), shop(LINES))


@pytest.fixture(scope="module")
def every(first):
    """What may be chosen, each with what it says of the order lines as they are."""
    found = [forced(), forced(challenger=True), forced(tilt=Tilt(0.8, 1.1)), first]
    return [(one, values(config(), shop(LINES), one)) for one in found]


def without_later(amount):
    """The order lines until the test, with none after it, or with others of an amount."""
    later = LINES["ordered_at_epoch_s"] >= second(TEST)
    if amount is None:
        return shop(LINES[~later])
    poisoned = LINES.assign(paid_cents=LINES["paid_cents"].mask(later, amount))
    new = pd.DataFrame(
        {"customer_id": "c00007", "ordered_at_epoch_s": second(TEST) + np.arange(500), "paid_cents": amount}
    )
    return shop(pd.concat([poisoned, new], ignore_index=True))


@pytest.mark.parametrize("amount", [10**11, 0, None])
def test_rows_of_the_test_window_change_neither_the_choice_nor_a_prediction(amount, first, every):
    tables, run = without_later(amount), config(data={"name": "cdnow", "ends_at": "2024-11-01"})
    found = chosen(run, tables)
    assert found.choice == first.choice
    assert found.tilt == first.tilt
    pd.testing.assert_frame_equal(found.judged.table(), first.judged.table(), check_exact=True)
    for one, wanted in every if amount is not None else ():
        pd.testing.assert_frame_equal(values(run, tables, one), wanted, check_exact=True)


def test_what_validation_may_see_ends_at_the_test(first):
    run = config()
    ends = [day + timedelta(days=run.window_days(day)) for day in run.split.validation]
    assert ends == [date(2024, 6, 17), TEST]
    assert run.window_days(TEST) == 56
    earlier = config(split=BASE["split"] | {"validation": ["2024-04-22"]})
    judged = [len(one.judged.table()) for one in (first, chosen(earlier, shop(LINES)))]
    assert judged == [30, 15]  # with one window nothing is tilted


def test_another_window_and_another_seed_change_something(first):
    tables, told = shop(LINES), first.choice.reason
    assert chosen(config(), tables).choice.reason == told
    assert chosen(config(), tables, seed=1).choice.reason != told
    other = config(split=BASE["split"] | {"validation": ["2024-04-29", "2024-06-03"]})
    assert chosen(other, tables).choice.reason != told


def test_candidates_share_their_purchase_model_and_differ_by_spend():
    source, as_of = experiment.source_of(config(), shop(LINES)), pd.Timestamp(TEST, tz="UTC")
    fitted = experiment.fit_candidates(config(), source, as_of)
    plain, first = fitted["beta_geo"], fitted["beta_geo, first purchase"]
    assert plain.purchases is first.purchases
    assert plain.spend.params_ != first.spend.params_
    assert experiment.fit_one(config(), source, as_of, "beta_geo").purchases is plain.purchases
    assert plain.as_dict() == Valuer.fit("beta_geo", source.summary(as_of)).as_dict()


def test_the_challenger_is_trained_on_labels_that_end_at_its_day(monkeypatch):
    cut = []
    honest = WindowSource.window
    monkeypatch.setattr(
        WindowSource,
        "window",
        lambda self, at, days: cut.append((f"{at:%m-%d}", days)) or honest(self, at, days),
    )
    run, tables = config(), shop(LINES)
    one = experiment.fit_challenger(
        run, experiment.source_of(run, tables), pd.Timestamp(TEST, tz="UTC").to_pydatetime(), "beta_geo"
    )
    assert cut == [("05-06", 56), ("06-03", 28)]
    assert one.text_.count("Tree=") == 10


def test_customers_without_the_purpose_are_neither_fitted_nor_counted():
    people = [f"c{number:05d}" for number in range(300)]
    allowed = people[::2]
    consents = pd.DataFrame({"customer_id": people, "purpose": "training", "granted": [True, False] * 150})
    consents["changed_at_epoch_s"] = second("2024-01-01")
    consents.loc[len(consents)] = [allowed[0], "training", False, second("2024-12-01")]  # obeyed at once
    tables = shop(LINES, consents=consents)
    run = config(target=BASE["target"] | {"purpose": "training"})
    source = experiment.source_of(run, tables)
    assert source.customers == set(allowed[1:])
    window = source.window(TEST, 56)
    assert set(window.summary.index) <= set(allowed[1:])
    few = shop(LINES[LINES["customer_id"].isin(allowed[1:])])
    alone = WindowSource(few, "D", data_ends_at=date(2024, 10, 27)).window(TEST, 56)
    assert window.outcomes.as_dict() == alone.outcomes.as_dict()
    pd.testing.assert_frame_equal(window.summary, alone.summary)
    for found in (forced(), forced(challenger=True)):
        pd.testing.assert_frame_equal(
            values(run, tables, found), values(config(), few, found), check_exact=True
        )
    with pytest.raises(ConfigError, match=r"target.purpose: the tables have consents; name the purpose"):
        experiment.source_of(config(), tables)
    with pytest.raises(ConfigError, match="'training' is asked of tables that have no consents"):
        experiment.source_of(run, shop(LINES))


def test_the_final_model_is_of_the_day_of_registration_with_wider_errors():
    run, tables = config(worth={"months": 6, "annual_discount_rate": 0.2, "margin": 0.5}), shop(LINES)
    source = experiment.source_of(run, tables)
    for found in (forced(tilt=Tilt(0.9, 1.2)), forced(challenger=True)):
        final = experiment.final_model(run, source, found, np.random.default_rng(0))
        summary = source.summary(date(2024, 9, 1))
        plain = experiment.fit_one(run, source, pd.Timestamp("2024-09-01", tz="UTC"), "beta_geo")
        assert final.valuer.purchases.params_ == plain.purchases.params_
        assert not np.array_equal(final.valuer.purchases.covariance_, plain.purchases.covariance_)
        trees = experiment.fit_challenger(run, source, pd.Timestamp("2024-09-01", tz="UTC"), "beta_geo")
        wanted = ClvModel.of(
            plain, final.terms, summary, found.tilt, trees if found.choice.challenger else None
        )
        np.testing.assert_array_equal(final.predict(summary)["clv"], wanted.predict(summary)["clv"])
        assert (final.terms.annual_discount_rate, final.terms.margin) == (0.2, 0.5)
        assert final.terms.horizon == timedelta(days=182.625)


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        (
            {"data": {"name": "cdnow", "ends_at": "2024-08-20"}},
            InputError,
            "end on 2024-08-26, but the data end",
        ),
        (
            {"register_as": {"name": "clv", "as_of": "2024-12-01"}},
            InputError,
            "end on 2024-12-01, but the data end on 2024-10-27",
        ),
        ({"challenger": {"options": {"trees": 3}}}, ConfigError, "challenger has no parameter trees"),
        (
            {"split": {"test": f"{TEST}", "validation": ["2023-12-01"]}},
            InputError,
            "no purchase before 2023-12-01",
        ),
    ],
)
def test_what_can_not_be_run_is_refused_by_name(changes, error, words):
    with pytest.raises(error, match=words):
        experiment.execute(config(**changes), shop(LINES), Progress(disable=True))


def test_a_summary_that_knows_later_rows_stops_the_run(monkeypatch):
    honest = experiment.WindowSource.summary
    monkeypatch.setattr(
        experiment.WindowSource, "summary", lambda self, as_of: honest(self, as_of + timedelta(days=30))
    )
    with pytest.raises(LeakError, match="the summary of 2024-07-01 changes when later rows are taken away"):
        experiment.execute(config(), shop(LINES), Progress(disable=True))


def test_a_run_of_one_window_without_challenger():
    one = config(challenger=None, split=BASE["split"] | {"validation": ["2024-05-06"]}, time_unit="W")
    found = experiment.execute(one, shop(LINES), Progress(disable=True))
    assert found.facts["choice"]["challenger"] is found.facts["choice"]["tilted"] is False
    assert set(found.tables["validation"]["model"]) == {"beta_geo", "beta_geo, first purchase"}
    assert CHALLENGER not in found.facts["choice"]["reason"]
    assert found.candidate.name == "clv"


def test_the_gate_of_the_total_knows_its_interval_and_the_misses_of_validation():
    run, tables = config(largest_total_error=0.0001), value_shop.shop(LINES)
    found = chosen(run, tables)
    assert len(found.level_errors) == len(run.split.validation)
    tested = experiment.test(run, experiment.source_of(run, tables), found)
    total = tested.total
    assert total.expected == pytest.approx(tested.value.p["model"].sum())
    assert total.prediction_low < total.expected < total.prediction_high
    judged = evaluate(tested.value, np.random.default_rng(0), None, 20, over=("pooled",))
    gate = report.gates(judged, tested, run.largest_total_error)[1]
    assert gate.passed
    assert "within" in gate.reason
    missed = replace(tested, total=replace(total, prediction_low=1e9, prediction_high=2e9))
    assert "outside 1,000,000,000" in report.gates(judged, missed, run.largest_total_error)[1].reason


@pytest.mark.slow  # tests of the season itself are quick
def test_a_shop_of_november_and_december_is_forecast_for_spring_by_the_spring_before():
    rng, first = np.random.default_rng(5), pd.Timestamp("2022-06-01")
    rows = []
    for number in range(200):
        at = rng.uniform(0, 400) + np.cumsum(rng.exponential(rng.uniform(4, 12), 400))
        days = first + pd.to_timedelta(at[at < 715].astype(int), unit="D")
        days = days[rng.random(len(days)) < np.where(days.month >= 11, 1.0, 0.1)].unique()
        paid = (rng.gamma(6.0, 100.0, len(days)) * 5.0 / rng.gamma(5.0)).astype(int) + 1
        rows += [(f"c{number:05d}", day, cents) for day, cents in zip(days, paid, strict=True)]
    lines = pd.DataFrame(rows, columns=["customer_id", "ordered_at", "paid_cents"])
    lines["ordered_at_epoch_s"] = lines.pop("ordered_at").astype("int64") // 10**9
    if lines["ordered_at_epoch_s"].max() < 10**8:  # microseconds
        lines["ordered_at_epoch_s"] *= 1000
    split = {"test": "2024-03-10", "validation": ["2024-01-10"]}
    more = {"register_as": {"name": "clv", "as_of": "2024-05-10"}, "challenger": None}
    run, tables = config(split=split, **more), value_shop.shop(lines)
    found = chosen(run, tables)
    assert found.is_seasonal
    tested = experiment.test(run, experiment.source_of(run, tables), found)
    observed, predicted = tested.value.y.sum(), tested.value.p["model"].sum()
    plain = replace(tested.model, season=1.0).predict(tested.window.summary)["clv"].sum()
    assert tested.model.season < 0.6
    assert plain > 2 * observed
    assert abs(np.log(predicted / observed)) < 0.6 * np.log(plain / observed)
    final = experiment.final_model(run, experiment.source_of(run, tables), found, np.random.default_rng(0))
    assert final.season == 1  # of a horizon of a whole year


def test_a_regular_candidate_learns_the_gaps_of_the_day():
    run = config(candidates=[{"purchases": "mbg_cnbd_k"}], challenger=None)
    source = experiment.source_of(run, value_shop.shop(LINES))
    fitted = experiment.fit_one(run, source, windows(run, source)[0].snapshot.as_of, "mbg_cnbd_k")
    assert fitted.purchases.k_ == 1  # gaps of this shop are by chance
    assert "log_gaps" not in source.summary(run.split.test)
