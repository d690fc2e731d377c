"""Drift through the scoring job: what is published with a warning, and what stops it with exit code 5."""

import json
import re
from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import score_world
import yaml
from rich.console import Console
from score_world import AS_OF, action, catalog, churn_source, contents, settings, usual_catalog

from crm_ml import features
from crm_ml.errors import AlreadyPublished, DriftLimit, InputError
from crm_ml.features import matrix_cache
from crm_ml.learning.realised.published_scores import published_tables
from crm_ml.lists.page.list_page import page
from crm_ml.lists.read_list import verify_list
from crm_ml.monitoring.drift_limits import DriftLimits
from crm_ml.monitoring.training_profile import Profile, ProfiledDay, profile_columns
from crm_ml.score import __main__ as command
from crm_ml.score import batch
from crm_ml.score_tables.champion_set import Champions
from crm_ml.score_tables.propensity import PropensitySource
from crm_ml.snapshots import Snapshot, as_utc

DAY = Snapshot(as_utc(AS_OF), timedelta(days=1))
USED = [
    "rfm_days_since_order", "rfm_paid_cents_84d", "rfm_orders_84d", "basket_items_per_order",
    "preference_category_1", "lifecycle_stage",
]  # fmt: skip


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """Tables, the features of half of 800 customers, and the profile of a model that saw the others."""
    tables = score_world.tables(tmp_path_factory.mktemp("now"), n_customers=800)
    known = features.matrix(tables, DAY)
    X, before = known[::2], known[1::2]
    used = [name for name in USED if name in X]
    before = before[before["rfm_days_since_order"] < 56]
    said = pd.DataFrame({"p_churn": score_world.predict(before)})
    profile = Profile(
        profile_columns([ProfiledDay(0, before[used])], 28),
        profile_columns([ProfiledDay(0, said)], 28),
        {"2024-04-01": len(before)},
        {"p_churn": {"2024-04-01": float(said["p_churn"].mean())}},
        ("p_churn",),
    )
    return tables, X, profile


@pytest.fixture(autouse=True)
def _no_store(monkeypatch):
    """Other features of the same tables are given here, so that none may come from the store."""
    monkeypatch.setenv(matrix_cache.SWITCH, "off")


def score(world, monkeypatch, X=None, actions=None, answers=None, **fields):
    """Publish a list of features that are given, as if the tables had given them."""
    tables, usual, profile = world
    given = usual if X is None else X

    def write(_tables, _snapshot, path, _groups=None, _constants=None):
        given.reset_index().to_parquet(path, index=False)

    monkeypatch.setattr(features, "write", write)
    churn = churn_source(**({"profile": profile} | fields.pop("churn", {})))
    sources = [churn] if answers is None else [churn, answers]
    offered = usual_catalog() if actions is None else catalog(*actions)
    return batch.run(settings(**fields), offered, tables, Champions(sources))


def of_page(outcome):
    """Return the section of drift of a list's page."""
    told = page(outcome.folder, verify_list(outcome.folder))
    return re.search(r'<section id="drift".*?</section>', told, re.DOTALL).group()


@pytest.mark.usefixtures("project")
def test_a_refusal_says_first_that_the_tables_end_before_the_day(world, monkeypatch):
    cents = world[1].assign(rfm_paid_cents_84d=world[1]["rfm_paid_cents_84d"] * 100)
    with pytest.raises(DriftLimit) as stopped:
        score(world, monkeypatch, cents, as_of=AS_OF + timedelta(days=9))
    told = str(stopped.value)
    assert "the tables end on 2024-06-01, 9 days before the day of the list (2024-06-10)" in told
    assert told.index("newer tables or an earlier day mend it; else check units") < told.index("drift.accept")


def proposed(error):
    """Return the names that a refusal proposes, as the command line would read them."""
    return DriftLimits(
        accept=yaml.safe_load(re.search(r"drift\.accept: (\[.*\])\)", str(error.value)).group(1))
    )


def report(project):
    [path] = sorted((project / "data/scores").glob("drift-*/drift.json"))
    return json.loads(path.read_text())


def test_a_clean_day_is_published_without_a_warning_in_any_order_of_rows(project, world, monkeypatch):
    outcome = score(world, monkeypatch)
    drift = verify_list(outcome.folder)["drift"]
    assert (drift["verdict"], drift["without_profile"]) == ("none", [])
    assert drift["models"]["churn"]["reasons"] == []
    found = report(project)["models"]["churn"]
    assert {row["name"] for row in found["rows"]} == {"p_churn", *(one.name for one in world[2].features)}
    assert found["customers"] == (world[1]["rfm_days_since_order"] < 56).sum()
    assert max(row["psi"] for row in found["rows"]) < 0.1
    assert "nothing moved beyond its limit" in of_page(outcome)
    monkeypatch.setenv("CRM_ML_THREADS", "1")
    shuffled = world[1].sample(frac=1, random_state=1)
    second = score(world, monkeypatch, shuffled, work="shuffled", out="shuffled/lists")
    [one], [other] = ((project / name).glob("drift-*/drift.json") for name in ("data/scores", "shuffled"))
    assert one.read_bytes() == other.read_bytes()
    assert verify_list(second.folder)["drift"] == drift


def test_cents_for_the_major_unit_exit_with_5_and_the_last_list_stays_until_it_is_accepted(
    project, world, monkeypatch, caplog, capsys
):
    score(world, monkeypatch)
    before = contents(project / "data/lists")
    cents = world[1].assign(rfm_paid_cents_84d=world[1]["rfm_paid_cents_84d"] * 100)
    with pytest.raises(DriftLimit) as stopped:
        score(world, monkeypatch, cents, daily_cap=50, work="other")
    assert stopped.value.exit_code == 5
    told = str(stopped.value)
    assert "list test of 2024-06-01 is not published and the last one stays" in told
    assert "churn: rfm_paid_cents_84d: PSI " in told
    assert "times that of training" in told
    assert "drift.accept: [rfm_paid_cents_84d]" in told
    [path] = (project / "other").glob("drift-*/drift.json")
    assert str(path) in told
    assert json.loads(path.read_text())["verdict"] == "stop"
    assert contents(project / "data/lists") == before
    first = path.read_bytes()
    with pytest.raises(DriftLimit):
        score(world, monkeypatch, cents, daily_cap=50, work="other")
    assert path.read_bytes() == first
    with pytest.raises(DriftLimit) as mistaken:
        score(world, monkeypatch, cents, drift=DriftLimits(accept=("rfm_paid",)), work="other")
    assert "drift.accept: nothing of this day is called rfm_paid" in caplog.text
    assert proposed(mistaken).accept == ("rfm_paid", "rfm_paid_cents_84d")
    assert contents(project / "data/lists") == before
    outcome = score(world, monkeypatch, cents, drift=proposed(stopped), work="other")
    drift = verify_list(outcome.folder)["drift"]
    assert (drift["verdict"], drift["models"]["churn"]["reasons"]) == ("none", [])
    [reason] = drift["models"]["churn"]["accepted"]
    assert reason.startswith("rfm_paid_cents_84d: PSI")
    told = of_page(outcome)
    assert "nothing else moved beyond its limit, 1 moved and accepted by name" in told
    assert f"moved, accepted by name: {reason[:30]}" in told
    command.show(Console(width=200), outcome)
    shown = capsys.readouterr().out
    assert re.search(r"drift warnings +│ +0 ", shown)
    assert re.search(r"moved, accepted by name +│ +1 ", shown)
    assert f"accepted of churn: {reason}" in shown


def answering_source(profile, factor=1.0):
    """Answer probabilities, spread evenly up to a fifth of `factor`."""

    def answers(X):
        return factor * np.linspace(0, 0.2, len(X))

    return PropensitySource(name="propensity", sums="ef" * 32, predict=answers, kinds=("b",), profile=profile)


@pytest.fixture(scope="module")
def answering(world):
    """Profile of a model of answers to actions of one kind."""
    said = pd.DataFrame({"p_response": np.linspace(0, 0.2, 400)})
    day = [ProfiledDay(0, world[1][["rfm_orders_84d"]])]
    return Profile(
        profile_columns(day, 28), profile_columns([ProfiledDay(0, said)], 28, "b"), {"2024-04-01": 400}
    )


def asking(name, **fields):
    answer = {"kind": "b", "days": 28, "by": "category", "names": ("b",)}
    channels = tuple({"channel": name, "cost_cents": 1} for name in ("mail", "push", "sms"))
    given = {"score": "p_response", "answer": answer, "channels": channels, "cost_cents": None} | fields
    return action(name, **{key: value for key, value in given.items() if value is not None})


def test_a_day_without_an_action_that_asks_leaves_the_model_of_answers_out(
    project, world, answering, monkeypatch
):
    over = asking("tasting", valid_until=AS_OF - timedelta(days=1))
    keep = action("keep", score="p_churn")
    outcome = score(world, monkeypatch, actions=[over, keep], answers=answering_source(answering))
    drift = verify_list(outcome.folder)["drift"]
    assert (drift["verdict"], list(drift["models"]), drift["without_profile"]) == ("none", ["churn"], [])
    asked = score(
        world,
        monkeypatch,
        actions=[asking("tasting"), keep],
        answers=answering_source(answering),
        out="asked",
    )
    assert list(verify_list(asked.folder)["drift"]["models"]) == ["churn", "propensity"]
    published, silent, unreadable = published_tables(project / "asked/test", project / "data/scores")
    assert [(table.family, table.action, table.lists) for table in published] == [
        ("churn", "", [asked.folder]),
        ("propensity", "tasting", [asked.folder]),
    ]
    assert (silent, unreadable, {table.manifest()["stage"] for table in published}) == (
        [],
        [],
        {"churn", "propensity-tasting"},
    )
    assert len(list((project / "data/scores").glob("drift-*/drift.json"))) == 2


@pytest.mark.usefixtures("project")
def test_an_action_on_three_channels_is_one_column_and_what_the_refusal_proposes_is_taken(
    world, answering, monkeypatch
):
    moved = {"actions": [asking("tasting")], "answers": answering_source(answering, 5.0)}
    once = score(world, monkeypatch, **moved)
    found = verify_list(once.folder)["drift"]["models"]["propensity"]
    assert found["verdict"] == "warn"
    [row] = [one for one in found["rows"] if one["name"].startswith("p_response")]
    assert (row["name"], row["beyond"]) == ("p_response of tasting", True)
    few = {"work": "few", "out": "few/lists", "X": world[1][:30]}
    with pytest.raises(DriftLimit) as stopped:
        score(world, monkeypatch, drift=DriftLimits(columns_to_stop=1), **moved, **few)
    accepted = proposed(stopped)
    assert set(accepted.accept) >= {"p_response of tasting", "volume"}
    done = score(
        world, monkeypatch, drift=DriftLimits(columns_to_stop=1, accept=accepted.accept), **moved, **few
    )
    told = verify_list(done.folder)["drift"]["models"]["propensity"]["accepted"]
    assert any(reason.startswith("p_response of tasting: PSI") for reason in told)


@pytest.mark.usefixtures("project")
def test_a_report_that_can_not_be_written_is_no_traceback_and_two_jobs_do_not_collide(world, monkeypatch):
    usual = Path.replace

    def beside(self, target):
        monkeypatch.setattr(Path, "replace", usual)
        score(world, monkeypatch, daily_cap=60)  # another job for the same list, at the worst moment
        return usual(self, target)

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", beside)
    with pytest.raises(AlreadyPublished):
        score(world, monkeypatch, daily_cap=60)
    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(InputError, match=r"drift\.json: can't be written .*No space left.*; nothing"):
        score(world, monkeypatch, daily_cap=70)


def renamed(X):
    return X.assign(lifecycle_stage=X["lifecycle_stage"].replace("active", "aktiv"))


@pytest.mark.parametrize(
    ("plant", "words"),
    [
        (lambda X: X.assign(rfm_orders_84d=X["rfm_orders_84d"] + X["rfm_orders_84d"].std()),
         "rfm_orders_84d: PSI"),
        (renamed, "rows have one of 2 levels unseen or rare in training"),
        (lambda X: X[np.arange(len(X)) % 5 < 2], "volume: "),
    ],
    ids=["one standard deviation", "a category renamed", "more than half of the customers gone"],
)  # fmt: skip
def test_what_moved_is_published_with_a_warning_on_every_place(
    project, world, monkeypatch, caplog, capsys, plant, words
):
    outcome = score(world, monkeypatch, plant(world[1]))
    drift = verify_list(outcome.folder)["drift"]
    assert drift["verdict"] == "warn"
    told = " ".join(drift["models"]["churn"]["reasons"])
    assert words in told
    assert "aktiv" not in told
    assert f"drift of churn: {drift['models']['churn']['reasons'][0]}" in caplog.text
    assert f"<li>{drift['models']['churn']['reasons'][0][:30]}" in of_page(outcome)
    assert report(project)["verdict"] == "warn"
    command.show(Console(width=200), outcome)
    shown = capsys.readouterr().out
    assert "drift warnings" in shown
    assert f"drift of churn: {drift['models']['churn']['reasons'][0]}" in shown


@pytest.mark.usefixtures("project")
def test_a_base_rate_four_times_as_high_stops_before_the_scores_are_used(world, monkeypatch):
    def low(X):
        return score_world.predict(X) / 4

    profile = world[2]
    rate = {"p_churn": {"2024-04-01": profile.rates["p_churn"]["2024-04-01"] / 4}}
    active = world[1][world[1]["rfm_days_since_order"] < 56]
    said = profile_columns([ProfiledDay(0, pd.DataFrame({"p_churn": low(active)}))], 28)
    quarter = Profile(profile.features, said, profile.customers, rate, ("p_churn",))
    calm = score(world, monkeypatch, churn={"profile": quarter, "predict": low, "sums": "cd" * 32})
    assert verify_list(calm.folder)["drift"]["verdict"] == "none"
    with pytest.raises(DriftLimit, match=r"p_churn: PSI .*; mean 0\.\d+, base rate in training 0\.\d+"):
        score(
            world, monkeypatch, churn={"profile": quarter, "predict": lambda X: np.minimum(4.5 * low(X), 1)}
        )


def test_a_model_without_a_profile_is_a_warning(project, world, monkeypatch, caplog):
    outcome = score(world, monkeypatch, churn={"profile": None})
    manifest = verify_list(outcome.folder)
    assert manifest["drift"] == {"verdict": "none", "models": {}, "without_profile": ["churn"]}
    assert "churn has no profile, so nobody knows whether its data have moved" in caplog.text
    assert "have no profile" in of_page(outcome)
    assert report(project)["without_profile"] == ["churn"]
