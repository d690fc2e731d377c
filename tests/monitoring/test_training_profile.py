"""What a profile keeps and what it must not keep; counts in memory and in SQL."""

import json

import duckdb
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from soak import examples

from crm_ml.errors import InputError, IntegrityError
from crm_ml.monitoring.bins import Numbers, Texts
from crm_ml.monitoring.column_counts import in_frame, in_table
from crm_ml.monitoring.training_profile import (
    PROFILE_FILE,
    Profile,
    ProfiledColumn,
    ProfiledDay,
    profile_columns,
)

NAMES = ["money", 'a "b"', "constant", "none", "town", "stage"]


def frame(rows=400, seed=0):
    draw = np.random.default_rng(seed)
    X = pd.DataFrame({
        "money": np.round(np.exp(draw.normal(6, 1, rows))),
        'a "b"': np.where(draw.random(rows) < 0.3, np.nan, draw.integers(-3, 4, rows)),
        "constant": 1.0,
        "none": np.nan,
        "town": np.array([f"town-{number}" for number in draw.zipf(1.6, rows) % 300], dtype=object),
        "stage": draw.choice(np.array(["new", "o'ld", None], dtype=object), rows),
    })  # fmt: skip
    return X.set_index(pd.Index([f"secret-{number}" for number in range(rows)], name="customer_id"))


def learned(*frames):
    return profile_columns([ProfiledDay(30 * i, one) for i, one in enumerate(frames)], lag=28)


def relation(X, threads=1):
    connection = duckdb.connect(config={"threads": threads})
    connection.register("given", X)
    return connection.sql("SELECT * FROM given")


def plain(found):
    return [
        (one.column.name, one.counts.tolist(), one.above, one.median, one.levels, one.mean) for one in found
    ]


def test_counts_by_sql_are_those_in_memory_in_any_order_of_rows():
    known = learned(frame(seed=1), frame(seed=2))
    today = frame(rows=731, seed=3)
    today.iloc[:5, 0] = [np.inf, -np.inf, 1e300, 0.0, -1.0]
    expected = plain(in_frame(known, today))
    assert [name for name, *_ in expected] == NAMES
    assert plain(in_table(known, relation(today))) == expected
    shuffled = today.sample(frac=1, random_state=0)
    assert plain(in_table(known, relation(shuffled, threads=2))) == expected


@examples(60)
@given(st.lists(st.one_of(st.none(), st.integers(-3, 3), st.floats(allow_nan=True)), min_size=1, max_size=40))
def test_every_row_is_in_one_bin(values):
    numbers = np.array([np.nan if one is None else one for one in values], dtype=float)
    bins = Numbers.learn(numbers)
    counts = bins.count(numbers)
    assert counts.sum() == len(values)
    assert counts[-1] == np.isnan(numbers).sum()
    assert len(counts) == bins.size
    assert list(bins.edges) == sorted(set(bins.edges))
    inside = [numbers <= edge for edge in bins.edges]
    assert [int(one.sum()) for one in inside] == np.cumsum(counts)[: len(inside)].tolist()


def test_deciles_of_many_values_hold_a_tenth_each_and_a_spike_has_a_bin_of_its_own():
    draw = np.random.default_rng(0)
    even = Numbers.learn(draw.random(100_000)).count(draw.random(100_000))
    assert even[:-1] == pytest.approx(np.full(10, 10_000), rel=0.05)
    spiked = np.where(draw.random(1_000) < 0.6, 0.0, draw.random(1_000) + 1)
    bins = Numbers.learn(spiked)
    assert bins.edges[0] == 0.0
    assert bins.count(spiked)[0] == (spiked == 0).sum()


def test_a_profile_is_read_as_it_was_written(tmp_path):
    known = learned(frame(seed=1), frame(seed=2))
    profile = Profile(
        known, known[:1], {"day 0": 400, "day 1": 401}, {"p_churn": {"day 0": 0.25}}, ("p_churn",)
    )
    profile.write(tmp_path)
    found = Profile.read(tmp_path)
    assert [vars(one) for one in found.features] == [vars(one) for one in known]
    assert (found.customers, found.rates, found.labelled) == (
        profile.customers,
        profile.rates,
        profile.labelled,
    )
    parts = [one.to_numpy() for one in (frame(seed=1)["town"], frame(seed=2)['a "b"'])]
    assert found.features[4].largest_missing_share == float(pd.isna(parts[0]).mean())
    assert found.features[1].largest_missing_share >= float(pd.isna(parts[1]).mean()) > 0.2
    assert found.score("money").counts == known[0].counts
    assert found.score("money", "another kind") is None
    assert Profile.read(tmp_path / "nowhere") is None
    text = json.loads((tmp_path / "profile.json").read_text())
    old = text | {"format": 1, "features": [_without(one, "most_missing") for one in text["features"]]}
    (tmp_path / "profile.json").write_text(json.dumps(_without(old, "labelled")))
    first = Profile.read(tmp_path)
    assert first.labelled == ()
    money, none = (next(one for one in first.features if one.name == name) for name in ("money", "none"))
    assert (money.largest_missing_share, none.largest_missing_share) == (0.0, 1.0)
    text |= {"format": 99}
    (tmp_path / "profile.json").write_text(json.dumps(text))
    with pytest.raises(InputError, match="format 99 is unknown; this version reads up to 2"):
        Profile.read(tmp_path)


def _without(content, name):
    return {key: value for key, value in content.items() if key != name}


def test_no_id_and_no_rare_level_is_kept(tmp_path):
    X = frame()
    X["declared"] = [f"name-{number}" for number in range(len(X))]  # a level for each customer: a name
    X.loc[X.index[:9], "stage"] = "nine of them"
    X.loc[X.index[9:19], "stage"] = "ten of them"
    # the same nine on many days are still nine people
    Profile(learned(*[X] * 5), (), {"day 0": len(X)}).write(tmp_path)
    text = (tmp_path / "profile.json").read_text()
    assert "secret" not in text
    assert "name-" not in text
    assert "nine of them" not in text
    assert "ten of them" in text
    declared = next(one for one in Profile.read(tmp_path).features if one.name == "declared")
    assert declared.bins == Texts(())
    assert declared.rare == 1.0


def test_only_the_fifty_most_frequent_levels_are_kept():
    X = pd.DataFrame({"town": [f"{number:03d}" for number in range(200) for _ in range(10 + number % 3)]})
    [town] = profile_columns([ProfiledDay(0, X)], 1)
    assert len(town.bins.levels) == 50
    assert all(int(level) % 3 == 2 for level in town.bins.levels)
    assert sum(town.counts) == len(X)


def test_what_has_moved_within_training_is_remembered():
    draw = np.random.default_rng(0)
    parts = [pd.DataFrame({"age": draw.exponential(100, 2_000) + 100 * day,
                           "still": draw.exponential(100, 2_000)}) for day in range(4)]  # fmt: skip
    age, still = profile_columns([ProfiledDay(28 * i, one) for i, one in enumerate(parts)], lag=28)
    assert age.spread > 1
    assert age.median_spread > 2
    assert still.spread < 0.02
    assert still.median_spread < 1.2
    # with a lag beyond all of training no day has a past, and nothing is known of movements
    assert profile_columns([ProfiledDay(28 * i, one) for i, one in enumerate(parts)], lag=200)[0].spread == 0


def test_a_column_that_is_gone_counts_as_missing():
    known = learned(frame())
    [money, *_] = in_table(known, relation(frame().drop(columns="money")))
    assert money.counts.tolist() == [0] * (len(money.counts) - 1) + [400]
    assert isinstance(money.column, ProfiledColumn)


def test_a_profile_does_not_depend_on_how_numbers_and_categories_are_stored():
    draw = np.random.default_rng(4)
    level, flag = draw.integers(1, 4, 200), draw.integers(0, 2, 200)
    count = pd.Series(np.where(draw.random(200) < 0.2, np.nan, draw.integers(0, 9, 200)))
    plain_frame = pd.DataFrame({"level": level.astype(str), "count": count, "flag": flag.astype(float)})
    others = [
        plain_frame.assign(level=pd.Categorical(level), flag=flag.astype(bool)),
        plain_frame.assign(level=pd.Categorical(level * 1.0), count=count.astype("Int64")),
        plain_frame.astype({"level": object, "count": object, "flag": "boolean"}),
    ]
    wanted = learned(plain_frame)
    assert [type(one.bins) for one in wanted] == [Texts, Numbers, Numbers]
    for other in others:
        assert [one.as_dict() for one in learned(other)] == [one.as_dict() for one in wanted]
        assert plain(in_frame(wanted, other)) == plain(in_frame(wanted, plain_frame))


def test_a_text_where_a_number_was_is_missing_in_sql_and_shown_nowhere():
    known = learned(frame()[["money"]])
    changed = frame()[["money"]].assign(money="ada@example.com")
    (counted,) = in_table(known, relation(changed))
    assert counted.counts.tolist()[-1] == 400
    with pytest.raises(InputError, match=r"money holds texts \(str\) in 400 rows"):
        in_frame(known, changed)


@pytest.mark.parametrize(
    "wrong",
    [
        {"edges": ["1; drop table t"]},
        {"edges": [2.0, 1.0]},
        {"counts": [1, 2]},
        {"counts": [1, -2, 3]},
        {"spread": float("inf")},
        {"levels": ["a"]},
    ],
)
def test_a_profile_of_another_shape_is_damaged(wrong, tmp_path):
    Profile((ProfiledColumn("money", Numbers((1.0,)), (1, 2, 3), 6),), (), {"2024-06-01": 6}).write(tmp_path)
    content = json.loads((tmp_path / PROFILE_FILE).read_text())
    assert Profile.read(tmp_path).features[0].counts == (1, 2, 3)
    content["features"][0] |= wrong
    (tmp_path / PROFILE_FILE).write_text(json.dumps(content))
    with pytest.raises(IntegrityError, match=r"profile.json: \d of its values can't be used"):
        Profile.read(tmp_path)
