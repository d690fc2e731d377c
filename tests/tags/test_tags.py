"""Tags are what their rules say of each customer, and unknown where a value is missing, in any blocks."""

import narwhals as nw
import numpy as np
import pandas as pd
import pytest

from crm_ml.errors import ConfigError, InputError, IntegrityError
from crm_ml.rules import compile_rule
from crm_ml.tags import TagCatalogue, TagStore, building, tag_files, tag_planes
from crm_ml.tags.tag_page import moves, overlaps, page_of

DAY = pd.Timestamp("2024-06-01").date()
RULES = {
    "many": "orders >= 3",
    "few": "not orders >= 3",
    "middle": "spend between 10 and 20",
    "outside": "spend not between 10 and 20",
    "near": "town in ('Ulm', 'Köln')",
    "elsewhere": "not town = 'Ulm'",
    "no_town": "town is null",
    "inside": "member = true",
    "guest": "member != true and not (orders < 2 or spend > 50)",
    "either": "orders < 2 or town = 'Bonn'",
    "odd": "not (orders in (1, 3, 5) and spend != 12)",
}


def frame(rows=500, seed=0):
    rng = np.random.default_rng(seed)
    data = pd.DataFrame(
        {
            "orders": rng.integers(0, 6, rows).astype(float),
            "spend": rng.integers(0, 60, rows).astype("float32"),
            "town": rng.choice(["Ulm", "Köln", "Bonn", None], rows),
            "member": pd.array(rng.choice([True, False], rows), dtype="boolean"),
        },
        index=pd.Index([f"c{n:04d}" for n in range(rows)], name="customer_id"),
    )
    data.loc[rng.random(rows) < 0.2, "orders"] = np.nan
    data.loc[rng.random(rows) < 0.2, "spend"] = np.nan
    data.loc[rng.random(rows) < 0.2, "member"] = pd.NA
    return data


def catalogue(rules=None, **tags):
    named = {name: {"description": name, "rule": rule} for name, rule in (rules or {}).items()}
    return TagCatalogue.model_validate({"tags": named | tags})


def true_by_rule(data, rule):
    native = nw.from_native(data.reset_index())
    return set(native.filter(compile_rule(rule, native.schema))["customer_id"].to_list())


@pytest.mark.parametrize("block", [64, 1 << 20])
def test_each_tag_is_its_rule_and_its_negation_the_rule_negated(block, monkeypatch):
    for module in (building, tag_planes, tag_files):
        monkeypatch.setattr(module, "BLOCK", block)
    data = frame()
    store = building.of_frame(data.sample(frac=1, random_state=1), DAY, catalogue(RULES))
    assert len(store.blocks) == -(-500 // block)
    counts = store.counts()
    for name, rule in RULES.items():
        true, false = true_by_rule(data, rule), true_by_rule(data, f"not ({rule})")
        assert set(store.audience(name).ids()) == true, name
        assert set(store.audience(f"not {name}").ids()) == false, name
        assert counts.loc[name].tolist() == [len(true), len(false), 500 - len(true) - len(false)]
    columns = store.frame(["many", "near"])
    assert columns.index.tolist() == data.index.tolist()
    assert columns["tag_many"].isna().equals(data["orders"].isna())
    assert store.tags_of("c0007") == {
        name: None if pd.isna(value) else bool(value)
        for name, value in store.frame().loc["c0007"].rename(lambda column: column[4:]).items()
    }


def test_combined_audiences_are_the_rules_combined():
    data, store = frame(), building.of_frame(frame(), DAY, catalogue(RULES))
    rule = "(many and near and not guest) or (middle and inside = false)"
    expected = true_by_rule(
        data,
        f"(({RULES['many']}) and ({RULES['near']}) and not ({RULES['guest']})) "
        f"or (({RULES['middle']}) and not ({RULES['inside']}))",
    )
    found = store.audience(rule)
    assert found.count() == len(expected) > 10
    assert found.ids().tolist() == sorted(expected)
    rows = found.to_list("letter")
    assert rows["customer_id"].tolist() == sorted(expected)
    assert set(rows["action"]) == {"letter"} and set(rows["audience"]) == {rule}


def test_of_whom_nothing_is_known_neither_a_tag_nor_its_negation_holds():
    """The trap: bits of nobody are no bits, and 'not known to be' is not 'known not to be'."""
    data = frame(16).assign(orders=np.nan)
    store = building.of_frame(data, DAY, catalogue(RULES))
    assert store.audience("many").count() == store.audience("not many").count() == 0
    assert store.audience("many or not many").count() == 0
    assert store.audience("many is null").count() == 16
    assert store.audience("near or many").ids().tolist() == store.audience("near").ids().tolist()
    assert store.audience("not near and not many").count() == 0


def test_tags_of_tags_stand_in_any_order_and_circles_are_refused_with_their_path():
    rules = {
        "top": "known and not low",
        "known": "much is not null",
        "much": "orders > 3",
        "low": "spend < 5",
    }
    data, store = frame(), building.of_frame(frame(), DAY, catalogue(rules))
    expected = data.index[data["orders"].notna() & (data["spend"] >= 5)]
    assert store.audience("top").ids().tolist() == expected.tolist()
    with pytest.raises(ValueError, match="tags name each other in a circle: a -> b -> c -> a"):
        catalogue({"a": "b", "b": "c or orders > 1", "c": "not a"})


def test_a_tag_with_a_memory_does_not_flicker():
    tag = {"description": "risk", "enter": "p >= 0.6", "leave": "p < 0.5"}
    levels = [0.55, 0.65, 0.55, 0.5, 0.49, 0.55, 0.7, np.nan, 0.55, 0.2]
    ids = pd.Index(["a"], name="customer_id")
    store, seen = None, []
    for level in levels:
        now = pd.DataFrame({"p": [level]}, index=ids)
        store = building.of_frame(now, DAY, catalogue(risk=tag)) if store is None else building.updated(
            store, DAY, now.head(0), now
        )  # fmt: skip
        seen.append(store.tags_of("a")["risk"])
    assert seen == [False, True, True, True, False, False, True, True, True, False]


def test_everything_that_is_wrong_is_told_at_once():
    with pytest.raises(ConfigError) as told:
        building.of_frame(frame(), DAY, catalogue({"a": "order > 1", "b": "town > 3", "c": "orders = 'x'"}))
    for words in (
        "tag a: at character 1: there is no column 'order'; did you mean 'orders'?",
        "tag b",
        "tag c",
    ):
        assert words in str(told.value)
    with pytest.raises(ValueError, match=r"tag b: .*column 'a' is boolean, which '>' can't order"):
        catalogue({"a": "orders > 1", "b": "a > 3"})
    with pytest.raises(ValueError, match="tag between: a word of the rules is no name"):
        catalogue({"between": "orders > 1"})
    with pytest.raises(ValueError, match="give a rule, or enter and leave"):
        catalogue(a={"description": "x", "rule": "orders > 1", "enter": "orders > 2", "leave": "orders < 1"})
    limited = {"description": "x", "rule": "orders > 1", "purposes": ["marketing"], "valid_days": 2}
    store = building.of_frame(frame(), DAY, catalogue({"many": "orders > 2"}, short=limited))
    store.audience("short", on=DAY + pd.Timedelta(days=1), purpose="marketing")
    with pytest.raises(InputError) as refused:
        store.audience("short and mny", on=DAY + pd.Timedelta(days=2), purpose="support")
    assert str(refused.value) == (
        "audience: short holds for 2 days from 2024-06-01, not on 2024-06-03; refresh it; short is for "
        "marketing, not for support; 'mny' is no tag; did you mean many?"
    )
    with pytest.raises(InputError, match="column 'many' is boolean, but 3 is number"):
        store.audience("many = 3")
    with pytest.raises(InputError, match="'nobody' is not among the 500"):
        store.tags_of("nobody")
    with pytest.raises(InputError, match="1 of 501 rows are of a customer who has one already"):
        building.of_frame(pd.concat([frame(), frame().head(1)]), DAY, catalogue({"many": "orders > 2"}))


@pytest.mark.parametrize("block", [64, 1 << 20])
def test_a_change_of_some_customers_is_a_build_of_all_to_the_bit(block, monkeypatch):
    for module in (building, tag_planes, tag_files):
        monkeypatch.setattr(module, "BLOCK", block)
    rng = np.random.default_rng(3)
    data, made = frame(300), catalogue(RULES)
    store = building.of_frame(data, DAY, made)
    for day in range(6):
        changed = frame(300, seed=day + 10).sample(17, random_state=day)
        new = frame(9, seed=day).set_index(pd.Index([f"n{day}{n}" for n in range(9)], name="customer_id"))
        data = pd.concat([data.drop(changed.index), changed, new])
        gone = rng.choice(data.index, 2, replace=False)
        data = data.drop(gone)
        part = pd.concat([changed, new]).drop(gone, errors="ignore")
        store = building.updated(store, DAY, part, gone=building.encoded(gone))
        again = building.of_frame(data, DAY, made)
        pd.testing.assert_frame_equal(store.frame(), again.frame())
        pd.testing.assert_frame_equal(store.counts(), again.counts())
        numbers = store.customers.find(building.encoded(["c0000", "c0299"]))
        assert numbers.tolist() == [0, 299]  # who has a number keeps it
        data = pd.concat([data, frame(300).loc[[one for one in gone if one in frame(300).index]]])
        back = data.loc[[one for one in gone if one in data.index]]
        store = building.updated(store, DAY, back)


def test_a_store_outlives_its_folder_and_damage_is_refused(tmp_path):
    store = TagStore.of_frame(frame(), DAY, catalogue(RULES))
    store.save(tmp_path / "one"), store.save(tmp_path / "two")
    for name in ("planes.bin", "customers.parquet", "tags.json", "manifest.json"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    loaded = TagStore.load(tmp_path / "one")
    pd.testing.assert_frame_equal(loaded.frame(), store.frame())
    assert loaded.catalogue == store.catalogue
    planes = tmp_path / "two" / "planes.bin"
    planes.write_bytes(planes.read_bytes()[:-1] + b"\0")
    with pytest.raises(IntegrityError, match=r"planes\.bin"):
        TagStore.load(tmp_path / "two")


def test_the_page_counts_moves_and_pairs_and_names_nobody():
    before, now = frame(), frame()
    now.loc["c0001":"c0050", "orders"] = 5.0
    rules = {"many": "orders >= 3", "most": "orders >= 4", "rich": "spend > 30"}
    was, store = (building.of_frame(each, DAY, catalogue(rules)) for each in (before, now))
    entered = now["orders"].ge(3) & ~before["orders"].ge(3)
    assert moves(store, was)["many"] == (int(entered.sum()), 0)
    assert moves(was, store)["many"] == (0, int(entered.sum()))
    first, other, both, smaller, lift = overlaps(store)[0]
    assert (first, other) == ("many", "most") and both == smaller == now["orders"].ge(4).sum()
    assert lift == pytest.approx(500 / now["orders"].ge(3).sum())
    text = page_of(store, was)
    assert "many and most" in text and "orders &gt;= 4" in text and "c0001" not in text
    assert "<script" not in text
