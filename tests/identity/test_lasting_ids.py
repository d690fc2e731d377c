"""customer_ids stay: what is unchanged keeps its id, merges and splits are logged, no id comes back."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm_ml.errors import InputError
from crm_ml.identity import resolve


def of_groups(*groups):
    """Return profiles that are joined as the words are grouped."""
    rows = [(name, str(place)) for place, group in enumerate(groups) for name in group]
    return pd.DataFrame(rows, columns=["profile_id", "phone"])


def ids(customers):
    table = customers.to_pandas()
    return dict(zip(table["profile_id"], table["customer_id"], strict=True))


def log(customers):
    return [tuple(row) for row in customers.changes.astype(object).to_numpy().tolist()]


def test_an_unchanged_input_changes_none():
    first = resolve(of_groups("abc", "de", "f"), ["phone"])
    again = resolve(of_groups("f", "de", "abc"), ["phone"], previous=first)
    assert again.table.equals(first.table)
    assert log(again) == []


def test_the_next_day_new_profiles_come_to_a_customer_that_keeps_its_id():
    first = resolve(of_groups("bc", "de"), ["phone"])
    after = resolve(of_groups("abcx", "de", "yz"), ["phone"], previous=first)
    assert {ids(after)[name] for name in "abcx"} == {ids(first)["b"]}
    assert ids(after)["d"] == ids(first)["d"]
    assert ids(after)["y"] not in ids(first).values()
    assert log(after) == []


def test_of_a_merge_the_larger_keeps_its_id_and_the_other_is_logged():
    first = resolve(of_groups("de", "abc"), ["phone"])
    after = resolve(of_groups("abcde"), ["phone"], previous=first)
    kept, lost = ids(first)["a"], ids(first)["d"]
    assert set(ids(after).values()) == {kept}
    assert log(after) == [("merged", lost, kept, 2)]
    assert after.retired == {lost}


def test_of_a_split_the_larger_part_keeps_the_id_and_the_other_is_logged():
    first = resolve(of_groups("abcde"), ["phone"])
    after = resolve(of_groups("ab", "cde"), ["phone"], previous=first)
    assert ids(after)["c"] == ids(first)["a"]
    assert log(after) == [("split", ids(first)["a"], ids(after)["a"], 2)]


def test_a_customer_without_profiles_has_ended():
    first = resolve(of_groups("ab", "c"), ["phone"])
    after = resolve(of_groups("ab"), ["phone"], previous=first)
    (row,) = log(after)
    assert row[:2] == ("ended", ids(first)["c"])
    assert pd.isna(row[2])
    assert row[3] == 1


def test_a_retired_id_never_comes_back():
    first = resolve(of_groups("a", "bcd"), ["phone"])
    merged = resolve(of_groups("abcd"), ["phone"], previous=first)
    apart = resolve(of_groups("a", "bcd"), ["phone"], previous=merged)
    assert ids(apart)["a"] != ids(first)["a"]  # alike, but other lists have written to the first
    assert ids(apart)["b"] == ids(first)["b"]
    again = resolve(of_groups("abcd"), ["phone"], previous=apart)
    assert ids(first)["a"] in again.retired
    assert ids(apart)["a"] in again.retired


def matched_by_hand(before, after):
    """Return which group keeps which id, by taking the largest overlap again and again."""
    overlaps = [
        (-sum(before.get(name) == old for name in group), old, min(group), group)
        for group in after
        for old in set(before.values())
    ]
    kept, taken = {}, set()
    for negative, old, _, group in sorted(overlaps, key=lambda row: row[:3]):
        if negative < 0 and group not in kept and old not in taken:
            kept[group] = old
            taken.add(old)
    return kept


@settings(max_examples=6, deadline=None)
@given(st.integers(0, 10**6))
def test_ids_follow_the_largest_overlap(seed):
    draw = np.random.default_rng(seed)
    names = [f"p{row:02}" for row in range(40)]
    days = [
        pd.DataFrame({"profile_id": names, "phone": draw.integers(0, 12, 40).astype(str)}).sample(
            int(draw.integers(20, 41)), random_state=seed
        )
        for _ in range(3)
    ]
    earlier, used = resolve(days[0], ["phone"], hub_cap=50), set()
    for day in days[1:]:
        customers = resolve(day, ["phone"], hub_cap=50, previous=earlier)
        groups = {frozenset(part) for part in day.groupby("phone")["profile_id"].agg(list)}
        kept = matched_by_hand(ids(earlier), groups)
        now, used = ids(customers), used | set(ids(earlier).values())
        for group in groups:
            (customer,) = {now[name] for name in group}
            assert customer == kept[group] if group in kept else customer not in used
        lost = {
            (old, now.get(name)) for name, old in ids(earlier).items() if now.get(name, "") not in ("", old)
        }
        assert {(row[1], row[2]) for row in log(customers) if row[0] != "ended"} == lost
        earlier = customers


def test_a_frame_of_earlier_customers_is_checked():
    profiles = of_groups("ab")
    earlier = pd.DataFrame({"profile_id": ["a", "b"], "customer_id": ["old-7", "old-7"]})
    assert set(ids(resolve(profiles, ["phone"], previous=earlier)).values()) == {"old-7"}
    with pytest.raises(InputError, match="no column customer_id"):
        resolve(profiles, ["phone"], previous=earlier[["profile_id"]])
    twice = pd.DataFrame({"profile_id": ["a", "a"], "customer_id": ["x", None]})
    with pytest.raises(InputError, match=r"customer_id is null in 1 rows; profile_id repeats in 1 rows"):
        resolve(profiles, ["phone"], previous=twice)
