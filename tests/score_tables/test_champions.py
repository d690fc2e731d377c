"""Both champions together: what is loaded, what is refused, and the command that scores with them."""

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
import score_world
import value_shop
from score_world import AS_OF, DAY_S, contents

from crm_ml import datasets, features, tracking
from crm_ml.clv import summarize
from crm_ml.clv.clv_model import ClvModel
from crm_ml.clv.purchase_and_spend_model import Valuer
from crm_ml.clv.valuation_terms import Terms
from crm_ml.clv.value_calibration import NO_TILT
from crm_ml.errors import ConfigError, InputError, LeakError
from crm_ml.lists import read_list
from crm_ml.models import model_folder
from crm_ml.models.model import create
from crm_ml.score.__main__ import main
from crm_ml.score_tables.champion_set import Champions, champions
from crm_ml.snapshots import Snapshot, as_utc
from crm_ml.storage.manifest import fingerprint, verify
from crm_ml.tables import Tables
from crm_ml.tables.zones import declared
from crm_ml.uplift import TLearner


@pytest.fixture(scope="module")
def model():
    summary = value_shop.summary(value_shop.lines(200, seed=9))
    valuer = Valuer.fit("beta_geo", summary)
    return ClvModel.of(valuer, Terms.of_months(12, 0.1, 0.25), summary, NO_TILT, None)


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    return score_world.tables(tmp_path_factory.mktemp("tables"))


@pytest.fixture
def project(tmp_path, monkeypatch):
    (tmp_path / "configs/score").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CRM_ML_DATA", raising=False)
    return tmp_path


@pytest.fixture
def registered(tmp_path_factory, monkeypatch, model, tables):
    """Folders of both champions, as the registry would give them."""
    folder = tmp_path_factory.mktemp("models")
    model_folder.save(model, folder / "clv", "clv", labels_end="2024-05-15", time_unit="D")
    known = features.matrix(tables, Snapshot(as_utc(AS_OF), timedelta(days=1)))
    trees = create("logistic").fit(known, np.random.default_rng(0).integers(0, 2, len(known)))
    details = {"active_within_days": 56, "labels_end": "2024-05-01", "features": {}}
    model_folder.save(trees, folder / "churn", "churn", **details)

    def champion(name, _alias):
        manifest = verify(folder / name)
        return tracking.ModelVersion(name, "1", folder / name, fingerprint(folder / name), manifest)

    monkeypatch.setattr(tracking, "champion", champion)
    return folder


def champion(family, name=None, as_of=AS_OF):
    """Load the champion of a family alone."""
    [source] = champions({family: f"{name or family}@champion"}, as_of).sources
    return source


def test_the_champion_is_loaded_with_its_hash(registered, model, tables):
    found = champion("clv")
    assert (found.name, found.sums) == ("clv", fingerprint(registered / "clv"))
    summary = summarize(tables, AS_OF, "D", with_first_value=True)
    pd.testing.assert_frame_equal(found.model.predict(summary), model.predict(summary), check_exact=True)
    assert champion("clv", as_of=date(2024, 5, 15)).sums == found.sums


@pytest.mark.usefixtures("registered")
def test_a_champion_that_saw_later_orders_or_is_none_of_value_is_refused():
    with pytest.raises(LeakError, match="trained on labels until 2024-05-15 and must not score 2024-05-14"):
        champion("clv", as_of=date(2024, 5, 14))
    told = "churn@champion: it is a model of family churn, and one of clv is needed here"
    with pytest.raises(InputError, match=told):
        champion("clv", "churn")


@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo"])
def test_the_zone_of_a_champion_is_that_of_its_manifest(registered, model, zone):
    details = {"labels_end": "2024-05-15", "time_unit": "D"} | declared(zone)
    model_folder.save(model, registered / "of_zone", "clv", **details)
    source = champion("clv", "of_zone")
    assert (source.zone, "timezone" in verify(registered / "of_zone")) == (zone, zone != "UTC")
    with pytest.raises(ConfigError, match=f"trained on days of {zone} and the tables declare Asia/Seoul"):
        Champions([source]).check([], Tables(None, None, zone="Asia/Seoul"))


@pytest.fixture
def of_actions(registered, tables):
    """Champions of answers and of effects, beside the others."""
    known = features.matrix(tables, Snapshot(as_utc(AS_OF), timedelta(days=1)), ["rfm"])
    labels = np.random.default_rng(1).integers(0, 2, len(known))
    details = {"labels_end": "2024-05-15", "features": {"rfm": {}}}
    model = create("gradient_boosting", rounds=5, min_data_in_leaf=5, n_seeds=1).fit(known, labels)
    of_answers = {"kinds": ["mail"], "target": {"of": "category", "horizon_days": 56}}
    model_folder.save(model, registered / "propensity", "propensity", **of_answers, **details)
    learner = TLearner(base="logistic", control="none")
    arm = np.where(np.arange(len(known)) % 2, "letter", "none")
    learner.fit(known, labels, treatment=arm, treatment_probability=0.5)
    arms = {"arms": ["letter"], "verified_arms": []}
    model_folder.save(learner, registered / "uplift", "uplift", **details, **arms)
    return known, model, learner


def test_champions_of_actions_are_loaded_with_what_they_have_learned_from(of_actions):
    known, model, learner = of_actions
    answers = champion("propensity")
    assert (answers.kinds, answers.groups, answers.horizon_days) == (["mail"], {"rfm": {}}, 56)
    np.testing.assert_array_equal(answers.predict(known), model.expected(known))
    assert [len(told) for told in answers.reasons(known)] == [3] * len(known)
    effects = champion("uplift")
    assert (effects.arms, effects.verified, effects.groups) == (["letter"], [], {"rfm": {}})
    found = effects.predict(known)
    np.testing.assert_array_equal(found["uplift_letter"], learner.predict(known, "letter"))


@pytest.mark.usefixtures("of_actions")
@pytest.mark.parametrize("name", ["propensity", "uplift"])
def test_champions_of_actions_refuse_an_earlier_day_and_another_family(name):
    with pytest.raises(LeakError, match=f"{name}@champion was trained on labels until 2024-05-15"):
        champion(name, as_of=date(2024, 5, 14))
    with pytest.raises(InputError, match=f"family churn, and one of {name} is needed"):
        champion(name, "churn")


@pytest.mark.usefixtures("of_actions")
def test_champions_stand_in_the_order_of_their_families_and_those_that_are_null_are_left_out():
    models = {"uplift": "uplift@champion", "clv": None, "churn": "churn@champion"}
    assert [source.family for source in champions(models, AS_OF).sources] == ["churn", "uplift"]
    assert champions({"clv": None}, AS_OF).sources == []


@pytest.mark.usefixtures("registered")
def test_a_family_that_does_not_exist_is_named_with_those_that_do():
    told = "no family 'weather' has score tables; there are churn, clv, propensity, recommend, uplift"
    with pytest.raises(InputError, match=told):
        champions({"weather": "weather@champion"}, AS_OF)


CONFIG = """
name: test
data: {name: generated}
models: {churn: churn@champion, clv: clv@champion}
as_of: 2024-06-01
actions: configs/actions.yaml
consent: assumed
"""
ACTIONS = """
currency: EUR
actions:
  - {action_id: keep, channel: mail, cost_cents: 10, margin_cents: 1000, assumed_effect: 0.5, score: p_churn,
     assumption: chosen for a test, eligible: clv_cents >= 100 and p_alive > 0.1, expires_after_days: 7}
"""


def test_the_command_scores_with_both_champions(project, registered, tables, monkeypatch, capsys):
    (project / "configs/score/default.yaml").write_text(CONFIG)
    (project / "configs/actions.yaml").write_text(ACTIONS)
    monkeypatch.setattr(datasets, "load", lambda _name, _path: tables)
    assert main([]) == 0
    rows = read_list(project / "data/lists/test")
    assert (rows["clv_cents"] >= 100).all()
    names = [f"{name}@{fingerprint(registered / name)[:12]}" for name in ("churn", "clv")]
    assert {tuple(one) for one in rows["model_versions"]} == {tuple(names)}
    assert main([]) == 3
    before = contents(project / "data")
    assert main(["--as-of", "2024-05-10"]) == 2
    assert "clv@champion was trained on labels until 2024-05-15" in capsys.readouterr().err
    path = registered / "clv/clv.json"
    path.write_bytes(path.read_bytes().replace(b"1", b"2", 1))
    assert main(["--as-of", "2024-05-31"]) == 4
    assert "clv.json has changed" in capsys.readouterr().err
    assert contents(project / "data") == before
    assert pd.Timestamp("2024-06-01", tz="UTC") == rows["as_of"].iloc[0]
    assert rows["expires_at"].iloc[0] - rows["as_of"].iloc[0] == timedelta(seconds=7 * DAY_S)
