"""Uplift learners in a search of scikit-learn, scored by the Qini coefficient of one arm."""

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_val_score

from crm_ml.errors import InputError
from crm_ml.evaluation.uplift import qini
from crm_ml.uplift import QiniScorer, TLearner, create


@pytest.fixture(scope="module")
def trial():
    """Mail works on customers with a large x, a call on nobody; two rows a customer."""
    rng = np.random.default_rng(0)
    n = 3000
    index = pd.MultiIndex.from_product([[f"c{i}" for i in range(n // 2)], [0, 1]], names=["customer_id", "k"])
    X = pd.DataFrame({"x": rng.normal(size=n), "z": rng.normal(size=n)}, index=index)
    arm = pd.Series(rng.choice(["none", "mail", "call"], n), index)
    effect = 0.4 * ((arm == "mail") & (X["x"] > 0))
    return X, pd.Series((rng.random(n) < 0.2 + effect).astype(int), index), arm


def test_a_search_chooses_a_learner_by_qini_of_one_arm(trial):
    X, y, arm = trial
    search = GridSearchCV(
        create("t_learner", base="logistic", control="none"),
        {"outcome_options": [{"strength": 0.001}, {"strength": 0.1}]},
        scoring=QiniScorer(arm, arm="mail", control="none"),
        cv=GroupKFold(3),
    )
    search.fit(X, y, groups=X.index.get_level_values("customer_id"), treatment=arm)
    assert search.best_score_ == max(search.cv_results_["mean_test_score"]) > 0.2
    assert search.best_estimator_.arms_ == ("call", "mail")


def test_the_scorer_is_qini_on_the_rows_of_the_arm_and_the_control(trial):
    X, y, arm = trial
    learner = TLearner(base="logistic", control="none").fit(X, y, treatment=arm)
    rows = (arm != "call").to_numpy()
    wanted = qini(y[rows], learner.predict(X[rows], "mail"), arm[rows] == "mail")
    scorer = QiniScorer(arm[::-1], arm="mail", control="none")
    assert scorer(learner, X, y) == pytest.approx(wanted)
    assert scorer(learner, X, y.to_numpy()) == pytest.approx(wanted)
    assert scorer(learner, X, y[::-1]) == pytest.approx(wanted)  # by its index, as in a fit
    with pytest.raises(InputError, match="y: its index is not that of the features"):
        scorer(learner, X, y.reset_index(drop=True))
    with pytest.raises(InputError, match="its index lacks 3,000 of 3,000 rows or repeats labels"):
        scorer(learner, X.reset_index(drop=True), y)
    with pytest.raises(InputError, match="its index lacks 3,000"):
        scorer(learner, X.to_numpy(), y)


def test_the_treatment_goes_by_its_name(trial):
    X, y, arm = trial
    with pytest.raises(TypeError, match="positional argument"):
        create("t_learner").fit(X, arm, y)
    scores = cross_val_score(
        create("constant_effect", control="none"), X, y, params={"treatment": arm}, cv=2,
        scoring=QiniScorer(arm, "mail", "none"),
    )  # fmt: skip
    assert scores == pytest.approx(0, abs=0.05)
