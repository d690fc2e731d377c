"""Planted drift is found, with the right verdict; clean days raise no alarm."""

import numpy as np
import pandas as pd
import pytest
from stationary_shop import Shop, trained

from crm_ml.errors import ConfigError
from crm_ml.monitoring.bins import Numbers
from crm_ml.monitoring.counting import in_frame
from crm_ml.monitoring.drift import as_facts, compare, psi_limits
from crm_ml.monitoring.limits import Limits
from crm_ml.monitoring.profile import Column, Day, Profile, columns
from crm_ml.tables.strict import validate

USUAL = Limits()


def against(profile, X, said, limits=USUAL, customers=None):
    day = in_frame(profile.features, X) + in_frame(profile.scores, said)
    return compare("churn", profile, len(X) if customers is None else customers, day, limits)


@pytest.fixture(scope="module")
def world():
    shop = Shop(customers=2_000, features=24, seed=3)
    profile = trained(shop)
    return profile, shop.today(), shop.scores()


def row(found, name):
    return next(one for one in found.rows if one.name == name)


@pytest.mark.parametrize(("customers", "features", "seed"), [(300, 90, 0), (1_500, 15, 1)])
def test_two_hundred_clean_days_raise_at_most_two_alarms(customers, features, seed):
    shop = Shop(customers, features, seed)
    profile = trained(shop)
    verdicts = []
    for _ in range(200):
        verdicts.append(against(profile, shop.today(), shop.scores()).verdict)
        shop.tomorrow()
    assert verdicts.count("none") >= 198
    assert "stop" not in verdicts


def test_nothing_moved_is_said_of_a_clean_day(world):
    found = against(*world)
    assert (found.verdict, found.reasons, found.broken) == ("none", (), ())
    assert len(found.rows) == 27
    assert max(one.psi for one in found.rows) < 0.1


def test_a_feature_that_moved_by_one_standard_deviation_is_a_warning(world):
    profile, X, said = world
    found = against(profile, X.assign(f2=1 / (1 + np.exp(-(np.log(X["f2"] / (1 - X["f2"])) + 1.4)))), said)
    assert found.verdict == "warn"
    assert found.broken == ("f2",)
    assert row(found, "f2").psi > 0.5
    assert found.rows[0].name == "f2"
    assert found.reasons[0].startswith("f2: PSI ")


def test_three_features_beyond_the_second_limit_stop_and_two_do_not(world):
    profile, X, said = world
    turned = {name: X[name].to_numpy()[::-1] * 0 + X[name].quantile(0.95) for name in ("f2", "f6", "f10")}
    two = against(profile, X.assign(f2=turned["f2"], f6=turned["f6"]), said)
    three = against(profile, X.assign(**turned), said)
    assert (two.verdict, three.verdict) == ("warn", "stop")
    assert set(three.broken) == set(turned)
    assert "3 columns are beyond the PSI that may stop a list" in three.reasons
    accepted = against(profile, X.assign(**turned), said, Limits(accept=("f2",)))
    assert accepted.verdict == "warn"
    assert set(accepted.broken) == {"f6", "f10"}
    assert row(accepted, "f2").accepted
    assert any(reason.startswith("f2: ") for reason in accepted.reasons)


@pytest.mark.parametrize(("factor", "verdict"), [(7, "warn"), (1 / 7, "warn"), (100, "stop"), (0.01, "stop")])
def test_a_median_that_moves_by_five_warns_and_by_fifty_stops(world, factor, verdict):
    profile, X, said = world
    found = against(profile, X.assign(f0=X["f0"] * factor), said)
    assert found.verdict == verdict
    assert row(found, "f0").median_ratio == pytest.approx(factor, rel=0.15)
    assert "times that of training" in found.reasons[0]


def test_a_renamed_category_and_a_flood_of_new_ones_are_counted(world):
    profile, X, said = world
    few = X["category"].replace({"category 4": "klasse 4", "category 5": "klasse 5"})
    found = against(profile, X.assign(category=few), said)
    rows = int(few.str.startswith("klasse").sum())
    assert found.verdict == "warn"
    rare = row(found, "category")
    others = sum(
        ~X["category"].isin(next(one for one in profile.features if one.name == "category").bins.levels)
    )
    assert rare.rare_rows == rows + others
    assert f"{rare.rare_rows:,} rows have one of {rare.rare_levels} levels unseen or rare" in found.reasons[0]
    assert "klasse" not in " ".join(found.reasons)
    one = against(profile, X.assign(category=X["category"].replace("category 8", "klasse 8")), said)
    assert (one.verdict, one.broken) == ("warn", ("category",))
    assert row(one, "category").psi < row(one, "category").limit  # too few rows for the index, and yet found
    ids = against(profile, X.assign(stage=[f"id-{number}" for number in range(len(X))]), said)
    assert row(ids, "stage").rare_levels == 2_000
    assert "id-" not in repr(as_facts([ids], []))


def test_missing_values_where_there_were_none_are_found(world):
    profile, X, said = world
    found = against(profile, X.assign(f1=X["f1"].where(np.arange(len(X)) % 2 == 0)), said)
    assert found.broken == ("f1",)
    assert (row(found, "f1").missing_then, row(found, "f1").missing_now) == (0.0, 0.5)


@pytest.mark.parametrize(
    ("part", "verdict"), [(0.6, "none"), (0.5, "warn"), (0.1, "stop"), (2, "warn"), (10, "stop")]
)
def test_volume(world, part, verdict):
    profile, X, said = world
    found = against(profile, X, said, customers=int(len(X) * part))
    assert found.verdict == verdict
    assert against(profile, X, said, Limits(accept=("volume",)), int(len(X) * part)).verdict == "none"


@pytest.mark.parametrize(
    ("usual", "now", "verdict"),
    [(0.1, 0.19, "none"), (0.1, 0.21, "warn"), (0.1, 0.41, "stop"), (0.1, 0.045, "warn"), (0.1, 0.02, "stop"),
     (0.5, 0.7, "none"), (0.5, 0.8, "warn"), (0.5, 0.9, "stop"), (0.9, 0.55, "stop")],
)  # fmt: skip
def test_the_base_rate_by_the_rarer_of_both_outcomes(usual, now, verdict):
    [column] = columns([Day("day", 0, pd.DataFrame({"p": np.full(100, now)}))], 1)
    profile = Profile((), (column,), {"day": 100}, {"p": {"day": usual}})
    found = compare("m", profile, 100, in_frame((column,), pd.DataFrame({"p": np.full(100, now)})), USUAL)
    assert found.verdict == verdict
    assert found.rows[0].psi == 0


def test_base_rates_that_varied_in_training_may_vary_as_much_later():
    [column] = columns([Day("day", 0, pd.DataFrame({"p": np.full(100, 0.2)}))], 1)
    today = in_frame((column,), pd.DataFrame({"p": np.full(100, 0.2)}))
    varied = {"one": 0.01, "two": 0.05, "three": 0.12}
    assert compare("m", Profile((), (column,), {}, {"p": varied}), 100, today, USUAL).verdict == "none"
    assert compare("m", Profile((), (column,), {}, {"p": {"one": 0.06}}), 100, today, USUAL).verdict == "warn"


def test_what_grew_in_training_may_grow_on_and_what_was_still_may_not():
    draw = np.random.default_rng(5)

    def at(day):
        grown = draw.exponential(50, 1_000) + day
        return pd.DataFrame({"grown": grown, "still": draw.exponential(50, 1_000) + 20})

    days = [Day(f"{day}", day, at(day)) for day in range(0, 196, 28)]
    profile = Profile(columns(days, 28), (), {"168": 1_000})
    none = pd.DataFrame(index=range(1_000))
    assert against(profile, at(168 + 28), none).verdict == "none"
    moved = at(168 + 28).assign(still=lambda X: X["still"] + 40)
    assert against(profile, moved, none).broken == ("still",)


def test_few_rows_raise_the_limit_by_what_chance_gives():
    column = Column("f", Numbers(tuple(range(9))), (100,) * 10 + (0,), 1_000)
    many, few = (psi_limits(column, n, 90, USUAL) for n in (10**6, 60))
    assert many == pytest.approx((0.25 + 10 * (1e-3 + 1e-6), 0.5 + 10 * (1e-3 + 1e-6)))
    assert few[0] > 0.6
    assert few[1] >= few[0]
    shop = Shop(customers=60, features=60, seed=8)
    small = trained(shop)
    verdicts = []
    for _ in range(12):
        verdicts.append(against(small, shop.today(), shop.scores()).verdict)
        shop.tomorrow()
    assert verdicts == ["none"] * 12


def test_limits_in_the_wrong_order_are_refused():
    with pytest.raises(ConfigError) as refused:
        validate({"psi_warn": 0.6, "volume_warn": 20.0, "accept": ["f"]}, Limits, "score.yaml")
    assert "psi_warn 0.6 is above psi_stop 0.5; volume_warn 20 is above volume_stop 10" in str(refused.value)
