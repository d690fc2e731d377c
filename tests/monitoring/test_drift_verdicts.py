"""Planted drift is found, with the right verdict; clean days raise no alarm."""

import numpy as np
import pandas as pd
import pytest
from stationary_shop import Shop, trained

from crm_ml.errors import ConfigError
from crm_ml.monitoring.bins import Numbers
from crm_ml.monitoring.column_counts import in_frame
from crm_ml.monitoring.drift import as_facts, compare
from crm_ml.monitoring.drift_limits import DriftLimits
from crm_ml.monitoring.drift_verdict import Counted, psi_limits
from crm_ml.monitoring.training_profile import Profile, ProfiledColumn, ProfiledDay, profile_columns
from crm_ml.tables.strict import validate

USUAL = DriftLimits()


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


@pytest.mark.parametrize(("customers", "features", "seed"), [(300, 60, 0), (1_500, 12, 1)])
def test_two_hundred_clean_days_raise_at_most_two_alarms(tmp_path, customers, features, seed):
    shop, draw = Shop(customers, features, seed), np.random.default_rng(seed)
    trained(shop).write(tmp_path)
    profile, verdicts = Profile.read(tmp_path), []
    for _ in range(200):
        came = draw.random(customers) < draw.uniform(0.55, 1)  # as many as on a training day, or fewer
        verdicts.append(against(profile, shop.today()[came], shop.scores()[came]).verdict)
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
    assert three.reasons[0] == "3 columns are beyond the PSI that may stop a list, or gone"
    assert (set(three.stopping), two.stopping) == (set(turned), ())
    accepted = against(profile, X.assign(**turned), said, DriftLimits(accept=("f2",)))
    assert accepted.verdict == "warn"
    assert set(accepted.broken) == {"f6", "f10"}
    assert row(accepted, "f2").accepted
    assert [reason[:4] for reason in accepted.accepted] == ["f2: "]
    assert all(not reason.startswith("f2: ") for reason in accepted.reasons)


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


def of_missing(most, now, rows=1_000, spread=0.0, accept=()):
    """Compare a column of which a share was missing in training with a day of another share."""
    counts = (round(rows * (1 - most)), 0, round(rows * most))
    column = ProfiledColumn("f", Numbers((1.0,)), counts, rows, spread=spread, most_missing=most)
    day = Counted(column, np.array([round(rows * (1 - now)), 0, round(rows * now)]))
    profile = Profile((column,), (), {"day": rows})
    return compare("m", profile, rows, [day], DriftLimits(psi_warn=50.0, psi_stop=100.0, accept=accept))


@pytest.mark.parametrize(
    ("most", "now", "verdict"),
    [(0.0, 0.09, "none"), (0.0, 0.11, "warn"), (0.3, 0.44, "none"), (0.3, 0.54, "warn"), (0.7, 0.79, "none"),
     (0.7, 0.9, "warn"), (0.95, 0.99, "none"), (0.95, 1.0, "warn"), (1.0, 1.0, "none")],
)  # fmt: skip
def test_the_missing_share_has_limits_of_its_own(most, now, verdict):
    found = of_missing(most, now)
    assert found.verdict == verdict
    assert ("are missing, at most" in " ".join(found.reasons)) == (verdict == "warn")
    assert row(found, "f").beyond == (verdict == "warn" and now == 1)


def test_few_rows_may_all_be_missing_by_chance():
    assert of_missing(0.95, 1.0, rows=40).verdict == "none"
    assert of_missing(0.5, 1.0, rows=40).verdict == "warn"


def test_a_column_that_psi_can_not_judge_is_named_and_still_found_missing():
    X = pd.DataFrame({f"f{j}": np.arange(1_000.0) for j in range(3)})
    known = [
        ProfiledColumn(**(vars(one) | {"spread": 5.0})) for one in profile_columns([ProfiledDay(0, X)], 1)
    ]
    profile = Profile(tuple(known), (), {"day": 1_000})
    moved = compare("m", profile, 1_000, in_frame(known, X + 600), USUAL)
    assert (moved.verdict, moved.unmonitored) == ("none", ("f0", "f1", "f2"))
    assert as_facts([moved], [])["models"]["m"]["not_by_psi"] == ["f0", "f1", "f2"]
    assert row(moved, "f0").limit == pytest.approx(2.0, abs=0.05)
    gone = compare("m", profile, 1_000, in_frame(known, X * np.nan), USUAL)
    assert (gone.verdict, len(gone.stopping)) == ("stop", 3)
    assert gone.reasons[1] == "f0: 100.0% are missing, at most 0.0% were on a training day"


def test_the_actions_of_a_kind_share_a_column_of_training_and_count_once():
    [column] = profile_columns([ProfiledDay(0, pd.DataFrame({"p": np.linspace(0, 0.2, 500)}))], 1, "coupon")
    profile = Profile((), (column,), {"day": 500})
    [day] = in_frame([column], pd.DataFrame({"p": np.full(500, 0.2)}))
    shown = [Counted(**(vars(day) | {"shown": f"p of {name}"})) for name in ("one", "two", "three")]
    assert compare("m", profile, 500, shown, USUAL).verdict == "warn"
    only = compare("m", profile, 500, shown, DriftLimits(columns_to_stop=1, accept=("p of one",)))
    assert (only.verdict, set(only.stopping)) == ("stop", {"p of two", "p of three"})
    assert compare("m", profile, 500, shown, DriftLimits(columns_to_stop=1, accept=("p",))).verdict == "none"


@pytest.mark.parametrize(
    ("part", "verdict"), [(0.6, "none"), (0.5, "warn"), (0.1, "stop"), (2, "warn"), (10, "stop")]
)
def test_volume(world, part, verdict):
    profile, X, said = world
    found = against(profile, X, said, customers=int(len(X) * part))
    assert found.verdict == verdict
    assert found.stopping == (("volume",) if verdict == "stop" else ())
    assert found.broken == (() if verdict == "none" else ("volume",))
    accepted = against(profile, X, said, DriftLimits(accept=("volume",)), int(len(X) * part))
    assert (accepted.verdict, accepted.reasons, accepted.broken) == ("none", (), ())
    assert [one[:8] for one in accepted.accepted] == ([] if verdict == "none" else ["volume: "])


@pytest.mark.parametrize(
    ("usual", "now", "verdict"),
    [(0.1, 0.19, "none"), (0.1, 0.21, "warn"), (0.1, 0.41, "stop"), (0.1, 0.045, "warn"), (0.1, 0.02, "stop"),
     (0.5, 0.7, "none"), (0.5, 0.8, "warn"), (0.5, 0.9, "stop"), (0.9, 0.55, "stop")],
)  # fmt: skip
def test_the_base_rate_by_the_rarer_of_both_outcomes(usual, now, verdict):
    [column] = profile_columns([ProfiledDay(0, pd.DataFrame({"p": np.full(100, now)}))], 1)
    day = in_frame((column,), pd.DataFrame({"p": np.full(100, now)}))
    profile = Profile((), (column,), {"day": 100}, {"p": {"day": usual}}, ("p",))
    found = compare("m", profile, 100, day, USUAL)
    assert found.verdict == verdict
    assert found.rows[0].psi == 0
    told = " ".join(found.reasons)
    assert ("base rate in training" in told) == (verdict != "none")
    mean = compare("m", Profile((), (column,), {"day": 100}, profile.rates), 100, day, USUAL)
    assert mean.verdict == ("warn" if verdict == "stop" else verdict)  # no label has told that rate
    assert " ".join(mean.reasons) == told.replace("base rate", "mean score")


def test_base_rates_that_varied_in_training_may_vary_as_much_later():
    [column] = profile_columns([ProfiledDay(0, pd.DataFrame({"p": np.full(100, 0.2)}))], 1)
    today = in_frame((column,), pd.DataFrame({"p": np.full(100, 0.2)}))
    varied = {"one": 0.01, "two": 0.05, "three": 0.12}
    assert compare("m", Profile((), (column,), {}, {"p": varied}), 100, today, USUAL).verdict == "none"
    rates, far = {"p": {"one": 0.05, "two": 0.15}}, {"p": {"one": 0.0801}}
    for past, verdict in ((1.0, "warn"), (1.5, "none")):  # 2.0 of the mean; up to 2.0 of it in training
        limits = DriftLimits(past_factor=past, rate_warn=1.9)
        assert compare("m", Profile((), (column,), {}, rates), 100, today, limits).verdict == verdict
        assert compare("m", Profile((), (column,), {}, far), 100, today, limits).verdict == "warn"
    assert compare("m", Profile((), (column,), {}, {"p": {"one": 0.06}}), 100, today, USUAL).verdict == "warn"


def test_what_grew_in_training_may_grow_on_and_what_was_still_may_not():
    draw = np.random.default_rng(5)

    def at(day):
        grown = draw.exponential(50, 1_000) + day
        return pd.DataFrame({"grown": grown, "still": draw.exponential(50, 1_000) + 20})

    days = [ProfiledDay(day, at(day)) for day in range(0, 196, 28)]
    profile = Profile(profile_columns(days, 28), (), {"168": 1_000})
    none = pd.DataFrame(index=range(1_000))
    assert against(profile, at(168 + 28), none).verdict == "none"
    moved = at(168 + 28).assign(still=lambda X: X["still"] + 40)
    assert against(profile, moved, none).broken == ("still",)


def test_few_rows_raise_the_limit_by_what_chance_gives():
    column = ProfiledColumn("f", Numbers(tuple(range(9))), (100,) * 10 + (0,), 1_000)
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
        validate({"psi_warn": 0.6, "volume_warn": 20.0, "accept": ["f"]}, DriftLimits, "score.yaml")
    assert "psi_warn 0.6 is above psi_stop 0.5; volume_warn 20 is above volume_stop 10" in str(refused.value)
