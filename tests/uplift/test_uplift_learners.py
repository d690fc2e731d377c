"""Checks that every learner of uplift must pass; learners are found, not listed."""

import filecmp
import json

import numpy as np
import pandas as pd
import pytest
import scripts

from crm_ml.errors import ConfigError, InputError, IntegrityError, LeakError
from crm_ml.evaluation.uplift import pehe
from crm_ml.models import model_folder
from crm_ml.models.estimator import as_table
from crm_ml.uplift import uplift_pyfunc
from crm_ml.uplift.learners import LEARNERS, create
from crm_ml.uplift.randomised_trial import check_experiment

BASES = ("boosting", "logistic")
SMALL = {
    "num_threads": 1,
    "outcome_options": {"rounds": 60, "min_data_in_leaf": 50, "lambda_l2": 5.0},
    "effect_options": {"rounds": 60, "min_data_in_leaf": 100, "lambda_l2": 5.0},
}
FEW = {part: SMALL[part] | {"rounds": 10} for part in ("outcome_options", "effect_options")}
FOREST = {"bags": 20, "min_data_in_leaf": 20}  # no boosted trees; few rows in a leaf serve the intervals
EFFECTS = sorted(set(LEARNERS) - {"response_model"})
every_learner = pytest.mark.parametrize("name", sorted(LEARNERS))
every_base = pytest.mark.parametrize("base", BASES)
NO_ORDER = {("constant_effect", "boosting"), ("constant_effect", "logistic"), ("s_learner", "logistic")}


def _learner(name, base="boosting", **options):
    options = {**(SMALL if base == "boosting" else {}), **options}
    if name == "effect_forest":
        options["effect_options"] = FOREST
    return create(name, base=base, **options)


def trial(n=4000, seed=0):
    """Three arms: mail helps those of high a, push those in Ulm; features have text and gaps."""
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(
        {
            "rfm_a": rng.random(n),
            "rfm_b": np.where(rng.random(n) < 0.1, np.nan, rng.random(n)),
            "attribute_town": rng.choice(["Ulm", "Köln", None], n),
        },
        index=pd.MultiIndex.from_arrays(
            [np.full(n, "t"), [f"c{i // 2}" for i in range(n)]], names=["trial", "customer_id"]
        ),
    )
    arm = rng.choice(["none", "mail", "push"], n, p=[0.5, 0.25, 0.25])
    effects = pd.DataFrame(
        {"mail": 0.5 * X["rfm_a"], "push": np.where(X["attribute_town"] == "Ulm", 0.4, 0.0)}, index=X.index
    )
    lift = np.select([arm == "mail", arm == "push"], [effects["mail"], effects["push"]], 0.0)
    y = (rng.random(n) < 0.1 + 0.3 * X["rfm_b"].fillna(0.5) + lift).astype(float)
    return X, arm, y.to_numpy(), effects


KNOWN = {"none": 0.5, "mail": 0.25, "push": 0.25}


@pytest.fixture(scope="module")
def data():
    return trial()


@pytest.mark.parametrize("declared", [True, False])
def test_learners_of_the_same_rows_share_models_of_the_outcome_and_learn_the_same(declared, data):
    X, arm, y, _ = data
    p = KNOWN if declared else None
    few = {"control": "none", "num_threads": 1, **FEW}
    names = ("t_learner", "x_learner", "dr_learner", "response_model")
    experiment = check_experiment(X, arm, y, "none", p)
    together = {name: create(name, **few).learn(experiment) for name in names}
    own = 0 if declared else 3  # an X learner weighs rows by estimated probabilities
    assert len(experiment.outcome_models) == 3 + own  # one an arm
    for name, learner in together.items():
        alone = create(name, **few).fit(X, y, treatment=arm, treatment_probability=p)
        pd.testing.assert_frame_equal(learner.predict(X), alone.predict(X), check_exact=True)
    other = create("t_learner", **few | {"outcome_options": {"rounds": 5}}).learn(experiment)
    assert len(experiment.outcome_models) == 6 + own
    assert not other.predict(X).equals(together["t_learner"].predict(X))


def test_the_learners_are_found():
    assert {"s_learner", "t_learner", "x_learner", "r_learner", "dr_learner"} <= set(LEARNERS)
    assert "learner" not in LEARNERS


@every_base
@pytest.mark.parametrize("name", EFFECTS)
@pytest.mark.parametrize("declared", [True, False])
def test_effects_of_every_arm_come_back(name, base, declared, data):
    X, arm, y, effects = data
    found = (
        _learner(name, base, control="none")
        .fit(X, y, treatment=arm, treatment_probability=KNOWN if declared else None)
        .predict(X)
    )
    assert list(found.columns) == ["mail", "push"]
    for one in ("mail", "push"):
        assert found[one].mean() == pytest.approx(effects[one].mean(), abs=0.07)  # an S learner shrinks
        if (name, base) not in NO_ORDER:
            assert found[one].corr(effects[one]) > 0.5
            constant = pehe(effects[one], np.full(len(X), effects[one].mean()))
            assert pehe(effects[one], found[one]) < constant


@every_base
@every_learner
def test_what_is_saved_is_loaded_and_has_the_same_bytes_again(name, base, data, tmp_path):
    X, arm, y, _ = data
    half, rest = slice(0, 1200), slice(1200, 2400)
    few = FEW if base == "boosting" else {}
    learner = _learner(name, base, control="none", **few).fit(
        X[half], y[half], treatment=arm[half], treatment_probability=KNOWN
    )
    model_folder.save(learner, tmp_path / "one", "uplift", arms=list(learner.arms_))
    loaded = model_folder.load(tmp_path / "one")
    pd.testing.assert_frame_equal(loaded.predict(X), learner.predict(X), check_exact=True)
    other = _learner(name, base, control="none", **few)
    other.fit(
        X[rest], 1 - y[rest], treatment=arm[rest], treatment_probability=KNOWN
    )  # an earlier fit is forgotten
    other.fit(X[half], y[half], treatment=arm[half], treatment_probability=KNOWN)
    model_folder.save(other, tmp_path / "two", "uplift", arms=list(other.arms_))
    files = sorted(str(p.relative_to(tmp_path / "one")) for p in (tmp_path / "one").rglob("*") if p.is_file())
    assert filecmp.cmpfiles(tmp_path / "one", tmp_path / "two", files, shallow=False)[0] == files
    frame = model_folder.PyfuncModel(loaded, uplift_pyfunc.score).predict(X)
    assert list(frame.columns) == ["uplift_mail", "uplift_push"]


@every_learner
def test_a_single_arm_gives_a_column_and_an_arm_never_seen_is_named(name, data):
    X, arm, y, _ = data
    keep = np.flatnonzero(arm != "push")[:1500]
    learner = _learner(name, control="none").fit(X.iloc[keep], y[keep], treatment=arm[keep])
    assert learner.predict(X).shape == (len(X),)
    with pytest.raises(InputError, match="arm 'push' was not in training; there are mail"):
        learner.predict(X, "push")
    if name != "constant_effect":
        with pytest.raises(InputError, match="rfm_a"):
            learner.predict(X.drop(columns="rfm_a"))


@every_learner
def test_nothing_is_predicted_or_saved_before_a_fit(name, data, tmp_path):
    with pytest.raises(InputError, match="is not fitted; call fit first"):
        _learner(name).predict(data[0])
    with pytest.raises(InputError, match="is not fitted; call fit first"):
        model_folder.save(_learner(name), tmp_path / "one", "uplift")
    assert not (tmp_path / "one").exists()


def test_a_damaged_folder_and_a_strange_learner_are_refused(data, tmp_path):
    X, arm, y, _ = data
    learner = _learner("t_learner", "logistic", control="none").fit(X, y, treatment=arm)
    model_folder.save(learner, tmp_path / "one", "uplift")
    path = tmp_path / "one" / "learned.json"
    path.write_bytes(path.read_bytes().replace(b"mail", b"male", 1))
    with pytest.raises(IntegrityError, match=r"learned\.json has changed"):
        model_folder.load(tmp_path / "one")
    with pytest.raises(ConfigError, match="'u_learner' is no learner of uplift; there are constant_effect"):
        create("u_learner")
    with pytest.raises(ConfigError, match="t_learner has no parameter trees"):
        create("t_learner", trees=3)


def one_arm(_X, arm, y):
    return arm == "x", y


def nobody_answers(_X, arm, y):
    return arm == "mail", y * 0


def only_the_treated_answer(_X, arm, y):
    return arm == "mail", y * (arm == "mail")


def few(_X, _arm, y):
    return np.arange(len(y)) < 20, y


def unknown(_X, arm, y):
    treatment = np.where(arm == "mail", None, np.where(arm == "push", 1, 0))
    return treatment, np.where(arm == "push", np.nan, y)


@every_learner
@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (one_arm, "all 4,000 rows are of one arm, '0'; an effect needs a treated one too"),
        (
            nobody_answers,
            r"y is the same for all rows of an arm \(0 0%, 1 0% positive\); take a longer window",
        ),
        (only_the_treated_answer, r"same for all rows of an arm \(0 0% positive\)"),
        (few, "an arm needs at least 30 rows: 1 has 20"),
        (unknown, r"treatment is missing in 1,021 of 4,000 rows; y is NaN or infinite in 998 of 4,000"),
    ],
)
def test_rows_that_can_teach_nothing_are_refused(name, spoil, words, data):
    X, arm, y, _ = data
    treatment, outcome = spoil(X, arm, y)
    treatment = treatment.astype(int) if treatment.dtype == bool else treatment
    with pytest.raises(InputError, match=words):
        _learner(name).fit(X, outcome, treatment=treatment)


@every_learner
def test_a_feature_that_says_who_was_treated_is_a_leak(name, data):
    X, arm, y, _ = data
    told = X.assign(rfm_sent=(arm == "mail").astype(float))
    with pytest.raises(LeakError, match=r"the arm follows from a feature: rfm_sent \(AUC 1\.0000 for mail\)"):
        _learner(name, control="none").fit(told, y, treatment=arm)


@pytest.mark.parametrize("name", ["x_learner", "r_learner", "dr_learner", "constant_effect"])
def test_arms_that_do_not_overlap_are_refused(name, data):
    X, _, y, _ = data
    a, noise = X["rfm_a"].to_numpy(), np.random.default_rng(0).random((2, len(X)))
    # nearly all of high a are treated, nearly none of low a; no single feature separates them for sure
    p = np.clip((a - 0.5) * 30, -6, 6)
    treatment = (noise[0] < 1 / (1 + np.exp(-p))).astype(int)
    treatment = np.where(noise[1] < 0.03, 1 - treatment, treatment)
    with pytest.raises(
        InputError, match=r"overlap: for [\d,]+ of 4,000 rows an arm is less likely than 0\.05"
    ):
        _learner(name, least_probability=0.05).fit(X, y, treatment=treatment)


def test_a_few_rows_without_overlap_are_trimmed_and_counted(data, caplog):
    X, arm, y, effects = data
    p = np.full(len(X), 1 / 3)
    p[:100] = 0.001
    keep = arm != "push"
    learner = _learner("dr_learner", "logistic", control="none").fit(
        X[keep], y[keep], treatment=arm[keep], treatment_probability=p[keep]
    )
    assert "rows trimmed below a probability of 0.01" in caplog.text
    assert learner.predict(X).mean() == pytest.approx(effects["mail"].mean(), abs=0.05)


@pytest.mark.parametrize(
    ("probability", "words"),
    [
        ({"none": 0.5, "mail": 0.25}, "probability: none for push"),
        ({"none": 0.5, "mail": 0.25, "push": 1.0}, "4,000 of 4,000 rows are not within 0 and 1"),
        ({"none": 0.5, "mail": 0.5, "push": 0.5}, "4,000 sum to more than 1"),
        (0.5, r"probability has shape \(\)"),
    ],
)
def test_probabilities_that_are_none_are_refused(probability, words, data):
    X, arm, y, _ = data
    with pytest.raises(InputError, match=words):
        _learner("dr_learner", control="none").fit(X, y, treatment=arm, treatment_probability=probability)


@pytest.mark.parametrize("name", ["x_learner", "r_learner", "dr_learner", "constant_effect"])
def test_methods_that_weigh_by_the_arm_see_through_confounding(name):
    simulate = scripts.plain("004_uplift/nie_wager_settings.py").simulate
    rows = simulate("C", 6000, np.random.default_rng(0))
    naive = rows.y[rows.treatment == 1].mean() - rows.y[rows.treatment == 0].mean()
    assert abs(naive - 1) > 0.5
    found = _learner(name, "logistic").fit(rows.X, rows.y, treatment=rows.treatment).predict(rows.X)
    assert found.mean() == pytest.approx(1, abs=0.15)


def test_folds_keep_the_rows_of_a_customer_together(data):
    from crm_ml.uplift.randomised_trial import check_experiment

    X, arm, y, _ = data
    fold = check_experiment(X, arm, y, "none").folds(5, 0)
    by_customer = pd.Series(fold).groupby(X.index.get_level_values("customer_id").to_numpy()).nunique()
    assert (by_customer == 1).all()
    assert set(fold) == set(range(5))


@pytest.mark.parametrize("name", ["t_learner", "x_learner", "dr_learner"])
def test_trees_of_a_small_trial_split(name, caplog):
    """Leaves of two hundred rows held everybody: one number, the naive difference .84 for .47."""
    rows = scripts.plain("004_uplift/nie_wager_settings.py").simulate("A", 1_000, np.random.default_rng(0))
    learner = create(name, num_threads=1).fit(
        rows.X, rows.y, treatment=rows.treatment, treatment_probability=rows.probability
    )
    effect = learner.predict(rows.X)
    assert np.ptp(effect) > 0.1
    assert learner.unsplit() == []
    assert "could not split" not in caplog.text
    naive = np.mean(rows.y[rows.treatment == 1]) - np.mean(rows.y[rows.treatment == 0])
    truth = rows.effect.mean()
    assert abs(effect.mean() - truth) < abs(naive - truth) / 2


def test_a_learner_that_could_not_split_says_so(data, tmp_path, caplog):
    X, arm, y, _ = data
    stumps = {"outcome_options": {"min_data_in_leaf": 5_000, "rounds": 5}}
    learner = create("t_learner", control="none", num_threads=1, **stumps).fit(X, y, treatment=arm)
    assert learner.unsplit() == ["outcome_0", "outcome_1", "outcome_2"]
    assert "could not split, so one number for everybody" in caplog.text
    assert not np.ptp(learner.predict(X).to_numpy(), axis=0).any()
    model_folder.save(learner, tmp_path / "one", "uplift")
    assert json.loads((tmp_path / "one" / "learned.json").read_text())["unsplit"] == learner.unsplit()
    assert model_folder.load(tmp_path / "one").unsplit() == learner.unsplit()


def test_x_learner_without_splits_says_the_weighted_mean_and_predicts_known_probabilities():
    rows = scripts.plain("004_uplift/nie_wager_settings.py").simulate("C", 2_000, np.random.default_rng(0))
    flat = {part: {"min_data_in_leaf": 9_000, "rounds": 3} for part in ("outcome_options", "effect_options")}
    drawn = {"treatment": rows.treatment, "treatment_probability": rows.probability}
    effect = create("x_learner", num_threads=1, **flat).fit(rows.X, rows.y, **drawn).predict(rows.X)
    mean = create("constant_effect").fit(rows.X, rows.y, **drawn).predict(rows.X)
    assert effect == pytest.approx(mean, abs=0.01)  # the trees start from the mean and can't go on
    learner = create("x_learner", num_threads=1).fit(rows.X, rows.y, **drawn)
    known = np.corrcoef(learner.parts_["arm_1"].expected(as_table(rows.X)), rows.probability)[0, 1]
    assert known > 0.95


def test_a_plain_line_finds_an_effect_that_is_a_line_in_an_amount():
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"spend": rng.uniform(0, 100, 4_000), "age": rng.random(4_000)})
    treated = (rng.random(4_000) < 0.5).astype(int)
    effect = 0.02 * X["spend"]
    y = treated * effect + rng.normal(0, 0.5, 4_000)
    drawn = {"treatment": treated, "treatment_probability": 0.5}
    error = {
        base: pehe(effect, create("t_learner", base=base).fit(X, y, **drawn).predict(X))
        for base in ("logistic", "plain")
    }
    assert error["plain"] < 0.6 * error["logistic"]
    with pytest.raises(ConfigError, match="base is 'lines'; there are boosting, logistic, plain"):
        create("t_learner", base="lines")


def test_a_t_learner_takes_exact_thresholds_in_an_arm_that_they_tell_more_of():
    rng = np.random.default_rng(4)
    X = pd.DataFrame(
        {"a": rng.random(4000), "b": rng.random(4000)}, index=pd.RangeIndex(4000, name="customer_id")
    )
    arm = np.where(rng.random(4000) < 0.5, "mail", "none")
    inside = (X["a"] > 0.62) & (X["a"] < 0.66)  # random thresholds rarely meet both ends
    y = (rng.random(4000) < np.where(inside & (arm == "mail"), 0.9, 0.05)).astype(int)
    chosen = create("t_learner", control="none", num_threads=1).fit(X, y, treatment=arm)
    settings = [chosen.parts_[f"outcome_{number}"].choice_.settings for number in (0, 1)]
    assert settings == ["regularised", "exact"]
    declared = create("t_learner", control="none", outcome_options={"choose_thresholds": False}).fit(
        X, y, treatment=arm
    )
    assert declared.parts_["outcome_1"].choice_ is None
