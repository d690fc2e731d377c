"""One decision from the effects on several outcomes, and what it changes in each of them."""

import numpy as np
import pandas as pd
import pytest

from crm_ml.errors import InputError
from crm_ml.evaluation.decision_outcomes import TOTAL, decision_outcomes
from crm_ml.evaluation.policy_value import LoggedExperiment
from crm_ml.models import model_folder
from crm_ml.uplift import TLearner
from crm_ml.uplift.several_outcomes import SeveralOutcomes

WORTH = {"converted": 200.0, "margin_cents": 1.0}
N = 6_000


def trial(seed=0):
    """A coupon makes everybody convert more; those who buy anyway take it and lose margin."""
    rng = np.random.default_rng(seed)
    X = pd.DataFrame({"loyal": rng.random(N), "age": rng.random(N)})
    arm = np.where(rng.random(N) < 0.5, "coupon", "none")
    treated = arm == "coupon"
    converted = rng.random(N) < 0.1 + 0.5 * X["loyal"] + 0.1 * treated
    margin = converted * (300 - 250 * treated * X["loyal"]) + rng.normal(0, 20, N)
    return X, arm, pd.DataFrame({"converted": converted.astype(float), "margin_cents": margin})


def truth(X):
    before, after = 0.1 + 0.5 * X["loyal"], 0.2 + 0.5 * X["loyal"]
    margin = after * (300 - 250 * X["loyal"]) - before * 300
    return 200 * 0.1 + margin


@pytest.fixture(scope="module")
def model():
    X, arm, outcomes = trial()
    learner = TLearner(control="none", base="plain")
    return SeveralOutcomes(learner=learner, worth=WORTH).fit(
        X, outcomes, treatment=arm, treatment_probability={"none": 0.5, "coupon": 0.5}
    )


def experiments(arm, outcomes):
    code = (arm == "coupon").astype(int)
    flat = {"arm": code, "probability": np.full((N, 2), 0.5), "outcome": np.zeros((N, 2))}
    return {name: LoggedExperiment(**flat, y=outcomes[name], cost=[0.0, 0.0]) for name in WORTH}


def test_the_decision_follows_the_sum_not_one_outcome(model):
    X, _, _ = trial(1)
    effects = model.predict(X)
    assert list(effects) == list(WORTH)
    assert (effects["converted"] > 0).mean() > 0.95  # by conversion alone, everybody gets it
    chosen = model.decide(X)
    assert set(chosen) == {"coupon", "none"}
    assert ((chosen == "coupon") == (truth(X) > 0)).mean() > 0.9
    values = model.values(X)
    assert np.corrcoef(values["coupon"], truth(X))[0, 1] > 0.95
    np.testing.assert_allclose(model.values(X, cost=10)["coupon"], values["coupon"] - 10)
    np.testing.assert_allclose(model.values(X, cost={"coupon": 4})["coupon"], values["coupon"] - 4)
    assert (model.decide(X, cost=10_000) == "none").all()


def test_what_a_decision_changes_in_each_outcome_is_the_truth_within_its_interval(model):
    X, arm, outcomes = trial(1)
    chosen = (model.decide(X) == "coupon").to_numpy()
    table = decision_outcomes(
        experiments(arm, outcomes), chosen.astype(int), np.zeros(N, int), WORTH, cost=[0, 5]
    )
    table = table.set_index("outcome")
    assert list(table.index) == [*WORTH, TOTAL]
    net = (truth(X) - 5)[chosen].sum() / N
    assert table.loc[TOTAL, "low"] < net < table.loc[TOTAL, "high"]
    assert table.loc[TOTAL, "verdict"] == "more"
    assert table.loc["converted", "verdict"] == "more"
    parts = table["difference"]
    gained = sum(parts[name] * worth for name, worth in WORTH.items())
    assert parts[TOTAL] == pytest.approx(gained - 5 * chosen.mean())
    everybody = decision_outcomes(
        experiments(arm, outcomes), np.ones(N, int), np.zeros(N, int), WORTH, cost=[0, 60]
    )
    assert everybody["verdict"].tolist() == ["more", "less", "less"]
    nobody = decision_outcomes(experiments(arm, outcomes), np.zeros(N, int), np.zeros(N, int), WORTH)
    assert nobody["verdict"].tolist() == ["not known"] * 3


def test_what_is_saved_is_loaded(model, tmp_path):
    X, _, _ = trial(2)
    model_folder.save(model, tmp_path / "one", "uplift")
    loaded = model_folder.load(tmp_path / "one")
    pd.testing.assert_frame_equal(loaded.values(X), model.values(X), check_exact=True)
    assert dict(loaded.worth) == WORTH


def test_outcomes_that_do_not_fit_are_named(model):
    X, arm, outcomes = trial()
    learner = TLearner(control="none", base="plain")
    with pytest.raises(InputError, match="no column returned; there are converted, margin_cents"):
        SeveralOutcomes(learner=learner, worth=WORTH | {"returned": -1}).fit(X, outcomes, treatment=arm)
    with pytest.raises(InputError, match=r"outcome margin_cents: .* NaN or infinite in 6,000 of 6,000 rows"):
        broken = outcomes.assign(margin_cents=np.nan)
        SeveralOutcomes(learner=learner, worth=WORTH).fit(X, broken, treatment=arm)
    with pytest.raises(InputError, match="wrong: margin cents"):
        SeveralOutcomes(learner=learner, worth={"margin cents": 1})
    with pytest.raises(InputError, match="not fitted; call fit first"):
        SeveralOutcomes(learner=learner, worth=WORTH).predict(X)
    with pytest.raises(InputError, match="cost: none for coupon"):
        model.values(X, cost={"mail": 3})
    logged = experiments(arm, outcomes)
    with pytest.raises(InputError, match="only in one of them: margin_cents"):
        decision_outcomes(logged, np.ones(N, int), np.zeros(N, int), {"converted": 1})
    moved = logged | {"margin_cents": experiments(arm[::-1], outcomes)["margin_cents"]}
    with pytest.raises(InputError, match="margin_cents have other rows"):
        decision_outcomes(moved, np.ones(N, int), np.zeros(N, int), WORTH)
