"""Settings of a scoring run: models by family, and what became of the keys that named them before."""

import re

import pytest
import yaml

from crm_ml.config import load
from crm_ml.errors import ConfigError
from crm_ml.score.settings import ScoreSettings
from crm_ml.storage.paths import project_root

MINIMUM = {"name": "test", "data": {"name": "shop"}, "actions": "none.yaml"}
NEW_NAMES = {
    "model": "churn", "value_model": "clv", "response_model": "propensity", "uplift_model": "uplift",
    "item_model": "recommend",
}  # fmt: skip


@pytest.fixture
def loaded(tmp_path):
    """Load settings with changes to a file that holds the minimum, and overrides of the command line."""

    def read(overrides=(), **changes):
        path = tmp_path / "test.yaml"
        path.write_text(yaml.safe_dump(MINIMUM | changes))
        return load(path, ScoreSettings, list(overrides))

    return read


def suggested(error):
    """Return the setting that an error names, as a file would hold it."""
    return yaml.safe_load(re.search(r"models: \{.*\}", str(error.value)).group())["models"]


@pytest.mark.parametrize("old", sorted(NEW_NAMES))
@pytest.mark.parametrize("by_command", [False, True])
def test_an_old_key_is_refused_with_the_setting_that_takes_its_place(loaded, old, by_command):
    with pytest.raises(ConfigError, match=f"{old}: models are named by their family now") as refused:
        loaded([f"{old}=shop@champion"]) if by_command else loaded(**{old: "shop@champion"})
    models = suggested(refused)
    assert models == {"churn": "churn@champion", NEW_NAMES[old]: "shop@champion"}
    assert loaded(models=models).models == models


def test_all_old_keys_are_told_at_once_beside_those_that_are_new_already(loaded):
    old = {"model": None, "value_model": "value@champion"}
    with pytest.raises(ConfigError, match="model, value_model: models are named") as refused:
        loaded(models={"uplift": "uplift@champion"}, **old)
    assert suggested(refused) == {"uplift": "uplift@champion", "churn": None, "clv": "value@champion"}


def test_models_are_given_by_family_and_one_by_one(loaded):
    assert loaded().models == {"churn": "churn@champion"}
    models = {"churn": "churn@champion", "clv": "clv@champion"}
    changed = loaded(["models.clv=null", "models.propensity=p@challenger"], models=models)
    assert changed.models == {"churn": "churn@champion", "clv": None, "propensity": "p@challenger"}


@pytest.mark.parametrize("model", ["churn", "churn@", "Churn@champion", "a/b@champion", 7])
def test_a_model_without_name_or_alias_is_refused(loaded, model):
    with pytest.raises(ConfigError, match=r"models\.churn"):
        loaded(models={"churn": model})


@pytest.mark.parametrize("path", sorted((project_root() / "configs/score").glob("*.yaml")), ids=str)
def test_every_committed_file_names_its_models_by_family(path):
    assert load(path, ScoreSettings).models


def test_models_decide_no_policy_and_limits_do(loaded):
    from score_world import usual_catalog

    policy = loaded().policy_hash(usual_catalog())
    assert loaded(models={}, out="elsewhere", work="other").policy_hash(usual_catalog()) == policy
    assert loaded(daily_cap=3).policy_hash(usual_catalog()) != policy
