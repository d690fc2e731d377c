"""Check of LightGBM's text before LightGBM reads it: a wrong index there ends the process or never ends.

The text must have the lines that LightGBM 4 writes (`crm_ml.models.booster_lines`), lists as long as its
counts say, and trees that are trees: each node and leaf has one parent, which stands before it. All trees are
checked together, in time linear in the text.
"""

from dataclasses import dataclass, field

import numpy as np

from crm_ml.models.booster_lines import MOST_LEAVES, TreeLines, refuse, tree_lines
from crm_ml.models.number_lists import REAL, WHOLE, is_numbers
from crm_ml.models.trees import BY_CATEGORY, Ints, Trees

MOST_DEPTH = 500  # contributions take memory and calls by the depth of a tree
_INT32, _UINT32 = 2**31 - 1, 2**32 - 1
_MOST_TYPE = 11


@dataclass(frozen=True)
class _Forest:
    """All trees of a text, with their nodes and leaves behind each other.

    Parameters
    ----------
    lines : TreeLines
    where : str
    leaves, nodes, categories : numpy.ndarray of int, shape (trees,)
    parsed : dict of str to numpy.ndarray of int
        Lists that were checked to be whole numbers, by name.
    """

    lines: TreeLines
    where: str
    leaves: Ints
    nodes: Ints
    categories: Ints
    parsed: dict[str, Ints] = field(default_factory=dict)

    def texts(self, name: str, lengths: Ints) -> str:
        """Return the lists of a name, each of its length, as one text, apart by one space."""
        texts = self.lines.lists[name]
        counted = np.array([text.count(" ") + 1 if text else 0 for text in texts])
        wrong = counted != lengths
        if wrong.any():
            several = f"{int(wrong.sum()):,} trees (first: tree {wrong.argmax()})"
            refuse(self.where, f"{name} has another number of values than it needs in {several}")
        return " ".join(filter(None, texts))

    def whole(self, name: str, lengths: Ints) -> Ints:
        """Return the lists of a name, one behind the other, as whole numbers."""
        joined = self.texts(name, lengths)
        self.plain(name, joined, WHOLE)
        self.parsed[name] = np.fromstring(joined, dtype=np.int64, sep=" ")
        return self.parsed[name]

    def plain(self, name: str, joined: str, pairs: bytes = REAL) -> None:
        """Refuse a text that is not numbers with one space between them, each finite."""
        if joined and not is_numbers(joined, pairs):
            kind = "whole number" if pairs is WHOLE else "finite number"
            refuse(self.where, f"{name} has a value that is no {kind} as LightGBM writes it")

    def within(self, name: str, values: Ints, low: Ints | int, high: Ints | int) -> None:
        """Refuse whole numbers outside of a range (both ends in it)."""
        outside = (values < low) | (values > high)
        if outside.any():
            refuse(self.where, f"{name} has {int(outside.sum()):,} of {len(values):,} values out of range")


def check_text(text: str, features: int | None, where: str) -> Trees:
    """Return the trees of a text; refuse one that LightGBM could not read, or not predict from, without harm.

    Parameters
    ----------
    text : str
    features : int or None
        Columns that will be scored; None if as many as the text has.
    where : str
        What it is to the user, such as the name of its file.

    Raises
    ------
    IntegrityError
        The message says what is wrong, and in how many places.
    """
    lines = tree_lines(text, where)
    if features is not None and lines.features != features:
        refuse(where, f"it has {lines.features:,} features, and the model {features:,}")
    leaves, categories = np.array(lines.leaves, dtype=np.int64), np.array(lines.categories, dtype=np.int64)
    forest = _Forest(lines, where, leaves, leaves - 1, categories)
    forest.within("num_leaves", leaves, 1, MOST_LEAVES)
    forest.within("num_cat", categories, 0, forest.nodes)
    if set(lines.lists["is_linear"]) != {"0"}:
        refuse(where, "it has linear trees")
    _check_values(forest)
    _check_splits(forest)
    _check_shape(forest)
    return _trees(forest)


def _trees(forest: _Forest) -> Trees:
    """Return the lists of a checked text as arrays."""
    whole = forest.parsed
    threshold, leaf_value = (
        np.fromstring(forest.texts(name, lengths), dtype=np.float64, sep=" ")
        for name, lengths in (("threshold", forest.nodes), ("leaf_value", forest.leaves))
    )
    by_category = np.flatnonzero(whole["decision_type"] & BY_CATEGORY)
    sets_before = np.repeat(np.cumsum(forest.categories) - forest.categories, forest.nodes)
    threshold[by_category] += sets_before[by_category]
    nothing = np.zeros(0, dtype=np.int64)
    ends = whole.get("cat_boundaries", nothing)
    counts = forest.categories[forest.categories > 0] + 1
    last = np.cumsum(counts) - 1  # where the ends of a tree end
    words_before = np.repeat(np.cumsum(ends[last]) - ends[last], counts)
    return Trees(
        objective=forest.lines.objective,
        leaves=forest.leaves,
        split_feature=whole["split_feature"],
        decision_type=whole["decision_type"],
        left_child=whole["left_child"],
        right_child=whole["right_child"],
        threshold=threshold,
        leaf_value=leaf_value,
        leaf_count=whole["leaf_count"],
        internal_count=whole["internal_count"],
        set_start=np.delete(ends + words_before, last),
        set_words=np.delete(np.diff(ends, append=0), last),
        category_words=whole.get("cat_threshold", nothing),
    )


def _check_values(forest: _Forest) -> None:
    several = np.where(forest.leaves > 1, forest.leaves, 0)  # a tree of one leaf has no weight
    lengths = {
        "leaf_value": forest.leaves, "leaf_weight": several,
        **dict.fromkeys(("internal_value", "internal_weight"), forest.nodes),
        "shrinkage": np.ones_like(forest.leaves),
    }  # fmt: skip
    forest.plain("a list", " ".join(filter(None, (forest.texts(*each) for each in lengths.items()))))
    for name in ("threshold", "split_gain"):  # inf parts missing values from all others, which may gain inf
        values = forest.texts(name, forest.nodes).split(" ")
        forest.plain(name, " ".join(value for value in values if value != "inf"))
    counts = forest.whole("leaf_count", forest.leaves)
    forest.within("leaf_count", counts, np.repeat(forest.leaves > 1, forest.leaves), _INT32)
    forest.within("internal_count", forest.whole("internal_count", forest.nodes), 1, _INT32)


def _check_splits(forest: _Forest) -> None:
    """Check which feature each node splits, how, and at which threshold or set of categories."""
    features = forest.whole("split_feature", forest.nodes)
    forest.within("split_feature", features, 0, forest.lines.features - 1)
    kinds = forest.whole("decision_type", forest.nodes)
    forest.within("decision_type", kinds, 0, _MOST_TYPE)
    tree = np.repeat(np.arange(len(forest.nodes)), forest.nodes)
    by_category = np.flatnonzero(kinds & BY_CATEGORY)
    if len(by_category):
        thresholds = forest.texts("threshold", forest.nodes).split(" ")
        sets = " ".join(thresholds[place] for place in by_category)
        forest.plain("threshold of a category", sets, WHOLE)
        most = forest.categories[tree[by_category]] - 1
        forest.within("threshold of a category", np.fromstring(sets, dtype=np.int64, sep=" "), 0, most)
    if forest.lines.lists["cat_boundaries"] or forest.categories.any():
        _check_categories(forest)


def _check_categories(forest: _Forest) -> None:
    """Check the sets of categories: their ends ascend from 0, and the last is how many words there are."""
    with_sets = forest.categories[forest.categories > 0]
    if len(with_sets) != len(forest.lines.lists["cat_boundaries"]):
        refuse(forest.where, "a tree has sets of categories without a count, or a count without sets")
    ends = forest.whole("cat_boundaries", with_sets + 1)
    last = np.cumsum(with_sets + 1) - 1
    first = last - with_sets
    steps = np.delete(np.diff(ends), last[:-1])
    if ends[first].any() or (steps < 1).any() or ends.max() > _INT32:
        refuse(forest.where, "cat_boundaries do not ascend from 0")
    words = forest.whole("cat_threshold", ends[last])
    forest.within("cat_threshold", words, 0, _UINT32)


def _check_shape(forest: _Forest) -> None:
    """Check that the nodes of each tree are one tree: all reached once, each child behind its parent."""
    first_node, first_leaf = (np.cumsum(sizes) - sizes for sizes in (forest.nodes, forest.leaves))
    tree = np.repeat(np.arange(len(forest.nodes)), forest.nodes)
    place = np.arange(len(tree)) - first_node[tree]
    nodes, leaves = [], []
    for name in ("left_child", "right_child"):
        child = forest.whole(name, forest.nodes)
        forest.within(name, child, -forest.leaves[tree], forest.nodes[tree] - 1)
        inner = child >= 0
        if (child[inner] <= place[inner]).any():
            refuse(forest.where, f"{name} leads back to a node before it")
        nodes.append((first_node[tree] + child, inner))
        leaves.append(first_leaf[tree[~inner]] - 1 - child[~inner])
    parent = np.full(len(tree), -1)
    for children, inner in nodes:
        parent[children[inner]] = np.flatnonzero(inner)
    reached = sum(int(inner.sum()) for _, inner in nodes)
    times = np.bincount(np.concatenate(leaves), minlength=int(forest.leaves.sum())) if len(tree) else ()
    lone = int((parent < 0).sum()) - int((forest.nodes > 0).sum())
    if lone or reached + int((forest.nodes > 0).sum()) != len(tree) or (np.asarray(times) > 1).any():
        refuse(forest.where, "a node or leaf is reached twice or never")
    _check_depth(forest, parent)


def _check_depth(forest: _Forest, parent: Ints) -> None:
    """Refuse trees deeper than `MOST_DEPTH`; each round goes up one step from all nodes below a root."""
    above = parent
    for _ in range(MOST_DEPTH):
        above = above[above >= 0]
        if not len(above):
            return
        above = parent[above]
    refuse(forest.where, f"a tree is deeper than {MOST_DEPTH} splits")
