"""Windows of the two heads: the pairs at a moment with their features, and labels of what came after."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from crm_ml.errors import InputError
from crm_ml.recommend.candidate_pairs import scored_pairs
from crm_ml.recommend.interactions import Floats, Ids, Interactions, Ints, lookup
from crm_ml.recommend.memo import Memo
from crm_ml.recommend.pair_features import PairFeatures
from crm_ml.snapshots import DAY_S
from crm_ml.storage.identity import identity

REPEAT, NEW = "repeat", "new"
Reals = npt.NDArray[np.float32]


@dataclass(frozen=True)
class HeadSettings:
    """Parameters of the two heads, as in `crm_ml.recommend.two_heads.TwoHeads`."""

    horizon_days: int
    own: int
    candidates: int
    l2: float
    half_life_days: float
    rounds: int
    num_leaves: int
    learning_rate: float
    seed: int
    num_threads: int
    new_rounds: int | None
    new_leaves: int | None
    new_learning_rate: float | None
    new_truncation: int
    new_min_rows: int
    new_l2: float
    params: Mapping[str, Any]
    new_params: Mapping[str, Any]

    @staticmethod
    def of(model: Any) -> "HeadSettings":
        """Take the parameters of a model."""
        return HeadSettings(**{name: getattr(model, name) for name in HeadSettings.__dataclass_fields__})


@dataclass(frozen=True, eq=False)
class Window:
    """Pairs of each head at a moment with their features, in the order of customers.

    Parameters
    ----------
    content : str
        Sum of what the window follows from.
    customers, items : numpy.ndarray of str
        Ids by number.
    rows, columns : mapping of str to numpy.ndarray of int
        Numbers of the pairs' customers and items.
    X : mapping of str to numpy.ndarray of float32, shape (n, k)
    names : mapping of str to list of str
    """

    content: str
    customers: Ids
    items: Ids
    rows: Mapping[str, Ints]
    columns: Mapping[str, Ints]
    X: Mapping[str, Reals]
    names: Mapping[str, Sequence[str]]

    @staticmethod
    def at_end(
        data: Interactions, category: Mapping[str, str], settings: HeadSettings, memo: Memo
    ) -> "Window":
        """Return the window of all customers at the end of the data, made once for equal events."""
        numbers = _categories(data, category)
        ingredients = {
            "events": data.content,
            "categories": hashlib.sha256(numbers.tobytes()).hexdigest(),
            **{name: getattr(settings, name) for name in ("own", "candidates", "l2", "half_life_days")},
        }
        content = identity(ingredients)
        return memo.once("window", content, lambda: _window(content, data, numbers, settings, memo))


@dataclass(frozen=True, eq=False)
class TrainingWindow:
    """The pairs of customers who bought something after a moment, and whether that was bought.

    Customers without a purchase carry no information on items.

    Parameters
    ----------
    content : str
        Sum of what it follows from.
    rows : mapping of str to numpy.ndarray of int
        Numbers of the pairs' customers, by head.
    X : mapping of str to numpy.ndarray of float32, shape (n, k)
    y : mapping of str to numpy.ndarray
    names : mapping of str to list of str
    """

    content: str
    rows: Mapping[str, Ints]
    X: Mapping[str, Reals]
    y: Mapping[str, Floats]
    names: Mapping[str, Sequence[str]]

    @staticmethod
    def before(
        data: Interactions, category: Mapping[str, str], settings: HeadSettings, number: int, memo: Memo
    ) -> "TrainingWindow":
        """Return the window that begins `number` horizons before the end of the data.

        Raises
        ------
        InputError
            If nothing lies before it, or no pair was bought within it.
        """
        length = settings.horizon_days * DAY_S
        cut = data.ends_at - number * length
        past = data.before(cut)
        if past is None:
            raise InputError(
                f"no event lies before {number} windows of {settings.horizon_days} days; give fewer windows"
            )
        bought = _bought(data, past, (data.at >= cut) & (data.at < cut + length))
        labelled = _labelled(Window.at_end(past, category, settings, memo), bought)
        if not all(part.any() for part in labelled.y.values()):
            raise InputError(f"no candidate was bought in the window {number} back; give more events")
        return labelled


def _bought(data: Interactions, past: Interactions, then: npt.NDArray[np.bool_]) -> Ints:
    """Return the pairs of some events as ``customer * n_items + item``, by the numbers of earlier events."""
    customer = lookup(past.customers, data.customers)[data.customer[then]]
    item = lookup(past.items, data.items)[data.item[then]]
    known = (customer >= 0) & (item >= 0)
    return np.unique(customer[known] * len(past.items) + item[known])


def _labelled(window: Window, bought: Ints) -> TrainingWindow:
    active = np.zeros(len(window.customers), dtype=np.bool_)
    active[bought // len(window.items)] = True
    keep = {head: active[rows] for head, rows in window.rows.items()}
    rows = {head: window.rows[head][mask] for head, mask in keep.items()}
    pairs = {head: rows[head] * len(window.items) + window.columns[head][mask] for head, mask in keep.items()}
    return TrainingWindow(
        content=identity([window.content, hashlib.sha256(bought.tobytes()).hexdigest()]),
        rows=rows,
        X={head: window.X[head][mask] for head, mask in keep.items()},
        y={head: np.isin(part, bought).astype(float) for head, part in pairs.items()},
        names=window.names,
    )


def _window(content: str, data: Interactions, category: Ints, settings: HeadSettings, memo: Memo) -> Window:
    features = PairFeatures(data, category)
    had, new = scored_pairs(
        data,
        features.decayed_frequency,
        settings.own,
        settings.candidates,
        settings.l2,
        settings.half_life_days,
        memo,
    )
    repeat_X, repeat_names = features.repeats(had.rows, had.items, had.scores)
    new_X, new_names = features.new(new.rows, new.items, new.scores)
    return Window(
        content=content,
        customers=data.customers,
        items=data.items,
        rows={REPEAT: had.rows, NEW: new.rows},
        columns={REPEAT: had.items, NEW: new.items},
        X={REPEAT: repeat_X, NEW: new_X},
        names={REPEAT: repeat_names, NEW: new_names},
    )


def _categories(data: Interactions, named: Mapping[str, str]) -> Ints:
    names = np.array([named.get(str(item), "") for item in data.items], dtype=object)
    return np.unique(names.astype(str), return_inverse=True)[1].astype(np.int64)
