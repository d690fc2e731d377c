"""Rules hold in every list: hundreds of thousands of them, checked against the rules as they were written."""

import numpy as np
import pandas as pd
import pytest

from crm_ml.errors import ConfigError, InputError
from crm_ml.recommend import ItemKNN, Offer, Popularity, Rules
from crm_ml.recommend.serving import FALLBACK
from crm_ml.tables.strict import validate

DAY = 86_400
CUSTOMERS, ITEMS, COLD = 2_000, 36, 6
CATEGORIES, SEGMENTS = ("tea", "soap", "bread", "wine"), ("new", "gold", "lost")
LISTS = 240_000


def _events(seed=0):
    rng = np.random.default_rng(seed)
    n = CUSTOMERS * 6
    return pd.DataFrame(
        {
            "customer_id": [f"c{one:04d}" for one in rng.integers(0, CUSTOMERS, n)],
            "item_id": [f"i{one:02d}" for one in np.minimum(rng.geometric(0.08, n) - 1, ITEMS - 1)],
            "occurred_at": 1_700_000_000 + rng.integers(0, 90 * DAY, n),
        }
    )


def _catalogue(rng):
    ids = [f"i{one:02d}" for one in range(ITEMS)] + [f"n{one}" for one in range(COLD)]
    return pd.DataFrame(
        {
            "item_id": ids,
            "category": rng.choice([*CATEGORIES, None], len(ids)),
            "brand": rng.choice(["x", "y"], len(ids)),
        }
    )


def _random(rng, people):
    """Return an offer at random, some of it absent, and the length of its lists."""
    items = _catalogue(rng)
    there = sorted(set(items["category"].dropna()))

    def some(values, most):
        return [str(one) for one in rng.choice(values, rng.integers(0, most + 1), replace=False)]

    def scope():
        return {
            "items": some(items["item_id"], 9),
            "categories": some(there, 2),
            "segments": some(SEGMENTS, 2),
        }

    def scopes(most):
        found = [scope() for _ in range(rng.integers(0, most + 1))]
        return [one for one in found if one["items"] or one["categories"]]

    content = {
        "allow": scopes(1) if rng.random() < 0.4 else [],
        "block": scopes(2),
        "out_of_stock": some(items["item_id"], 5),
        "cool_down": [
            {"days": float(rng.integers(5, 60)), "categories": some(there, 1), "whole_category": bool(one)}
            for one in rng.integers(0, 2, rng.integers(0, 3))
        ],
        "category_caps": {one: int(rng.integers(1, 4)) for one in some(there, 2)},
        "most_per_category": int(rng.integers(1, 5)) if rng.random() < 0.5 else None,
        "exploration_slots": int(rng.integers(0, 3)),
    }
    n = 400
    pairs = pd.DataFrame(
        {
            "customer_id": rng.choice(people, n),
            "item_id": rng.choice([*items["item_id"], "none"], n),
            "rule": rng.choice(["allow", "block"], n, p=[0.2, 0.8]),
        }
    )
    drawn, kept = rng.choice(SEGMENTS, len(people)).tolist(), rng.random(len(people)) < 0.7
    segments = {one: name for one, name, there in zip(people, drawn, kept, strict=True) if there}
    segments |= dict(zip(["z0", "z1", "z2"], SEGMENTS, strict=True))
    return Offer(Rules(**content), items, segments, pairs), int(rng.integers(3, 9))


class Written:
    """The rules as they are written, for all customers and items at once."""

    def __init__(self, offer, people, had):
        self.offer, self.rules = offer, offer.rules
        self.items = list(offer.items["item_id"])
        self.category = offer.items["category"].fillna("").to_numpy(dtype=str)
        self.segment = np.array([offer.segments.get(one, "") for one in people])
        self.row = {one: number for number, one in enumerate(people)}
        self.column = {one: number for number, one in enumerate(self.items)}
        self.had = had

    def permitted(self, exclude_seen):
        """Return who may get what, shape (customers, items)."""
        everything = np.ones((len(self.segment), len(self.items)), dtype=bool)
        allowed, named = ~everything, np.zeros(len(self.segment), dtype=bool)
        for scope in self.rules.allow:
            allowed |= self._pairs(scope)
            named |= self._rows(scope)
        blocked = ~everything
        for scope in self.rules.block:
            blocked |= self._pairs(scope)
        for customer, item, rule in self.offer.pairs.itertuples(index=False):
            named[self.row[customer]] |= rule == "allow"
            if item in self.column:
                (allowed if rule == "allow" else blocked)[self.row[customer], self.column[item]] = True
        found = np.where(named[:, None], allowed, everything) & ~blocked
        found[:, np.isin(self.items, self.rules.out_of_stock)] = False
        self._rest(found)
        customer, item, _ = self.had
        if exclude_seen:
            found[customer, item] = False
        if not self.rules.exploration_slots:
            found[:, [one.startswith("n") for one in self.items]] = False
        return found

    def _rest(self, found):
        customer, item, age = self.had
        for rest in self.rules.cool_down:
            name = self.category[item]
            recent = (age < rest.days) & (np.isin(name, rest.categories) | (not rest.categories))
            found[customer[recent], item[recent]] = False
            for one in set(name[recent]) - {""} if rest.whole_category else ():
                rows = np.unique(customer[recent & (name == one)])
                found[np.ix_(rows, self.category == one)] = False

    def caps(self):
        """Return the most items of each category of the catalogue that has a name."""
        most = self.rules.most_per_category or len(self.items)
        return {str(name): self.rules.category_caps.get(name, most) for name in set(self.category) - {""}}

    def longest(self, permitted, k):
        """Return how long each list can be at most."""
        total = permitted[:, self.category == ""].sum(axis=1)
        for name, most in self.caps().items():
            total += np.minimum(permitted[:, self.category == name].sum(axis=1), most)
        return np.minimum(total, k)

    def _rows(self, scope):
        return np.isin(self.segment, scope.segments) | (not scope.segments)

    def _pairs(self, scope):
        columns = np.isin(self.items, scope.items) | np.isin(self.category, scope.categories)
        return self._rows(scope)[:, None] & columns[None, :]


def _had(events, people):
    last = events.groupby(["customer_id", "item_id"])["occurred_at"].max().reset_index()
    row = {one: number for number, one in enumerate(people)}
    age = (events["occurred_at"].max() + 1 - last["occurred_at"]).to_numpy() / DAY
    return last["customer_id"].map(row).to_numpy(), last["item_id"].str[1:].astype(int).to_numpy(), age


@pytest.mark.parametrize("part", range(4))
def test_no_list_of_many_breaks_a_rule_and_none_is_shorter_than_it_must_be(part):
    events = _events()
    people = np.array([*sorted(events["customer_id"].unique()), "z0", "z1", "z2", "nobody"], dtype=object)
    model, had = ItemKNN(half_life_days=30).fit(events), _had(events, people)
    rng = np.random.default_rng(part)
    checked, explored, short = 0, 0, 0
    while checked < LISTS // 4:
        offer, k = _random(rng, people)
        exclude = bool(rng.integers(0, 2))
        written = Written(offer, people, had)
        permitted = written.permitted(exclude)
        serving = model.serving(k, exclude, offer=offer)
        blocks = list(serving.blocks(people))
        items, scores, source = (
            np.concatenate([getattr(one, name) for one in blocks]) for name in ("items", "scores", "source")
        )
        kept = items >= 0
        number = np.array([written.column[one] for one in serving.items])
        rows = np.nonzero(kept)[0]
        assert permitted[rows, number[items[kept]]].all()
        pairs = rows * len(permitted) + items[kept]
        assert len(np.unique(pairs)) == len(pairs)
        named = written.category[number[items[kept]]]
        for name, most in written.caps().items():
            assert np.bincount(rows[named == name], minlength=1).max() <= most
        assert (kept.sum(axis=1) == written.longest(permitted, k)).all()
        assert np.isnan(scores[source > 0]).all() and np.isfinite(scores[kept & (source == 0)]).all()
        new = (source == 1).sum(axis=1)
        assert new.max() <= offer.rules.exploration_slots
        checked, explored, short = checked + len(people), explored + new.sum(), short + (~kept).sum()
    assert explored > 1000 and short > 1000  # the cases are not all easy ones


def _offer(rules, **more):
    items = pd.DataFrame(
        {
            "item_id": ["i00", "i01", "i02", "i03", "n0", "n1"],
            "category": ["tea", "tea", "tea", "soap", "tea", "soap"],
            "brand": ["x", "x", "y", "y", "y", None],
        }
    )
    return Offer(Rules(**rules), items, **more)


def test_a_cap_takes_the_best_of_each_category_and_goes_on():
    events = pd.DataFrame(
        [(f"c{n}", f"i0{item}", 100 + n) for item, times in enumerate((9, 7, 5, 2)) for n in range(times)],
        columns=["customer_id", "item_id", "occurred_at"],
    )
    model = Popularity().fit(events)
    free = model.recommend(["nobody"], 3, offer=_offer({}))
    capped = model.recommend(["nobody"], 3, offer=_offer({"category_caps": {"tea": 1}}))
    assert free["item_id"].tolist() == ["i00", "i01", "i02"]
    assert capped["item_id"].tolist() == ["i00", "i03"]  # nothing else may come in: shorter than three


def test_exploration_recommends_what_is_new_beside_its_neighbours_and_says_so():
    model = Popularity().fit(_events())
    table = model.recommend(["c0001"], 4, exclude_seen=False, offer=_offer({"exploration_slots": 1}))
    last = table.iloc[-1]
    assert table["item_id"].str[0].tolist() == ["i", "i", "i", "n"]
    assert last["reason"] == "explores what is new, like others of tea, y"
    assert np.isnan(last["score"])
    only_tea = {"exploration_slots": 2, "out_of_stock": ["n0"]}
    table = model.recommend(["c0001"], 4, exclude_seen=False, offer=_offer(only_tea))
    assert table["item_id"].iloc[2] == "n1"  # one new item is left: the other place goes back to the model
    assert table["reason"].iloc[2] == "explores what is new, like others of soap"
    assert table["item_id"].str[0].tolist() == ["i", "i", "n", "i"]


def test_who_has_no_past_gets_what_is_popular_in_the_segment_then_in_all():
    events = pd.DataFrame(
        [(f"a{n}", "i00", 100 + n) for n in range(9)] + [(f"b{n}", "i01", 100 + n) for n in range(3)],
        columns=["customer_id", "item_id", "occurred_at"],
    )
    segments = {one: one[0] for one in events["customer_id"]} | {"new": "b"}
    table = ItemKNN().fit(events).recommend(["new", "other"], 2, offer=Offer(segments=segments))
    assert table["item_id"].tolist() == ["i01", "i00", "i00", "i01"]
    told = ["popular in segment b, for want of a score", FALLBACK, FALLBACK, FALLBACK]
    assert table["reason"].tolist() == told
    assert table["score"].isna().all()


def test_everything_that_is_wrong_with_an_offer_is_said_at_once():
    with pytest.raises(InputError) as caught:
        _offer(
            {"block": [{"categories": ["te"], "segments": ["vip"]}], "category_caps": {"beer": 1}},
            pairs=pd.DataFrame(
                {"customer_id": ["a", None], "item_id": ["x", "y"], "rule": ["deny", "block"]}
            ),
        )
    for words in (
        "1 of 2 pairs lack an id",
        "1 pairs have a rule that is neither allow nor block: deny",
        "rules name segments that no customer has: vip",
    ):
        assert words in str(caught.value)
    with pytest.raises(InputError, match="rules name categories that no item has: beer, te"):
        _offer({"block": [{"categories": ["te"]}], "category_caps": {"beer": 1}})
    with pytest.raises(InputError, match="about categories or exploration; give items with their category"):
        Offer(Rules(most_per_category=1))
    with pytest.raises(InputError, match="items lack category"):
        Offer(items=pd.DataFrame({"item_id": ["a"]}))
    with pytest.raises(InputError, match="1 of 2 items stand more than once"):
        Offer(items=pd.DataFrame({"item_id": ["a", "a"], "category": "x"}))
    with pytest.raises(
        InputError, match="exploration_slots is 3, of lists of 3; leave at least one to the model"
    ):
        Popularity().fit(_events()).recommend(["c0001"], 3, offer=_offer({"exploration_slots": 3}))


def test_rules_are_read_as_data_with_all_mistakes_at_once():
    read = validate({"block": [{"items": ["a"]}], "cool_down": [{"days": 14.0}]}, Rules, "rules.yaml")
    assert read.block[0].items == ("a",)
    with pytest.raises(ConfigError) as caught:
        wrong = {"block": [{"segments": ["a"]}], "cool_down": [{"days": -1.0}], "exploration_slots": -1}
        validate(wrong, Rules, "rules.yaml")
    for words in ("block[0]: name items or categories", "cool_down[0].days", "exploration_slots"):
        assert words in str(caught.value)
