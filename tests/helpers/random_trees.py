"""Texts of LightGBM with random trees, and rows near all that their nodes ask."""

import numpy as np

from crm_ml.models.tree_codes import ZERO

FEATURES = 6
SPECIAL = (0.0, -0.0, 5e-324, -5e-324, 1e-35, ZERO, np.nextafter(ZERO, 1), -ZERO, 1.0, 1e300)
SIZES = (1, 1, 2, 3, 7, 31, 32, 33, 64, 65, 200)


def text_of_trees(rng, sizes, average=False, trained=False):
    """A text as LightGBM writes it, of trees with so many leaves that are random in all else.

    With `trained`, all nodes of a feature treat what is missing alike, as those of training do.
    """
    of_feature = rng.choice([0, 4, 8, 1], FEATURES) if trained else None
    trees = [tree(rng, number, leaves, of_feature) for number, leaves in enumerate(sizes)]
    head = [
        "tree", "version=v4", "num_class=1", "num_tree_per_iteration=1", "label_index=0",
        f"max_feature_idx={FEATURES - 1}", "objective=binary sigmoid:1", *["average_output"] * average,
        "feature_names=" + " ".join(f"f{n}" for n in range(FEATURES)),
        "feature_infos=" + " ".join(["[0:1]"] * FEATURES),
        "tree_sizes=" + " ".join(str(len(each)) for each in trees), "", "",
    ]  # fmt: skip
    return "\n".join(head) + "".join(trees) + "end of trees\n\nfeature_importances:\n\n"


def tree(rng, number, leaves, of_feature):
    """The lines of one tree: children behind their parents, three kinds of missing values, and categories."""
    nodes = leaves - 1
    left, right, above = [], [], {0: None}
    for node in range(nodes):
        leaf = int(rng.integers(node + 1)) if rng.random() < 0.6 else node  # a chain, now and then
        if above[leaf] is not None:
            side, parent = above[leaf]
            side[parent] = node
        left.append(-1 - leaf)
        right.append(-2 - node)
        above[leaf], above[node + 1] = (left, node), (right, node)
    features = rng.integers(0, FEATURES, nodes)
    kinds = rng.choice([0, 2, 4, 6, 8, 10, 1, 9], nodes)
    if of_feature is not None:
        kinds = of_feature[features] + 2 * (rng.random(nodes) < 0.5) * (of_feature[features] != 1)
    thresholds, bounds, words = [], [0], []
    for kind in kinds:
        if kind & 1:
            thresholds.append(str(len(bounds) - 1))
            words += rng.integers(0, 2**32, rng.integers(1, 4)).tolist() if rng.random() < 0.9 else [0]
            bounds.append(len(words))
        else:
            drawn = rng.choice([*SPECIAL, np.inf]) if rng.random() < 0.3 else rng.normal() * 3
            thresholds.append(f"{drawn:.17g}")

    def line(name, values):
        return f"{name}={' '.join(map(str, values))}"

    ones, weights, rows = [1] * nodes, [1] * leaves, rng.integers(1, 50, leaves)
    together = [0] * nodes
    for node in reversed(range(nodes)):
        below = (left[node], right[node])
        together[node] = sum(together[child] if child >= 0 else rows[-1 - child] for child in below)
    lines = [
        f"Tree={number}", f"num_leaves={leaves}", f"num_cat={len(bounds) - 1}",
        line("split_feature", features), line("split_gain", ones),
        line("threshold", thresholds), line("decision_type", kinds),
        line("left_child", left), line("right_child", right),
        line("leaf_value", (f"{value:.17g}" for value in rng.normal(size=leaves))),
        line("leaf_weight", weights if nodes else []), line("leaf_count", rows if nodes else [0]),
        line("internal_value", ones), line("internal_weight", ones), line("internal_count", together),
        *([line("cat_boundaries", bounds), line("cat_threshold", words)] if words else []),
        "is_linear=0", "shrinkage=1", "", "",
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


def values(rng, trees, rows):
    """Thresholds and their neighbours, categories and what is none, zeros of all kinds, nothing, and inf."""
    thresholds = trees.threshold[np.isfinite(trees.threshold)]
    near = np.concatenate([thresholds, np.nextafter(thresholds, np.inf), np.nextafter(thresholds, -np.inf)])
    categories = np.concatenate([np.arange(-2, 100), [0.5, -0.5, 2.0**31, -(2.0**31), 2.0**40, 31.9]])
    others = [*SPECIAL, *np.negative(SPECIAL), np.nan, np.nan, np.nan, np.inf, -np.inf]
    draws = np.stack([rng.choice(each, (rows, FEATURES)) for each in (near, categories, others)])
    return rng.permuted(draws, axis=0)[0]
