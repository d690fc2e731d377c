"""Where files lie, from wherever a command or notebook starts."""

import pytest

from crm_ml import datasets
from crm_ml.errors import ConfigError
from crm_ml.storage.paths import data_folder, inside, project_root, runs_folder


@pytest.fixture
def project(tmp_path, monkeypatch):
    (tmp_path / "configs").mkdir()
    (tmp_path / "notebooks/deep").mkdir(parents=True)
    for name in ("CRM_ML_DATA", "CRM_ML_RUNS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("start", [".", "notebooks", "notebooks/deep"])
def test_the_project_is_found_from_any_folder_in_it(project, monkeypatch, start):
    monkeypatch.chdir(project / start)
    assert project_root() == project
    assert data_folder() == project / "data"
    assert runs_folder() == project / "runs"
    assert sorted(path.name for path in project.iterdir()) == ["configs", "notebooks"]


def test_the_nearest_project_is_meant(project, monkeypatch):
    (project / "notebooks/configs").mkdir()
    monkeypatch.chdir(project / "notebooks/deep")
    assert project_root() == project / "notebooks"


def test_a_file_called_configs_makes_no_project(project, monkeypatch):
    (project / "notebooks/configs").write_text("")
    monkeypatch.chdir(project / "notebooks")
    assert project_root() == project


def test_outside_of_a_project_it_is_the_working_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert project_root() == tmp_path


def test_the_environment_names_other_folders_and_an_empty_name_none(project, monkeypatch, tmp_path):
    monkeypatch.setenv("CRM_ML_DATA", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("CRM_ML_RUNS", "")
    assert data_folder() == tmp_path / "elsewhere"
    assert runs_folder() == project / "runs"


def test_a_notebook_keeps_cleaned_tables_in_the_data_folder_of_the_project(project, monkeypatch):
    monkeypatch.chdir(project / "notebooks")
    datasets.load("cdnow")
    assert len(list((project / "data/tables").glob("cdnow*"))) == 1
    assert not (project / "notebooks/data").exists()


@pytest.mark.parametrize("name", ["a.yaml", "churn/a.yaml", "churn/../a.yaml", "absent/deep/a.yaml"])
def test_names_inside(tmp_path, name):
    assert inside(tmp_path, name).is_relative_to(tmp_path)


@pytest.mark.parametrize("name", ["..", "../a.yaml", "a/../../a.yaml", "/etc/passwd", "link/a.yaml"])
def test_names_outside(tmp_path, name):
    root = tmp_path / "configs"
    root.mkdir()
    (root / "link").symlink_to(tmp_path)
    with pytest.raises(ConfigError, match="lies outside configs/; name a file inside it"):
        inside(root, name)


def test_a_folder_whose_name_only_begins_alike_is_outside(tmp_path):
    with pytest.raises(ConfigError):
        inside(tmp_path / "configs", "../configs_of_others/a.yaml")
