"""Training windows of the two heads: pairs, candidates, features and labels."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from crm_ml.errors import InputError
from crm_ml.recommend.ease import EASE
from crm_ml.recommend.interactions import Floats, Interactions, Ints
from crm_ml.recommend.item_knn import ItemKNN
from crm_ml.recommend.pair_features import PairFeatures
from crm_ml.recommend.top_k import NONE, top_k
from crm_ml.snapshots import DAY_S

if TYPE_CHECKING:
    pass

REPEAT, NEW = "repeat", "new"
_SOURCES = ("ease", "knn", "popular")
_BLOCK = 512


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
    category: Mapping[str, str]

    @staticmethod
    def of(model: Any, category: Mapping[str, str]) -> "HeadSettings":
        """Take the parameters of a model."""
        names = [name for name in HeadSettings.__dataclass_fields__ if name != "category"]
        return HeadSettings(**{name: getattr(model, name) for name in names}, category=category)


@dataclass(frozen=True, eq=False)
class TrainingWindow:
    """Pairs at a moment, with their features and whether they were bought within the horizon after it.

    Parameters
    ----------
    rows, items : mapping of str to numpy.ndarray of int
        Numbers of the pairs of each head, in the order of customers.
    X : mapping of str to numpy.ndarray, shape (n, k)
    names : mapping of str to list of str
    y : mapping of str to numpy.ndarray, or None
        None where the window after the moment is not known.
    shape : (int, int)
        Customers and items.
    """

    rows: Mapping[str, Ints]
    items: Mapping[str, Ints]
    X: Mapping[str, Floats]
    names: Mapping[str, Sequence[str]]
    y: Mapping[str, Floats] | None
    shape: tuple[int, int]

    @staticmethod
    def before(data: Interactions, settings: HeadSettings, number: int) -> "TrainingWindow":
        """Return the window that begins `number` horizons before the end of the data."""
        cut = data.ends_at - number * settings.horizon_days * DAY_S
        past = data.before(cut)
        if past is None:
            raise InputError(
                f"no event lies before {number} windows of {settings.horizon_days} days; give fewer windows"
            )
        then = (data.at >= cut) & (data.at < cut + settings.horizon_days * DAY_S)
        bought = data.matrix(then.astype(float))
        active = bought.sum(axis=1) > 0  # customers without a purchase carry no information on items
        window = _window(past, settings, np.flatnonzero(active))
        y = {
            head: (np.asarray(bought[window.rows[head], window.items[head]]).ravel() > 0).astype(float)
            for head in (REPEAT, NEW)
        }
        if not all(part.any() for part in y.values()):
            raise InputError(f"no candidate was bought in the window {number} back; give more events")
        return replace(window, y=y)

    @staticmethod
    def now(data: Interactions, settings: HeadSettings) -> "TrainingWindow":
        """Return the pairs of all customers at the end of the data, without labels."""
        return _window(data, settings, np.arange(len(data.customers)))


def _window(data: Interactions, settings: HeadSettings, customers: Ints) -> TrainingWindow:
    category = _categories(data, settings.category)
    features = PairFeatures(data, category)
    own = _own(features, customers, settings.own)
    sources = _sources(data, settings)
    new = _candidates(data, customers, sources, settings)
    repeat_X, repeat_names = features.repeats(*own, _scores_of(sources, *own))
    new_X, new_names = features.new(*new[:2], new[2])
    return TrainingWindow(
        rows={REPEAT: own[0], NEW: new[0]},
        items={REPEAT: own[1], NEW: new[1]},
        X={REPEAT: repeat_X.astype(np.float32), NEW: new_X.astype(np.float32)},
        names={REPEAT: repeat_names, NEW: new_names},
        y=None,
        shape=(len(data.customers), len(data.items)),
    )


def _categories(data: Interactions, named: Mapping[str, str]) -> Ints:
    names = np.array([named.get(str(item), "") for item in data.items], dtype=object)
    return np.unique(names.astype(str), return_inverse=True)[1].astype(np.int64)


def _own(features: PairFeatures, customers: Ints, most: int) -> tuple[Ints, Ints]:
    """Return the pairs that customers bought before, up to `most` per customer by decayed count."""
    decayed = features.decayed_frequency
    rows, items = [], []
    for start in range(0, len(customers), _BLOCK):
        block = customers[start : start + _BLOCK]
        dense = decayed[block].toarray()
        best, _ = top_k(np.where(dense > 0, dense, -np.inf), min(most, dense.shape[1]))
        row, place = np.nonzero(best != NONE)
        rows.append(block[row])
        items.append(best[row, place])
    return np.concatenate(rows), np.concatenate(items)


def _sources(data: Interactions, settings: HeadSettings) -> tuple[EASE, ItemKNN]:
    return (
        EASE(l2=settings.l2, half_life_days=settings.half_life_days).fit(data),
        ItemKNN(half_life_days=settings.half_life_days / 2, neighbours=200, shrink=20.0).fit(data),
    )


def _scores_of(sources: tuple[EASE, ItemKNN], rows: Ints, items: Ints) -> dict[str, Floats]:
    """Return each source's scores of pairs in the order of customers, 0 where it has no score."""
    scores = {name: np.zeros(len(rows)) for name in _SOURCES[:2]}
    for start in range(0, int(rows.max()) + 1 if len(rows) else 0, _BLOCK):
        first, last = np.searchsorted(rows, [start, start + _BLOCK])
        if first == last:
            continue
        block = np.unique(rows[first:last])
        place = np.searchsorted(block, rows[first:last])
        for name, source in zip(scores, sources, strict=True):
            value = source.scores(block)[place, items[first:last]]
            scores[name][first:last] = np.where(np.isfinite(value), value, 0.0)
    return scores


def _candidates(
    data: Interactions, customers: Ints, sources: tuple[EASE, ItemKNN], settings: HeadSettings
) -> tuple[Ints, Ints, dict[str, Floats]]:
    """Return new pairs from each source, each once, with the scores of all sources and their ranks."""
    recent = np.bincount(data.item[data.days <= 7], minlength=len(data.items)) + 1e-6 * sources[0].popularity_
    seen = sources[0].seen_
    rows, items = [], []
    scores: dict[str, list[Floats]] = {f"{name}{end}": [] for name in _SOURCES for end in ("", "_place")}
    for start in range(0, len(customers), _BLOCK):
        block = customers[start : start + _BLOCK]
        dense = [source.scores(block) for source in sources] + [np.tile(recent, (len(block), 1))]
        wanted = np.zeros(dense[0].shape, dtype=bool)
        places = []
        for values in dense:
            best, _ = top_k(values, min(settings.candidates, values.shape[1]), seen[block])
            row, place = np.nonzero(best != NONE)
            order = np.full(values.shape, settings.candidates, dtype=np.int32)
            order[row, best[row, place]] = place
            places.append(order)
            wanted[row, best[row, place]] = True
        row, item = np.nonzero(wanted)
        rows.append(block[row])
        items.append(item)
        for name, values, order in zip(_SOURCES, dense, places, strict=True):
            value = values[row, item]
            scores[name].append(np.where(np.isfinite(value), value, 0.0))
            scores[f"{name}_place"].append(order[row, item].astype(float))
    joined = {name: np.concatenate(parts) for name, parts in scores.items()}
    return np.concatenate(rows), np.concatenate(items).astype(np.int64), joined
