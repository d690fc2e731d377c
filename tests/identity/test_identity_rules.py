"""Which profiles rules join, and which never: hub caps, contradictions, walls, forms of identifiers."""

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm_ml.errors import ConfigError, InputError
from crm_ml.identity import Identifier, Rule, Wall, resolve

CHINA = {"phone": Identifier(kind="phone", country_code="86", national_digits=11)}


def frame(**columns):
    rows = len(next(iter(columns.values())))
    return pd.DataFrame({"profile_id": [f"p{row:03}" for row in range(rows)], **columns})


def groups(customers):
    table = customers.to_pandas()
    return {frozenset(part) for part in table.groupby("customer_id")["profile_id"].agg(list)}


def group_of(customers, *rows):
    return frozenset(f"p{row:03}" for row in rows) in groups(customers)


def test_a_chain_of_rules_is_one_customer():
    profiles = frame(phone=["1", "1", None, None], email=[None, "a@b.c", "A@b.c ", "d@b.c"])
    assert groups(resolve(profiles, ["phone", "email"])) == {
        frozenset({"p000", "p001", "p002"}),
        frozenset({"p003"}),
    }


def test_all_columns_of_a_rule_must_be_equal_and_present():
    profiles = frame(
        name=["Ada L", "ada  l", "Áda L", "Ada L"], birth_date=["1815-12-10", "1815-12-10", None, "x"]
    )
    customers = resolve(profiles, ["name + birth_date"])
    assert group_of(customers, 0, 1)
    assert len(customers) == 3


@pytest.mark.parametrize(("sharing", "joined"), [(8, True), (9, False)])
def test_a_value_that_more_than_the_cap_share_joins_none_and_is_told(sharing, joined):
    profiles = frame(phone=["999"] * sharing + ["1", "1"])
    customers = resolve(profiles, ["phone"], hub_cap=8)
    assert len(customers) == (2 if joined else sharing + 1)
    bad = customers.bad_identifiers
    assert bad.to_dict("records") == (
        []
        if joined
        else [
            {"identifier": "phone", "value": "999", "profiles": 9, "reason": "shared by more than 8 profiles"}
        ]
    )


def test_a_rule_has_a_cap_of_its_own():
    profiles = frame(phone=["9"] * 3, device=["d"] * 3)
    assert len(resolve(profiles, [Rule(same="phone", cap=2)])) == 3
    assert len(resolve(profiles, [Rule(same="phone", cap=2), "device"])) == 1


def test_a_recycled_number_joins_only_those_who_agree():
    profiles = frame(
        phone=["7", "7", "7", "7", "8", "8"],
        birth_date=["1990-01-01", "1990-01-01", "1960-05-05", None, "1970-07-07", None],
    )
    customers = resolve(profiles, [Rule(same="phone", agree="birth_date")])
    assert groups(customers) == {
        frozenset({"p000", "p001"}),
        frozenset({"p002"}),
        frozenset({"p003"}),
        frozenset({"p004", "p005"}),
    }
    assert customers.bad_identifiers[["value", "profiles", "reason"]].to_numpy().tolist() == [
        ["7", 4, "several birth_date"]
    ]


def test_phones_and_mails_have_one_form():
    phones = ["138 0013 8000", "+86 138-0013-8000", "008613800138000", "8613800138000", "０13800138000"]  # noqa: RUF001
    assert len(resolve(frame(phone=phones), ["phone"], identifiers=CHINA)) == 1
    mails = ["a.da+shop@gmail.com", "ADA@GMail.com", "ada", "ada"]
    assert len(resolve(frame(email=mails), ["email"])) == 4  # what has no @ joins none
    loose = {"email": Identifier(kind="email", ignore_dots=True, ignore_tag=True)}
    assert len(resolve(frame(email=mails), ["email"], identifiers=loose)) == 3


def test_a_wall_stops_chains_and_counts_within_itself():
    profiles = frame(
        phone=["1", "1", "2", "2"], email=["x@y.z", None, "x@y.z", None], region=["CN", "CN", "EU", None]
    )
    customers = resolve(profiles, ["phone", "email"], walls=["region"])
    assert groups(customers) == {frozenset({"p000", "p001"}), frozenset({"p002"}), frozenset({"p003"})}
    shared = frame(phone=["9"] * 6, region=["CN", "CN", "CN", "EU", "EU", "EU"])
    assert len(resolve(shared, ["phone"], hub_cap=3, walls=["region"])) == 2


def test_who_refused_is_joined_with_none():
    profiles = frame(phone=["1"] * 4, consent=["yes", "yes", "no", "no"])
    customers = resolve(profiles, ["phone"], walls=[Wall(column="consent", alone=("no",))])
    assert sorted(map(len, groups(customers))) == [1, 1, 2]


def random_profiles(seed, rows=120):
    draw = np.random.default_rng(seed)
    profiles = frame(
        phone=draw.integers(0, 50, rows).astype(str),
        email=np.char.add(draw.integers(0, 90, rows).astype(str), "@b.c"),
        device=draw.integers(0, 12, rows).astype(str),
        birth_date=draw.choice(["1990-01-01", "1991-01-01"], rows),
        region=draw.choice(["CN", "EU", "US"], rows),
    )
    return profiles.mask(draw.random(profiles.shape) < 0.4).assign(profile_id=profiles["profile_id"])


def joined_by_hand(profiles, cap):
    """Return groups of profiles by closing over equal values, pair by pair."""
    rows = profiles.dropna(subset="region").to_dict("records")
    near = {row["profile_id"]: {row["profile_id"]} for row in profiles.to_dict("records")}
    for name in ("phone", "email", "device"):
        values = {}
        for row in rows:
            if isinstance(row[name], str):
                values.setdefault((row[name], row["region"]), []).append(row)
        for sharing in values.values():
            if len(sharing) > cap:
                continue
            several = len({row["birth_date"] for row in sharing if isinstance(row["birth_date"], str)}) > 1
            for one, two in itertools.combinations(sharing, 2):
                if name == "phone" and several and one["birth_date"] != two["birth_date"]:
                    continue
                whole = near[one["profile_id"]] | near[two["profile_id"]]
                for member in whole:
                    near[member] = whole
    return {frozenset(part) for part in near.values()}


@settings(max_examples=6, deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 6))
def test_rules_are_those_of_a_closure_by_hand(seed, cap):
    profiles = random_profiles(seed)
    rules = [Rule(same="phone", agree="birth_date"), "email", "device"]
    customers = resolve(profiles, rules, hub_cap=cap, walls=["region"])
    assert groups(customers) == joined_by_hand(profiles, cap)


@settings(max_examples=6, deadline=None)
@given(st.integers(0, 10**6))
def test_the_order_of_rows_and_other_regions_change_nothing(seed):
    profiles = random_profiles(seed)
    before = profiles.copy(deep=True)
    rules = [Rule(same="phone", agree="birth_date"), "email", "device"]
    customers = resolve(profiles, rules, hub_cap=4, walls=["region"])
    pd.testing.assert_frame_equal(profiles, before)
    mixed = resolve(profiles.sample(frac=1, random_state=seed), rules, hub_cap=4, walls=["region"])
    assert mixed.table.equals(customers.table)
    pd.testing.assert_frame_equal(mixed.bad_identifiers, customers.bad_identifiers)
    alone = resolve(profiles[profiles["region"] == "EU"], rules, hub_cap=4, walls=["region"]).to_pandas()
    pd.testing.assert_frame_equal(alone.merge(customers.to_pandas()), alone)


def test_everything_wrong_with_profiles_is_said_at_once():
    profiles = pd.DataFrame({"profile_id": ["a", "a", None], "phone": ["1", "2", "3"]})
    with pytest.raises(
        InputError, match=r"no column email; there is no column region; profile_id is null in 1 of 3"
    ):
        resolve(profiles, ["phone", "email"], walls=["region"])
    with pytest.raises(ConfigError, match="nothing to join profiles by"):
        resolve(pd.DataFrame({"profile_id": ["a"]}))
    with pytest.raises(InputError, match="profile_id repeats in 1 of 2 rows"):
        resolve(profiles.iloc[:2], ["phone"])


def test_no_profiles_are_no_customers():
    empty = pd.DataFrame({"profile_id": pd.Series([], dtype="str"), "phone": pd.Series([], dtype="str")})
    assert len(resolve(empty, ["phone"])) == 0


def test_an_empty_wall_is_an_absent_one_and_ids_may_be_numbers():
    profiles = pd.DataFrame(
        {"profile_id": [10, 9, 8, 7], "phone": ["1"] * 4, "region": ["CN", "CN ", "", " "]}
    )
    customers = resolve(profiles, ["phone"], walls=["region"])
    assert groups(customers) == {frozenset({"10", "9"}), frozenset({"8"}), frozenset({"7"})}
    before = pd.DataFrame({"profile_id": [10, 9], "customer_id": [77, 77]})
    after = (
        resolve(profiles, ["phone"], walls=["region"], previous=before).to_pandas().set_index("profile_id")
    )
    assert after.loc["9", "customer_id"] == "77"
    pairs = pd.DataFrame({"left": [10], "right": [9], "probability": [0.9]})
    assert len(resolve(profiles, [], scorer=lambda _: pairs)) == 3


def test_a_file_is_read_as_it_is_called(tmp_path):
    profiles = frame(phone=["1", "1", None], email=[None, "a@b.c", "a@b.c"])
    profiles.to_csv(tmp_path / "p.csv", index=False)
    profiles.to_parquet(tmp_path / "p[1].parquet")
    by_frame = resolve(profiles, ["phone", "email"])
    for path in (tmp_path / "p.csv", str(tmp_path / "p[1].parquet")):
        assert resolve(path, ["phone", "email"]).table.equals(by_frame.table)
    (tmp_path / "no.parquet").write_text("nothing")
    with pytest.raises(InputError, match=r"no.parquet: can't be read as CSV or Parquet"):
        resolve(tmp_path / "no.parquet", ["phone"])
