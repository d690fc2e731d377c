"""The list of 1 December: its models know nothing later, and the data reach beyond what it predicts."""

from datetime import date, timedelta

from crm_ml.config import load_run
from crm_ml.score.settings import settings_of

DATA_END = date(2018, 1, 1)


def test_models_of_the_list_of_december_end_before_it_and_can_be_judged_by_the_embedded_data():
    listed = settings_of("score/december", [])
    churn, clv = load_run("churn/december"), load_run("clv/december")
    assert listed.models == {run.family: f"{run.register_as.name}@champion" for run in (churn, clv)}
    for run in (churn, clv):
        assert run.data.ends_at == run.register_as.as_of <= listed.day
    assert churn.split.test[-1] + timedelta(days=churn.target.horizon_days) <= churn.register_as.as_of
    assert clv.split.test + timedelta(days=clv.target.horizon_days) <= clv.register_as.as_of
    assert listed.day + timedelta(days=churn.target.horizon_days) <= DATA_END
    assert listed.day + timedelta(days=31 * clv.worth.months) <= DATA_END
