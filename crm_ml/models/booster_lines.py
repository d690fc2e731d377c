"""The lines of LightGBM's text: which there are, in which order, and how long the lists of each tree are."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NoReturn

from crm_ml.errors import IntegrityError

MOST_SIGNS = 1 << 28  # of a text
MOST_LEAVES = 131_072  # of a tree; LightGBM's own limit
_NUMBER = r"-?(?:\d{1,330}(?:\.\d{1,60})?(?:e[+-]\d{1,3})?|inf)"
_INFO = rf"(?:none|\[{_NUMBER}:{_NUMBER}\]|-?\d{{1,10}}(?::-?\d{{1,10}})*+)"
_POSITIVE = r"(?=[\d.]*[1-9])\d{1,20}(?:\.\d{1,20})?(?:e[+-]\d{1,2})?"
_HEAD: Final = re.compile(
    "tree\nversion=v4\nnum_class=1\nnum_tree_per_iteration=1\nlabel_index=0\n"
    r"max_feature_idx=(?P<last>\d{1,6})\n"
    rf"(?:objective=(?P<objective>binary sigmoid:{_POSITIVE}|regression(?: sqrt)?|tweedie|lambdarank)\n)?"
    r"(?P<averages>average_output\n)?"
    r"feature_names=(?P<names>[!-<>-~]++(?: [!-<>-~]++)*+)\n"
    r"(?:monotone_constraints=(?P<monotone>-?[01](?: -?[01])*+)\n)?"
    rf"feature_infos=(?P<infos>{_INFO}(?: {_INFO})*+)\n"
    r"tree_sizes=(?P<sizes>\d{1,9}(?: \d{1,9})*+)\n\n"
)
_END: Final = re.compile(r"end of trees\n\nfeature_importances:\n(?:[!-<>-~]++=\d{1,12}\n)*+\n")
_OF_LEAVES = ("leaf_value", "leaf_weight", "leaf_count")
_BEFORE = (
    "num_leaves", "num_cat", "split_feature", "split_gain", "threshold", "decision_type", "left_child",
    "right_child", *_OF_LEAVES, "internal_value", "internal_weight", "internal_count",
)  # fmt: skip
_CATEGORIES, _AFTER = ("cat_boundaries", "cat_threshold"), ("is_linear", "shrinkage")
_SHORTEST = 1 + len(_BEFORE) + len(_AFTER) + 2  # lines of a tree without categories; two of them are empty


@dataclass(frozen=True)
class TreeLines:
    """The lists of all trees as they are written, by the name of their line; one text for each tree.

    Parameters
    ----------
    features : int
    objective : str
        With its parameter; empty where there is none, or the trees are averaged.
    leaves, categories : tuple of int
        Of each tree; a tree with categories has two lists more.
    lists : mapping of str to list of str
    """

    features: int
    objective: str
    leaves: tuple[int, ...]
    categories: tuple[int, ...]
    lists: Mapping[str, list[str]]


def tree_lines(text: str, where: str) -> TreeLines:
    """Return the lists of a text that has the lines of LightGBM 4 and no others.

    Raises
    ------
    IntegrityError
        The message says in which part and, where it can, in which tree.
    """
    if len(text) > MOST_SIGNS or not text.isascii():
        refuse(where, f"it is longer than {MOST_SIGNS:,} signs, or not plain ASCII")
    head = _HEAD.match(text)
    if head is None:
        refuse(where, "its head is not as LightGBM 4 writes it for one outcome, or names another objective")
    features = int(head["last"]) + 1
    for part in ("names", "monotone", "infos"):
        if head[part] is not None and head[part].count(" ") + 1 != features:
            refuse(where, f"its head has not as many {part} as its {features:,} features")
    lists = _lists(text[head.end() :].split("\n"), tuple(map(int, head["sizes"].split(" "))), where)
    if _END.fullmatch(text, head.end() + sum(map(int, head["sizes"].split(" ")))) is None:
        refuse(where, "its trees do not end where tree_sizes says, or what follows is no list of importances")
    objective = "" if head["averages"] else head["objective"] or ""
    leaves, categories = (_counts(lists, name, where) for name in ("num_leaves", "num_cat"))
    return TreeLines(features, objective, leaves, categories, lists)


def refuse(where: str, what: str) -> NoReturn:
    """Raise the error of a text that LightGBM must not read."""
    raise IntegrityError(f"{where}: no trees of LightGBM that can be read: {what}; train the model again")


def _lists(lines: list[str], sizes: tuple[int, ...], where: str) -> dict[str, list[str]]:
    """Return the lists of all trees by name, from the lines behind the head."""
    starts, ends, at = [], [], 0
    for number, size in enumerate(sizes):
        length = _SHORTEST + (0 if lines[at + 2 : at + 3] == ["num_cat=0"] else len(_CATEGORIES))
        block = lines[at : at + length]
        if sum(map(len, block)) + length != size or block[0] != f"Tree={number}" or any(block[-2:]):
            refuse(where, f"tree {number} has other lines, or another size than tree_sizes says")
        starts.append(at)
        at += length
        ends.append(at)
    longer = [start for start, end in zip(starts, ends, strict=True) if end - start > _SHORTEST]
    places = [
        *((name, starts, 1 + step) for step, name in enumerate(_BEFORE)),
        *((name, longer, 1 + len(_BEFORE) + step) for step, name in enumerate(_CATEGORIES)),
        *((name, ends, step - 4) for step, name in enumerate(_AFTER)),
    ]
    return {name: _of_name(name, [lines[of + step] for of in trees], where) for name, trees, step in places}


def _of_name(name: str, lines: list[str], where: str) -> list[str]:
    """Return what the lines of one name in all trees hold."""
    start = f"{name}="
    if any(line[: len(start)] != start for line in lines):
        refuse(where, f"a tree has another line in place of {name}")
    return [line[len(start) :] for line in lines]


def _counts(lists: Mapping[str, list[str]], name: str, where: str) -> tuple[int, ...]:
    if not all(count.isdigit() and len(count) <= 6 for count in lists[name]):
        refuse(where, f"{name} of a tree is no number of at most six digits")
    return tuple(map(int, lists[name]))
