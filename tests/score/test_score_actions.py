"""Lists whose actions rest on answers and on effects: values, columns, reasons, and what is refused."""

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import score_world
from score_world import AS_OF, action, catalog, churn_source, contents, settings

from crm_ml.errors import ConfigError, InputError
from crm_ml.lists import read_list
from crm_ml.propensity.action_features import COLUMNS, action_features
from crm_ml.score import batch
from crm_ml.score_tables.champion_set import Champions
from crm_ml.score_tables.propensity import PropensitySource, occasion_of
from crm_ml.score_tables.uplift import UpliftSource
from crm_ml.snapshots import Snapshot, as_utc

BY_CATEGORY = {"kind": "b", "days": 28, "by": "category", "names": ("b",)}


def answered(name="offer", **fields):
    given = {"score": "p_response", "answer": BY_CATEGORY, "assumed_effect": 0.5, **fields}
    return action(name, **given)


def likely(known):
    """Stand in for a model of answers: the share of lines on offer, a quarter where nothing was bought."""
    return known["overlap_share"].fillna(0.25).to_numpy()


def propensity_source(**fields):
    def told(known):
        return [[f"overlap_share={share:.3f}"] for share in known["overlap_share"]]

    given = {"name": "propensity", "sums": "12" * 32, "predict": likely, "kinds": ["b"], "reasons": told}
    return PropensitySource(**given | fields)


def changed(known):
    """Stand in for a model of effects: mail helps those who stayed away, push the others."""
    away = known["rfm_days_since_order"].fillna(0) > 20
    effects = {"uplift_mail": np.where(away, 0.2, -0.1), "uplift_push": np.where(away, 0.01, 0.1)}
    return pd.DataFrame(effects, index=known.index)


def uplift_source(**fields):
    given = {"name": "uplift", "sums": "34" * 32, "predict": changed, "arms": ["mail", "push"]}
    return UpliftSource(**given | {"verified": ["mail"]} | fields)


def by_arms():
    return catalog(
        action("letter", uplift={"arm": "mail", "worth_cents": 1000}, cost_cents=50),
        action("message", channel="push", uplift={"arm": "push", "worth_cents": 1000}, assumed_effect=0.06),
    )


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    return score_world.tables(tmp_path_factory.mktemp("tables"))


def run(tables, actions, *sources):
    return batch.run(settings(daily_cap=None), actions, tables, Champions(sources))


def listed(tables, actions, *sources):
    return read_list(run(tables, actions, *sources).folder).set_index("customer_id")


def known_features(tables, what):
    """Compute the features of an action anew, for all customers."""
    snapshot = Snapshot(as_utc(AS_OF), pd.Timedelta(days=1).to_pytimedelta())
    ids = pd.Index(score_world.frames()["customers"]["customer_id"], name="customer_id")
    return action_features(tables, occasion_of(what, snapshot), ids)


@pytest.mark.usefixtures("project")
def test_an_answer_values_its_action_and_explains_itself(tables):
    offer = answered()
    rows = listed(tables, catalog(offer, action("plain", assumed_effect=0.2)), propensity_source())
    p = pd.Series(likely(known_features(tables, offer)), index=known_features(tables, offer).index)
    value = np.floor(p * 500 + 0.5).astype(int) - 10
    best = rows["action_id"] == "offer"
    assert best.any()
    assert not best.all()
    pd.testing.assert_series_equal(
        rows.loc[best, "p_response"], p[rows.index[best]], check_names=False, check_exact=True
    )
    assert (rows.loc[best, "expected_value_cents"] == value[rows.index[best]]).all()
    assert (value[rows.index[~best]] < 190).all()
    assert rows.loc[~best, "p_response"].isna().all()
    assert (rows.loc[best, "value_basis"] == "p_response x assumed effect").all()
    shares = known_features(tables, offer)["overlap_share"]
    told = [[f"overlap_share={shares[customer]:.3f}"] for customer in rows.index[best]]
    assert rows.loc[best, "reason_codes"].map(list).tolist() == told
    assert rows["p_churn"].isna().all()


@pytest.mark.usefixtures("project")
def test_the_score_table_of_an_answer_keeps_the_features_of_the_action(tables, project):
    offer = answered()
    run(tables, catalog(offer), propensity_source())
    [path] = (project / "data/scores").glob("propensity-offer-*/propensity-offer.parquet")
    table = pq.read_table(path).to_pandas().set_index("customer_id")
    assert list(table.columns) == ["p_response", "model", *COLUMNS]
    assert table.index.is_monotonic_increasing
    wanted = known_features(tables, offer).loc[table.index]
    pd.testing.assert_frame_equal(table[list(COLUMNS)], wanted, check_exact=True)
    assert set(table["model"]) == {"propensity@" + "12" * 6}


@pytest.mark.usefixtures("project")
def test_a_verified_uplift_takes_the_place_of_the_assumption(tables):
    rows = listed(tables, by_arms(), uplift_source())
    letters = rows[rows["action_id"] == "letter"]
    assert len(letters)
    assert set(letters["value_basis"]) == {"uplift of mail by uplift@" + "34" * 6}
    assert set(letters["uplift"]) == {0.2}
    assert set(letters["expected_value_cents"]) == {150}
    assert {tuple(one) for one in letters["reason_codes"]} == {("uplift_mail=+0.2",)}
    messages = rows[rows["action_id"] == "message"]
    assert len(messages)
    assert set(messages["value_basis"]) == {"assumed rate"}
    assert messages["uplift"].isna().all()
    assert set(messages["expected_value_cents"]) == {50}


@pytest.mark.usefixtures("project")
def test_an_uplift_that_is_not_verified_fills_nothing(tables):
    rows = listed(tables, by_arms(), uplift_source(verified=[]))
    assert rows["uplift"].isna().all()
    assert set(rows["value_basis"]) == {"assumed rate"}
    without = listed(tables, by_arms(), churn_source())
    assert (rows["expected_value_cents"] == without["expected_value_cents"].reindex(rows.index)).all()


@pytest.mark.usefixtures("project")
def test_the_table_of_effects_holds_every_arm_and_what_it_says_is_what_the_model_says(tables, project):
    run(tables, by_arms(), uplift_source())
    [path] = (project / "data/scores").glob("uplift-*/uplift.parquet")
    table = pq.read_table(path).to_pandas().set_index("customer_id")
    assert list(table.columns) == ["uplift_mail", "uplift_push", "model"]
    [features] = (project / "data/scores").glob("features-*/features.parquet")
    known = pq.read_table(features).to_pandas().set_index("customer_id")
    pd.testing.assert_frame_equal(table[["uplift_mail", "uplift_push"]], changed(known), check_exact=True)


@pytest.mark.usefixtures("project")
def test_every_family_together_tells_its_own_reasons(tables):
    actions = catalog(
        answered(assumed_effect=0.4),
        action("keep", score="p_churn", assumed_effect=0.9),
        action("letter", uplift={"arm": "mail", "worth_cents": 1000}),
        action("plain", assumed_effect=0.08),
    )
    rows = listed(tables, actions, churn_source(), propensity_source(), uplift_source())
    first = rows.groupby("action_id")["reason_codes"].agg(lambda found: found.iloc[0][0])
    assert first["keep"].startswith("rfm_days_since_order=")
    assert first["offer"].startswith("overlap_share=")
    assert first["letter"] == "uplift_mail=+0.2"
    versions = ["churn@" + "ab" * 6, "propensity@" + "12" * 6, "uplift@" + "34" * 6]
    assert {tuple(one) for one in rows["model_versions"]} == {tuple(versions)}
    best = pd.concat([rows["p_churn"] * 900, rows["p_response"] * 400, rows["uplift"] * 1000], axis=1).max(
        axis=1
    )
    told = rows["expected_value_cents"] + rows["cost_cents"]
    assert (told[rows["action_id"] != "plain"] <= np.floor(best[rows["action_id"] != "plain"] + 0.5)).all()


@pytest.mark.usefixtures("project")
def test_a_changed_model_of_any_family_is_another_list(tables):
    actions = catalog(answered(), *by_arms().actions)
    first = run(tables, actions, propensity_source(), uplift_source())
    changed_sums = {"sums": "56" * 32}
    for sources in (
        (propensity_source(**changed_sums), uplift_source()),
        (propensity_source(), uplift_source(**changed_sums)),
    ):
        other = run(tables, actions, *sources)
        assert other.list_id != first.list_id
        assert other.funnel == first.funnel


def test_everything_that_does_not_fit_is_said_at_once_and_nothing_is_written(tables, project):
    actions = catalog(
        answered("absent", answer=BY_CATEGORY | {"names": ("b", "nope")}),
        answered("campaign", answer=BY_CATEGORY | {"by": "campaign", "names": ("7",)}),
        answered("strange", answer=BY_CATEGORY | {"kind": "z"}),
        action("keep", score="p_churn"),
        action("letter", uplift={"arm": "letters", "worth_cents": 1}),
    )
    before = contents(project)
    with pytest.raises(ConfigError) as caught:
        run(tables, actions, propensity_source(), uplift_source(name="propensity"))
    told = str(caught.value)
    for words in (
        "absent: items: no category nope",
        "campaign: the tables have no offers",
        "strange: propensity never saw an action of kind z, only b",
        "keep: score p_churn needs a model of churn in the settings (models: {churn: churn@champion})",
        "letter: propensity never saw arm letters, only mail, push",
        "propensity stands for 2 models",
    ):
        assert words in told
    assert contents(project) == before


@pytest.mark.usefixtures("project")
def test_a_score_without_its_model_is_refused(tables):
    with pytest.raises(ConfigError, match="offer: score p_response needs a model of propensity"):
        run(tables, catalog(answered()), churn_source())


@pytest.mark.parametrize(
    "score", ["p_return", "clv_cents", "expected_purchases", "expected_value", "uplift", "uplift_mail"]
)
def test_a_score_that_is_no_probability_of_a_family_is_refused_before_anything_is_made(
    tables, project, score
):
    before = contents(project)
    with pytest.raises(ConfigError) as refused:
        run(tables, catalog(action("offer", score=score)), churn_source(), uplift_source())
    assert str(refused.value).splitlines()[1:] == [
        f"  offer: score {score} is no probability that a family gives, and an action's value is a "
        "probability times its effect; there are p_alive, p_churn, p_items, p_response"
    ]
    assert contents(project) == before


@pytest.mark.usefixtures("project")
def test_models_that_want_other_options_of_a_group_can_not_share_a_list(tables):
    churn, uplift = (
        churn_source(groups={"rfm": {"windows": (7,)}}),
        uplift_source(groups={"rfm": {}, "price": {}}),
    )
    with pytest.raises(ConfigError, match=r"rfm: churn \{'windows': \(7,\)\}, uplift \{\}"):
        run(tables, by_arms(), churn, uplift)
    same = Champions([churn_source(groups={"rfm": {}}), uplift_source(groups=["rfm", "price"])])
    assert same.groups == {"rfm": {}, "price": {}}


@pytest.mark.parametrize(
    ("sources", "words"),
    [
        (
            [propensity_source(predict=lambda x: np.full(len(x), 1.01))],
            "propensity: .* no probability",
        ),
        ([propensity_source(predict=lambda _: np.array([0.5]))], r"propensity: .* shape \(1,\)"),
        (
            [propensity_source(), uplift_source(predict=lambda x: changed(x) * np.nan)],
            "uplift: missing or infinite: uplift_mail in 119, uplift_push in 119 of 119",
        ),
    ],
)
def test_a_prediction_that_is_none_publishes_nothing(tables, project, sources, words):
    with pytest.raises(InputError, match=words):
        run(tables, catalog(answered(), *(by_arms().actions if len(sources) > 1 else ())), *sources)
    assert not (project / "data/lists/test").exists() or not list((project / "data/lists/test").iterdir())
