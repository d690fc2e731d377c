"""A project of one's own: what is laid out, that it can be used, and that nothing is written over."""

import json
import os
import subprocess

import pytest
import yaml

from crm_ml.config import load_run
from crm_ml.init.__main__ import main as init
from crm_ml.init.project_files import CONFIGS, LISTS
from crm_ml.score.__main__ import main as score
from crm_ml.score.settings import settings_of
from crm_ml.train.__main__ import main as train


def test_a_project_has_the_configs_that_training_and_scoring_take_without_a_name(project, capsys):
    assert init(["."]) == 0
    told = capsys.readouterr().out
    assert "\nnext: python -m crm_ml.tables --guess FILE" in told and "cd " not in told
    runs = yaml.safe_load((project / "configs/default.yaml").read_text("utf-8"))["runs"]
    families = {load_run(run).family for run in runs}
    for name in LISTS:
        settings = settings_of(name)
        assert (project / settings.actions).is_file()
        assert set(settings.models) <= families
    assert (project / "configs/data/own_tables.yaml").is_file()
    assert not (project / "configs/uplift/hillstrom.yaml").exists()
    for path in (project / "configs").rglob("*.yaml"):
        assert path.read_bytes() == (CONFIGS / path.relative_to(project / "configs")).read_bytes()
    notebook = json.loads((project / "notebooks/first_look.ipynb").read_text("utf-8"))
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            compile("".join(cell["source"]), "first_look", "exec")


def test_all_lays_out_every_config_of_the_package(tmp_path):
    assert init([str(tmp_path / "shop"), "--all"]) == 0
    there = {path.relative_to(tmp_path / "shop/configs") for path in (tmp_path / "shop").rglob("*.yaml")}
    assert there == {path.relative_to(CONFIGS) for path in CONFIGS.glob("**/*.yaml")}


def test_make_run_trains_and_scores_as_messages_say(project):
    assert init(["."]) == 0
    for target, begins in (("run", ["crm-ml train", "crm-ml score"]), ("help", ["make help", "make run"])):
        make = ["make", *(["--dry-run"] if target == "run" else []), target]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
        lines = subprocess.run(
            make, cwd=project, env=environment, capture_output=True, text=True, check=True
        ).stdout.splitlines()  # inside `make test` a make would announce its folder first
        assert [line.strip()[: len(begin)] for line, begin in zip(lines, begins, strict=False)] == begins


@pytest.mark.parametrize("main", [train, score])
@pytest.mark.parametrize("name", [[], ["churn/mine"]])
def test_a_command_outside_of_a_project_says_how_to_get_into_one(main, name, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(name) == 2
    assert capsys.readouterr().err == (
        "error: there is no project here (no folder configs/ at or above the working folder): cd into one, "
        "or crm-ml init DIR\n"
    )


@pytest.mark.parametrize("there", ["Makefile", "configs/churn/lightgbm.yaml", ".gitignore"])
def test_what_is_there_is_named_and_nothing_is_written(there, tmp_path, capsys):
    file = tmp_path / there
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("mine", encoding="utf-8")
    assert init([str(tmp_path)]) == 2
    assert f"there are already {there}; move them away" in capsys.readouterr().err
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [file]
    assert file.read_text("utf-8") == "mine"


def test_a_folder_that_is_a_file_is_refused(tmp_path, capsys):
    (tmp_path / "shop").write_text("mine", encoding="utf-8")
    assert init([str(tmp_path / "shop")]) == 2
    assert "can't be written" in capsys.readouterr().err
