"""A list is decided by one verb: the nightly list to the byte, in major units, with reasons and refusals."""

import gc
import json
import re
from datetime import date
from html import unescape

import numpy as np
import pandas as pd
import pytest
import score_world
from score_world import AS_OF, churn_source, contents

import crm_ml
from crm_ml import Action, datasets, features
from crm_ml.decision.holdouts import HoldOut, held
from crm_ml.errors import AlreadyPublished, ConfigError, InputError, LeakError
from crm_ml.front.list_frame import sentences_of
from crm_ml.front.list_request import SALT
from crm_ml.lists import read_list
from crm_ml.models import model_folder
from crm_ml.models.model import create
from crm_ml.pages import Currency
from crm_ml.score.__main__ import main
from crm_ml.score_tables import champion_set
from crm_ml.tables import Tables

SOURCE = "a trial of ours in May"
SIMPLE = (
    Action.simple("coupon", "mail", cost=0.8, margin=40, effect=0.1, score="p_churn", source=SOURCE,
                  eligible="rfm_days_since_order > 14", stock=12),
    Action.simple("push", "push", cost="0.02", margin=40, effect=0.02, score="p_churn", source=SOURCE),
)  # fmt: skip
LIMITS = {
    "daily_cap": 12,
    "channel_caps": {"push": 9},
    "budgets": {"mail": 8.0},
    "hold_out": 0.1,
    "explore": 0.05,
    "contact_policy": {"windows": [{"at_most": 2, "days": 7}]},
    "consent": "assumed",
    "currency": "EUR",
}
SETTINGS = f"""
name: list
data: {{name: generated}}
as_of: {AS_OF}
actions: configs/actions/test.yaml
consent: assumed
daily_cap: 12
channel_caps: {{push: 9}}
budgets: [{{name: mail, cents: 800, channels: [mail]}}]
hold_out: {{salt: {SALT}, universal: 0.1}}
explore: {{salt: {SALT}, share: 0.05}}
"""
ACTIONS = f"""
currency: EUR
contact_policy:
  windows: [{{at_most: 2, days: 7}}]
actions:
  - {{action_id: coupon, channel: mail, cost_cents: 80, margin_cents: 4000, assumed_effect: 0.1,
     score: p_churn, assumption: {SOURCE}, eligible: rfm_days_since_order > 14, stock: 12,
     expires_after_days: 14}}
  - {{action_id: push, channel: push, cost_cents: 2, margin_cents: 4000, assumed_effect: 0.02,
     score: p_churn, assumption: {SOURCE}, expires_after_days: 14}}
"""


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    return score_world.tables(tmp_path_factory.mktemp("tables"))


@pytest.fixture(scope="module", autouse=True)
def known(tables, tmp_path_factory):
    """Few features of all customers, the same on every day."""
    folder = tmp_path_factory.mktemp("features")
    customers = tables.pandas("customers")["customer_id"].sort_values()
    days = np.random.default_rng(0).integers(0, 80, len(customers)).astype(float)
    frame = pd.DataFrame({"customer_id": customers, "rfm_days_since_order": days, "rfm_orders_84d": days % 7})
    frame.to_parquet(folder / "features.parquet", index=False)
    content = (folder / "features.parquet").read_bytes()
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setenv("CRM_ML_DATA", str(folder))
        monkeypatch.setattr(features, "write", lambda _tables, _day, path, *_: path.write_bytes(content))
        yield frame.set_index("customer_id")


@pytest.fixture(scope="module")
def model(known, tmp_path_factory):
    """The folder of a small model with reasons."""
    fitted = create("gradient_boosting").fit(known, known["rfm_days_since_order"] > 40)
    folder = tmp_path_factory.mktemp("models") / "churn"
    details = {"active_within_days": 56, "horizon_days": 28, "labels_end": "2024-05-01", "features": {}}
    model_folder.save(fitted, folder, "churn", **details)
    return folder


@pytest.fixture(scope="module")
def decided(tables, model):
    return crm_ml.decide(tables, AS_OF, [model], SIMPLE, **LIMITS)


def test_the_list_is_that_of_the_nightly_job_to_the_byte(decided, tables, model, project, monkeypatch):
    for name, text in (("actions/test", ACTIONS), ("score/list", SETTINGS)):
        path = project / "configs" / f"{name}.yaml"
        path.parent.mkdir(parents=True)
        path.write_text(text)
    champions = champion_set.Champions(
        [crm_ml.front.list_models.models_of([model], AS_OF).champions.sources[0]]
    )
    monkeypatch.setattr(champion_set, "champions", lambda *_: champions)
    monkeypatch.setattr(datasets, "load", lambda *_, **__: tables)
    assert main(["score/list", "--out", "nightly"]) == 0
    saved = decided.save(project / "saved")
    assert saved.name.startswith(f"{AS_OF}-{decided.list_id[:16]}")
    assert contents(project / "saved") == contents(project / "nightly")
    with pytest.raises(AlreadyPublished):
        decided.save(project / "saved")
    by_file = crm_ml.decide(
        tables, "2024-06-01", str(model), "configs/actions/test.yaml",
        **{**LIMITS, "contact_policy": None, "currency": None},
    )  # fmt: skip
    assert by_file.list_id == decided.list_id
    stated = {**LIMITS, "out": project / "nightly"}
    later = crm_ml.decide(tables, "2024-06-02", model, SIMPLE, **stated)  # with that list before it
    assert main(["score/list", "--out", "nightly", "--as-of", "2024-06-02"]) == 0
    latest = json.loads((project / "nightly" / "list" / "latest.json").read_text())
    assert latest["list_id"] == later.list_id
    assert (later.frame["action_id"] == "coupon").sum() <= 12 - (decided.frame["action_id"] == "coupon").sum()


def test_limits_hold_and_money_stands_in_major_units_beside_cents(decided, tables):
    frame = decided.frame
    assert 0 < len(frame) == len(decided) <= 12
    assert frame.loc[frame["channel"] == "mail", "cost"].sum() <= 8
    assert set(frame["cost"]) <= {0.8, 0.02}
    pd.testing.assert_series_equal(
        frame["expected_value"] * 100, frame["expected_value_cents"].astype(float), check_names=False
    )
    control = held(sorted(tables.pandas("customers")["customer_id"]), HoldOut(salt=SALT, universal=0.1))
    known = np.array(sorted(tables.pandas("customers")["customer_id"]))
    assert control.any() and not set(known[control]) & set(frame["customer_id"])
    assert frame["reasons"].str.contains("the chance of leaving").all()
    assert (frame["assumption"] == SOURCE).all()
    assert decided.certificate.value * 100 == pytest.approx(frame["priority"].sum())
    assert decided.certificate.value <= decided.certificate.bound + 1e-9
    assert all(" EUR" in worth for _, worth in decided.certificate.ways)
    for text in (repr(decided), decided._repr_html_(), decided.certificate._repr_html_()):
        assert decided.certificate.sentence in unescape(text)


def test_each_customer_is_explained_as_the_funnel_counts(decided, known):
    customers = known.index
    told = {customer: decided.explain(customer) for customer in customers}
    outcomes = pd.DataFrame({customer: why.actions["outcome"] for customer, why in told.items()}).T
    names = {"no room": "capacity"}
    for key in ("coupon", "push"):
        counted = outcomes[key].replace(names).value_counts()
        expected = decided.funnel[key]
        assert counted.to_dict() == expected[expected > 0].to_dict()
    assert decided.funnel.loc["known", "customers left"] == len(customers)
    texts = [str(why) for why in told.values()]
    for part in (
        r"not true: rfm_days_since_order > 14 \(rfm_days_since_order is \d+\)",
        r"no p_churn of this customer; its model is about rfm_days_since_order < 56 \(rfm_.* is \d+\)",
        "held out of everything, to measure the effect; it would be worth -?[0-9.]+ EUR",
        "but the limits went to others: a row of it had to be worth",
        "coupon by mail, worth .* after a cost of 0.80 EUR",
    ):
        assert any(re.search(part, text) for text in texts), part
    assert "outcome" in told[customers[0]]._repr_html_()
    with pytest.raises(InputError, match="this customer is not known on 2024-06-01"):
        decided.explain("nobody")


def test_the_page_is_shown_in_a_frame_that_runs_nothing(decided, monkeypatch):
    page = decided.page()
    shown = page._repr_html_()
    sandbox, source = re.fullmatch(r'<iframe .*sandbox="(.*?)" srcdoc="(.*?)" style="[^"]*"></iframe>', shown,
                                   re.DOTALL).groups()  # fmt: skip
    assert "allow-scripts" not in sandbox
    assert unescape(source) == page.html
    opened = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    page.open()
    assert opened == [page.path.as_uri()]


def test_amounts_are_those_of_the_currency_of_the_orders():
    content = score_world.frames()
    content["order_lines"]["currency"] = "KWD"
    action = Action.simple("coupon", "mail", cost="0.002", margin=4, effect=0.5, score="p_churn")
    decided = crm_ml.decide(Tables(**content), AS_OF, churn_source(), action, consent="assumed", budgets=0.01)
    assert decided.currency == "KWD"
    assert set(decided.frame["cost_cents"]) == {2}
    assert set(decided.frame["cost"]) == {0.002}
    assert len(decided) == 5
    assert "after a cost of 0.010 KWD" in repr(decided)
    assert any("nobody is held out" in note for note in decided.notes)


def test_everything_that_is_wrong_stands_in_one_error(tables, model):
    actions = [
        Action.simple("coupon", "mail", cost=1, margin=40, eligible="rfm_days_since_oder > 14"),
        Action.simple("call", "phone", cost=5, effect=0.1, retention=True, eligible="clv_cents > 9"),
        Action.simple("book", "mail", cost=1, margin=4, effect=0.1, score="p_response",
                      answer={"kind": "A", "days": 9, "by": "campaign", "names": ["1"]}),
    ]  # fmt: skip
    with pytest.raises(ConfigError, match="'list': 9 mistakes") as refusal:
        crm_ml.decide(
            tables, "2024-04-01", [model], actions, budgets={"mial": 3}, hold_out=0.7, explore="much",
            channel_caps={"mail": 0}, name="A list",
        )  # fmt: skip
    for part in (
        'consent: the tables have no consents; say consent="assumed"',
        'currency: the orders name none; say the one of all amounts, such as "EUR"',
        "mial is neither a channel nor an action; there are book, call, coupon, mail, phone",
        "hold_out: 0.7 is no share of the customers; write one up to 0.5",
        "explore: 'much' is no share",
        "channel_caps.mail: Input should be greater than or equal to 1",
        "name: String should match",
        "churn was trained on labels until 2024-05-01 and must not score 2024-04-01",
        "coupon: no effect is stated and no model has verified that of arm coupon",
        "it pays from 2.50% on",
        "call: retention needs a model of clv in the settings",
        "which in a notebook crm_ml.fit('clv', ...) gives",
        "book: score p_response needs a model of propensity",
        "no column 'rfm_days_since_oder'; did you mean 'rfm_days_since_order'",
        "no column 'clv_cents' without a model of clv",
    ):
        assert part in str(refusal.value)


def test_a_model_that_knows_later_labels_or_has_another_zone_is_refused(tables, model):
    stated = {"consent": "assumed", "currency": "EUR"}
    with pytest.raises(LeakError, match="labels until 2024-05-01 and must not score 2024-04-01"):
        crm_ml.decide(tables, "2024-04-01", model, SIMPLE, **stated)
    source = crm_ml.front.list_models.models_of(model, None).champions.sources[0]
    with pytest.raises(LeakError, match="labels until 2024-05-01 and must not score 2024-04-01"):
        crm_ml.decide(tables, "2024-04-01", source, SIMPLE, **stated)
    with pytest.raises(ConfigError, match="trained on days of Asia/Tokyo and the tables declare UTC"):
        crm_ml.decide(tables, AS_OF, churn_source(zone="Asia/Tokyo"), SIMPLE, **stated)
    with pytest.raises(ConfigError, match="more than one of churn"):
        crm_ml.decide(tables, AS_OF, [model, churn_source(name="other")], SIMPLE, **stated)


@pytest.mark.parametrize(
    ("as_of", "models", "words"),
    [
        ("June", (), "as_of: 'June' is no day"),
        ("2024-06-01 15:00", (), "is a time of the day"),
        (20240601, (), "as_of: 20240601 is no day; write it as YYYY-MM-DD"),
        (pd.NaT, (), "as_of: NaT is no day"),
        (AS_OF, None, "models: NoneType is no model; give what crm_ml.fit returns, several in a list"),
        (AS_OF, {"churn": "churn@champion"}, "models: dict is no model"),
        (AS_OF, ["nowhere/churn"], "nowhere/churn is no folder of a model, nor a registered one"),
        (AS_OF, [create], "is no model; give what crm_ml.fit returns"),
    ],
)
def test_what_is_no_day_and_no_model_is_refused(tables, as_of, models, words):
    with pytest.raises(ConfigError, match=words):
        crm_ml.decide(tables, as_of, models, SIMPLE, consent="assumed", currency="EUR")


def test_a_list_that_is_refused_while_it_is_made_leaves_no_folder(tables, tmp_path, monkeypatch):
    def refuse(_job, target, *_, **__):
        assert target.parent.is_dir()
        raise InputError("a prediction is none")

    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr("crm_ml.front.decide.publish_list", refuse)
    with pytest.raises(InputError, match="a prediction is none"):
        crm_ml.decide(tables, AS_OF, churn_source(), SIMPLE, consent="assumed", currency="EUR")
    assert list(tmp_path.glob("crm_ml_list_*")) == []


def test_an_empty_list_says_why_it_is_empty(tables):
    idle = Action.simple("coupon", "mail", cost=50, margin=40, effect=0.1, score="p_churn")
    nobody = crm_ml.decide(tables, AS_OF, churn_source(), idle, consent="assumed", currency="EUR")
    assert (len(nobody), nobody.notes[0]) == (0, "no row: nobody's action is worth more than its cost")


def test_an_action_whose_score_is_no_probability_is_refused(tables):
    worth = Action.simple("coupon", "mail", cost=1, margin=40, effect=0.1, score="clv_cents")
    with pytest.raises(ConfigError, match=r"coupon: score clv_cents is no probability .* p_alive, p_churn"):
        crm_ml.decide(tables, AS_OF, churn_source(), worth, consent="assumed", currency="EUR")


def test_what_is_no_action_is_refused_with_all_other_mistakes(tables):
    with pytest.raises(ConfigError, match="decide: 5 mistakes") as refusal:
        crm_ml.decide(tables, "June", ["nowhere"], None, hold_out=2, daily_cap=0, currency="EUR",
                      consent="assumed")  # fmt: skip
    for part in ("'June' is no day", "nowhere is no folder", "actions: NoneType is no action", "hold_out: 2",
                 "daily_cap: Input should be greater"):  # fmt: skip
        assert part in str(refusal.value)


def test_earlier_lists_of_the_folder_are_contacts_and_no_list_without_them_is_saved_there(
    decided, tables, tmp_path
):
    stated = {"consent": "assumed", "currency": "EUR", "daily_cap": 10, "out": tmp_path,
              "contact_policy": {"windows": [{"at_most": 1, "days": 7}]}}  # fmt: skip
    first = crm_ml.decide(tables, date(2024, 5, 31), churn_source(), SIMPLE, **stated)
    assert first.save().parent == tmp_path / "list"
    with pytest.raises(ConfigError, match="save: name the folder of all lists"):
        decided.save()
    with pytest.raises(ConfigError, match=r"has 1 earlier lists .* decide with out="):
        decided.save(tmp_path)
    second = crm_ml.decide(tables, AS_OF, churn_source(), SIMPLE, **stated)
    assert not set(first.frame["customer_id"]) & set(second.frame["customer_id"])
    assert read_list(second.save())["customer_id"].tolist() == second.frame["customer_id"].tolist()
    page, home = first.page(), first._home
    del first
    gc.collect()
    assert page.html  # which holds its list
    del page
    gc.collect()
    assert not home.exists()


def test_items_stand_in_the_reasons_of_a_row():
    row = {"reason_codes": ["p_items=1.23"], "value_basis": "p_items x assumed effect", "item_ids": ["i1"],
           "item_reasons": ["never before"]}  # fmt: skip
    assert sentences_of(row, Currency("EUR"), "UTC") == [
        "1.23 of the items are expected to be bought", "item i1: not bought by the customer before",
    ]  # fmt: skip
