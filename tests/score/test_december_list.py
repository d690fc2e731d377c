"""The list of 1 December by models that knew nothing later, and whether its scores came true."""

import pytest
from small_data import few_households
from stores import PROJECT
from third_party import third_party

from crm_ml.lists import read_list
from crm_ml.score.__main__ import main as score
from crm_ml.score.realised import main as realised
from crm_ml.train.__main__ import main as train

SMALL = {
    "churn/december": ["split.test=[2017-10-04, 2017-11-01]", "split.training_snapshots=8", "replicates=100",
                       "features={rfm: {}, cadence: {}, campaign: {}}", "leave_out=[rfm_*_365d]"],
    "clv/december": ["replicates=100", "interval_replicates=20", "candidates=[{purchases: beta_geo}]"],
}  # fmt: skip


@pytest.mark.rota("from files to a list", 2)
@pytest.mark.slow
def test_scores_of_a_list_four_weeks_before_the_end_are_judged(tmp_path, new_runs, monkeypatch, capsys):
    assert new_runs.is_dir()
    monkeypatch.chdir(PROJECT)
    monkeypatch.setenv("CRM_ML_DATA", str(tmp_path / "data"))
    data = ["--set", f"data.path={few_households(tmp_path / 'households', 200)}"]
    with third_party():
        for name, settings in SMALL.items():
            assert train([name, *data, *(part for each in settings for part in ("--set", each))]) == 0
        assert score(["score/december", *data]) == 0
        assert len(read_list(tmp_path / "data" / "lists" / "december")) > 0
        capsys.readouterr()
        assert realised(["score/december", "--as-of", "2018-01-01", *data]) == 0
    text = capsys.readouterr().out
    assert "2 logged now" in text
    for model in ("churn_december", "clv_december"):
        assert f"{model} 2017-12-01:" in text
