"""Registered models of other versions: loading one says which version made it, and what trains it again."""

import json

import pytest
from third_party import third_party

from crm_ml import __version__, tracking
from crm_ml.errors import InputError, IntegrityError
from crm_ml.models import create, model_folder
from crm_ml.storage.manifest import new_folder
from crm_ml.tracking import loader_check


@pytest.fixture
def runs(tmp_path, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setenv("CRM_ML_RUNS", str(tmp_path / "runs"))
    with third_party():
        yield tmp_path


def _registered(folder, loader):
    with tracking.start("churn", "churn/lightgbm") as run:
        return run.register(folder, "churn", loader, {"a": "double"}, {"p_churn": "double"})


@pytest.mark.parametrize(
    ("details", "version"), [({"crm_ml_version": "0.4.2"}, r"0\.4\.2"), ({}, __version__.replace(".", r"\."))]
)
def test_a_loader_that_is_gone_is_named_with_its_version_and_the_command(runs, details, version):
    with new_folder(runs / "model", family="churn", **details) as part:
        (part / "model.json").write_text("{}")
    made = _registered(runs / "model", "crm_ml.churn.artefact")
    tracking.connect().set_registered_model_alias("churn", "champion", made.version)
    words = (
        rf"model churn version 1 was made by crm_ml {version} and is loaded by crm_ml\.churn\.artefact, "
        r"which crm_ml .* does not have; train it again: python -m crm_ml\.train churn/lightgbm$"
    )
    with pytest.raises(InputError, match=words):
        tracking.champion("churn")


def test_a_package_of_a_loader_that_is_gone_is_no_other_error(runs):
    with new_folder(runs / "model", family="returns") as part:
        (part / "model.json").write_text("{}")
    _registered(runs / "model", "no_such_company.returns_pyfunc")
    with pytest.raises(InputError, match=r"is loaded by no_such_company\.returns_pyfunc"):
        tracking.registered("churn", "1")


def test_a_model_of_today_says_its_version_and_is_loaded(runs, shop_rows):
    X, y = shop_rows
    model_folder.save(create("recency_rule").fit(X, y), runs / "model", "churn", labels_end="2024-01-01")
    _registered(runs / "model", "crm_ml.churn.churn_pyfunc")
    version = tracking.registered("churn", "1")
    assert version.details["crm_ml_version"] == __version__
    assert json.loads((version.folder / "model.json").read_text())["format"] == 2
    assert model_folder.load(version.folder).column == "rfm_days_since_order"


@pytest.fixture
def shop_rows():
    import numpy as np
    import pandas as pd

    days = np.arange(200.0)
    return pd.DataFrame({"rfm_days_since_order": days}), (days % 7 > days / 40).astype(int)


@pytest.mark.parametrize(
    "text",
    ["x: *nothing\n", "flavors: [1]\n", "flavors: {}\n", "[" * 5_000, "- a\n", "x: !!binary a\n"],
)
def test_a_damaged_description_of_a_model_is_refused(tmp_path, text):
    (tmp_path / "MLmodel").write_text(text)
    with pytest.raises(IntegrityError, match="model churn version 1: MLmodel is damaged"):
        loader_check.check_loader("churn", "1", tmp_path)
