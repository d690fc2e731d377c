"""An ordinary shop of 1,200 customers and two years ends with champions, by the gates as they are."""

import pytest
from rich.progress import Progress
from soak import sample

from crm_ml import datasets
from crm_ml.config.run import run_classes
from crm_ml.config.suggested import suggested
from crm_ml.tables.strict import validate
from crm_ml.train.experiment import execute


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    return datasets.load("simulated", tmp_path_factory.mktemp("shop"), customers=1200)


@pytest.mark.rota("from files to a list", 2)
@pytest.mark.parametrize("family", sample("families of an ordinary shop", ["churn", "clv"], 1))
def test_a_suggested_run_of_an_ordinary_shop_passes_its_gates(shop, family):
    content = {"data": {"name": "simulated"}, **suggested(family, shop).content}
    run = validate(content, run_classes()[family], family)
    outcome = execute(run, shop, Progress(disable=True))
    assert outcome.promoted, [gate for gate in outcome.gates if not gate.passed]
