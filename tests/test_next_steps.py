"""Next commands: each parses, those for configs are true, and a refused day says where it comes from."""

import re
import shlex
import shutil
from datetime import date
from types import SimpleNamespace

import pytest
import yaml
from parsed_commands import code_of, parse_alone

from crm_ml import next_steps, tracking
from crm_ml.config import load, load_run
from crm_ml.config.day_places import naming_days, places_of
from crm_ml.errors import ConfigError, InputError, LeakError
from crm_ml.score.__main__ import main as score
from crm_ml.score.evaluate import main as evaluate
from crm_ml.score.export import main as export
from crm_ml.score.new_list import write_list
from crm_ml.score.new_list.write_list import commented
from crm_ml.score.realised import main as realised
from crm_ml.score.settings import ScoreSettings, settings_of
from crm_ml.tables.__main__ import main as tables
from crm_ml.train import next_step
from crm_ml.train.__main__ import main as train
from crm_ml.train.promote.__main__ import main as promote

MAINS = {
    "crm_ml.train": train, "crm_ml.score": score, "crm_ml.score.evaluate": evaluate,
    "crm_ml.score.export": export, "crm_ml.score.realised": realised,
    "crm_ml.tables": tables, "crm_ml.train.promote": promote,
}  # fmt: skip
FAMILIES = ("churn", "clv", "recommend", "uplift")
COSTLY = {"calibrated": "ECE 0.1; limit 0.03"}
SMALL = ["--data", "simulated", "--set", "data.options.customers=400", "--name", "mine"]


@pytest.fixture(scope="module")
def worlds(tmp_path_factory):
    return tmp_path_factory.mktemp("data")


@pytest.fixture
def quiet(monkeypatch):
    """Commands that read their arguments and do nothing."""
    parse_alone(monkeypatch)


@pytest.fixture
def project(tmp_path, monkeypatch, worlds):
    """An empty project."""
    (tmp_path / "configs").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CRM_ML_DATA", str(worlds))
    return tmp_path


def aliases(monkeypatch, **of_models):
    monkeypatch.setattr(tracking, "aliases_of", lambda name: dict.fromkeys(of_models.get(name, ()), "1"))


def told(text):
    return re.findall(r"python -m (?:[^\s]+)(?: (?:'[^']*'|[^\s;,()]+))*", text)


@pytest.mark.usefixtures("quiet")
@pytest.mark.parametrize("text", [
    next_steps.train("churn/mine"),
    next_steps.new_run("churn", "configs/data/my shop.yaml"),
    next_steps.new_list("configs/data/mine.yaml", "other"),
    *next_steps.after_champion("churn_mine", "mine.yaml", {"score/mine": ["clv/mine"]}),
    *next_steps.after_champion("churn_mine", "mine.yaml", {}),
    *next_steps.after_challenger("churn", "churn_mine", "3", COSTLY, "2", "score/mine"),
    next_steps.without_model("churn", "churn_mine", ["challenger"], []),
    next_steps.without_model("churn", "churn_mine", [], []),
    next_steps.without_list("score/mine", ["score/default"]),
    *next_steps.after_evaluation("score/mine"),
    *next_steps.after_realised(["churn/mine"], "score/mine"),
    *next_steps.after_realised([], "score/mine"),
])  # fmt: skip
def test_every_command_is_one_that_its_parser_takes(text):
    for line in told(text):
        _, _, module, *words = shlex.split(line)
        assert code_of(MAINS[module], words) == 0


@pytest.mark.usefixtures("quiet", "capsys")
def test_what_follows_a_list_parses_too(tmp_path):
    export_line, evaluate_line = next_steps.after_list(tmp_path / "2024 list", "score/mine", 14)
    assert code_of(evaluate, shlex.split(told(evaluate_line)[0])[3:]) == 0
    assert code_of(export, shlex.split(told(export_line)[0])[3:]) == 0


def test_a_new_run_is_written_with_reasons_and_its_next_command_is_true(project, capsys):
    assert train(["--new", "churn", *SMALL, "--set", "horizon_days=21"]) == 0
    printed = capsys.readouterr().out
    text = (project / "configs/churn/mine.yaml").read_text()
    assert "# - measured before" in text
    assert text.count("#") > 5
    name = shlex.split(told(printed)[-1])[-1]
    run = load_run(name)
    assert (name, run.target.horizon_days, run.register_as.name) == ("churn/mine", 21, "churn_mine")
    assert run.data.options == {"customers": 400}
    assert train(["--new", "churn", *SMALL]) == 2
    assert "is there already; --force" in capsys.readouterr().err
    assert train(["--new", "churn", *SMALL, "--force"]) == 0
    assert load_run("churn/mine").target.horizon_days != 21


@pytest.mark.parametrize(
    "arguments", [["--new", "churn"], ["--data", "x.yaml"], ["--new", "churn", "churn/a", *SMALL]]
)
def test_new_and_its_companions_need_each_other(arguments, capsys):
    with pytest.raises(SystemExit):
        train(arguments)
    assert "--new" in capsys.readouterr().err


@pytest.mark.usefixtures("project")
def test_an_unknown_family_is_named(capsys):
    assert train(["--new", "tags", *SMALL]) == 2
    assert "there are churn, clv, propensity, recommend, uplift" in capsys.readouterr().err


@pytest.fixture(scope="module")
def written(tmp_path_factory, worlds):
    """Configs of four families of one small shop."""
    folder = tmp_path_factory.mktemp("written")
    (folder / "configs").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("CRM_ML_DATA", str(worlds))
        for family in FAMILIES:
            assert train(["--new", family, *SMALL]) == 0
    return folder


@pytest.fixture
def runs(project, written):
    shutil.copytree(written / "configs", project / "configs", dirs_exist_ok=True)
    return project


def test_a_first_list_fits_the_champions(runs, monkeypatch, capsys):
    every = {f"{family}_mine": ("champion",) for family in ("churn", "clv", "recommend", "uplift")}
    aliases(monkeypatch, **every)
    assert score(["--new", "--data", "simulated", "--name", "mine"]) == 0
    assert told(capsys.readouterr().out)[-1] == "python -m crm_ml.score score/mine"
    settings = settings_of("score/mine")
    assert settings.models == {
        family: f"{family}_mine@champion" for family in ("churn", "clv", "recommend", "uplift")
    }
    assert (settings.consent, settings.as_of) == ("table", load_run("churn/mine").register_as.as_of)
    text = (runs / settings.actions).read_text()
    assert {"win_back", "items_for_you", "arm_coupon", "arm_reminder"} == {
        action["action_id"] for action in yaml.safe_load(text)["actions"]
    }
    assert re.search(r"cost_cents: \d+  # \d+\.\d\d USD", text)
    assert "assum" in text


@pytest.mark.usefixtures("runs")
def test_without_champions_the_error_names_the_commands(monkeypatch):
    aliases(monkeypatch, churn_mine=("challenger",))
    with pytest.raises(InputError) as refused:
        write_list("simulated", "mine")
    text = str(refused.value)
    assert (
        "python -m crm_ml.train.promote churn_mine, or add --set models.churn=churn_mine@challenger" in text
    )
    assert "clv/mine is not trained: python -m crm_ml.train clv/mine" in text
    new = write_list("simulated", "mine", ["models.churn=churn_mine@challenger", "daily_cap=7"])
    content = load(new.settings, ScoreSettings)
    assert (content.models, content.daily_cap) == ({"churn": "churn_mine@challenger"}, 7)
    with pytest.raises(ConfigError, match="is there already"):
        write_list("simulated", "mine", ["models.churn=churn_mine@challenger"])
    with pytest.raises(InputError, match=r"first: python -m crm_ml.train --new churn --data other.yaml"):
        write_list("other.yaml")


def finished(role, gates=(), champion=None):
    return SimpleNamespace(
        name="churn/mine", version="3", decision=SimpleNamespace(role=role, champion=champion),
        outcome=SimpleNamespace(candidate=SimpleNamespace(name="churn_mine"), gates=gates),
    )  # fmt: skip


@pytest.mark.usefixtures("runs")
def test_a_run_ends_with_what_its_state_needs(monkeypatch):
    monkeypatch.setattr(tracking, "connect", lambda: None)
    monkeypatch.setattr(next_step, "number_of", lambda _, name, __: None if name == "clv_mine" else "1")
    named = "python -m crm_ml.score --new --data simulated --name mine"
    assert told(next_step.next_lines(finished("champion"))[0])[0] == named
    aliases(monkeypatch, churn_mine=("champion",), clv_mine=("champion",))
    write_list("simulated", "mine")
    lines = [told(line)[0] for line in next_step.next_lines(finished("champion"))]
    assert lines == ["python -m crm_ml.train clv/mine", "python -m crm_ml.score score/mine"]
    gate = SimpleNamespace(name="calibrated", passed=False, reason="ECE 0.0788; limit 0.03")
    text = "\n".join(next_step.next_lines(finished("challenger", [gate], "2")))
    assert "failed: calibrated: ECE 0.0788; limit 0.03" in text
    assert "would mend it: a shorter horizon" in text
    assert "version 2 stays champion" in text
    assert "python -m crm_ml.train.promote churn_mine --version 3" in text
    assert "python -m crm_ml.score score/mine --set models.churn=churn_mine@challenger" in text


def test_a_refused_day_says_where_it_comes_from():
    content = {"as_of": date(2017, 12, 27), "split": {"test": [date(1997, 10, 1)]}}
    places = places_of(content, "configs/x.yaml", ["split.test=[1997-10-01]"])
    named = r"^2017-12-27 is late \(2017-12-27 is as_of of configs/x.yaml\)$"
    with pytest.raises(LeakError, match=named), naming_days(places):
        raise LeakError("2017-12-27 is late")
    with pytest.raises(InputError, match="--set or --as-of gave it"), naming_days(places):
        raise InputError("1997-10-01 is early")


def test_amounts_of_a_first_catalogue_are_told_in_major_units_and_texts_stay_as_they_are():
    text = "Of a hundred about to leave five are assumed to stay; cost_cents: 7 of it"
    action = {"cost_cents": 36, "assumption": text, "retention": {"share": 0.3, "at_most_cents": 53820}}
    written = commented({"currency": "CNY", "actions": [action]}, "CNY")
    assert yaml.safe_load(written)["actions"] == [action]
    assert "cost_cents: 36  # 0.36 CNY\n" in written
    assert "at_most_cents: 53820  # 538.20 CNY\n" in written
