"""Windows, candidates and boosters of the two heads."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from crm_ml.errors import InputError
from crm_ml.recommend.ease import EASE
from crm_ml.recommend.interactions import Floats, Interactions, Ints
from crm_ml.recommend.item_knn import ItemKNN
from crm_ml.recommend.pair_features import PairFeatures
from crm_ml.recommend.selection import NONE, top_k
from crm_ml.snapshots import DAY_S

if TYPE_CHECKING:
    from scipy.sparse import csr_array

REPEAT, NEW = "repeat", "new"
_SOURCES = ("ease", "knn", "popular")
_BLOCK = 512


@dataclass(frozen=True)
class Settings:
    """What both heads share; parameters as `crm_ml.recommend.two_heads.TwoHeads`."""

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
    category: Mapping[str, str]

    @staticmethod
    def of(model: Any, category: Mapping[str, str]) -> "Settings":
        """Take the parameters of a model."""
        names = [name for name in Settings.__dataclass_fields__ if name != "category"]
        return Settings(**{name: getattr(model, name) for name in names}, category=category)


@dataclass(frozen=True, eq=False)
class Window:
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
    def before(data: Interactions, settings: Settings, number: int) -> "Window":
        """Return the window that begins `number` horizons before the end of what is known."""
        cut = data.ends_at - number * settings.horizon_days * DAY_S
        past = data.before(cut)
        if past is None:
            raise InputError(
                f"no event lies before {number} windows of {settings.horizon_days} days; give fewer windows"
            )
        then = (data.at >= cut) & (data.at < cut + settings.horizon_days * DAY_S)
        bought = data.matrix(then.astype(float))
        active = bought.sum(axis=1) > 0  # who stayed away says nothing of what they would have taken
        found = _window(past, settings, np.flatnonzero(active))
        y = {
            head: (np.asarray(bought[found.rows[head], found.items[head]]).ravel() > 0).astype(float)
            for head in (REPEAT, NEW)
        }
        if not all(part.any() for part in y.values()):
            raise InputError(f"nobody bought a candidate in the window {number} back; give more events")
        return replace(found, y=y)

    @staticmethod
    def now(data: Interactions, settings: Settings) -> "Window":
        """Return the pairs of all customers at the end of what is known."""
        return _window(data, settings, np.arange(len(data.customers)))


@dataclass(frozen=True, eq=False)
class Heads:
    """A booster for each head, and the steps that make probabilities of its scores."""

    boosters: Mapping[str, Any]
    steps: Mapping[str, tuple[Floats, Floats]]

    @staticmethod
    def fit(windows: Sequence[Window], settings: Settings) -> "Heads":
        """Train both heads on all windows."""
        return Heads({head: _booster(head, windows, settings) for head in (REPEAT, NEW)}, {})

    def calibrated(self, earlier: "Heads", window: Window) -> "Heads":
        """Return the heads with steps from the scores that heads of earlier windows give a later one."""
        from sklearn.isotonic import IsotonicRegression

        assert window.y is not None
        steps = {}
        for head in (REPEAT, NEW):
            score = earlier.boosters[head].predict(window.X[head])
            fitted = IsotonicRegression(y_min=1e-6, y_max=1 - 1e-6, out_of_bounds="clip").fit(
                score, window.y[head]
            )
            steps[head] = (fitted.X_thresholds_, fitted.y_thresholds_)
        return Heads(self.boosters, steps)

    def probability(self, head: str, X: Floats) -> Floats:
        """Return P(buy), in the order of the head's scores where the steps are flat."""
        score = self.boosters[head].predict(X)
        x, p = self.steps[head]
        rank = np.argsort(np.argsort(score, kind="stable"), kind="stable")
        return np.asarray(np.interp(score, x, p) + 1e-9 * rank / max(len(rank), 1))


def pairs_of(window: Window, heads: Heads) -> "csr_array":
    """Return P(buy) of every pair of a window, shape (customers, items)."""
    from scipy.sparse import coo_array

    p = [heads.probability(head, window.X[head]) for head in (REPEAT, NEW)]
    rows, items = (np.concatenate([part[REPEAT], part[NEW]]) for part in (window.rows, window.items))
    found = coo_array((np.concatenate(p), (rows, items)), shape=window.shape).tocsr()
    found.sort_indices()
    return found


def _window(data: Interactions, settings: Settings, customers: Ints) -> Window:
    category = _categories(data, settings.category)
    features = PairFeatures(data, category)
    own = _own(features, customers, settings.own)
    new = _candidates(data, customers, settings)
    repeat_X, repeat_names = features.repeats(*own)
    new_X, new_names = features.new(*new[:2], new[2])
    return Window(
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
    """Return the pairs that customers had, of each those of greatest decayed count."""
    decayed = features.decayed_frequency
    rows, items = [], []
    for start in range(0, len(customers), _BLOCK):
        block = customers[start : start + _BLOCK]
        dense = decayed[block].toarray()
        kept, _ = top_k(np.where(dense > 0, dense, -np.inf), min(most, dense.shape[1]))
        row, place = np.nonzero(kept != NONE)
        rows.append(block[row])
        items.append(kept[row, place])
    return np.concatenate(rows), np.concatenate(items)


def _candidates(
    data: Interactions, customers: Ints, settings: Settings
) -> tuple[Ints, Ints, dict[str, Floats]]:
    """Return new pairs from each source, each once, with the scores of all sources and their ranks."""
    sources = (
        EASE(l2=settings.l2, half_life_days=settings.half_life_days).fit(data),
        ItemKNN(half_life_days=settings.half_life_days / 2, neighbours=200, shrink=20.0).fit(data),
    )
    recent = np.bincount(data.item[data.days <= 7], minlength=len(data.items)) + 1e-6 * sources[0].popularity_
    seen = sources[0].seen_
    rows, items = [], []
    scores: dict[str, list[Floats]] = {f"{name}{end}": [] for name in _SOURCES for end in ("", "_place")}
    for start in range(0, len(customers), _BLOCK):
        block = customers[start : start + _BLOCK]
        dense = [one._scores(block) for one in sources] + [np.tile(recent, (len(block), 1))]
        wanted = np.zeros(dense[0].shape, dtype=bool)
        places = []
        for one in dense:
            kept, _ = top_k(one, min(settings.candidates, one.shape[1]), seen[block])
            row, place = np.nonzero(kept != NONE)
            order = np.full(one.shape, settings.candidates, dtype=np.int32)
            order[row, kept[row, place]] = place
            places.append(order)
            wanted[row, kept[row, place]] = True
        row, item = np.nonzero(wanted)
        rows.append(block[row])
        items.append(item)
        for name, one, order in zip(_SOURCES, dense, places, strict=True):
            value = one[row, item]
            scores[name].append(np.where(np.isfinite(value), value, 0.0))
            scores[f"{name}_place"].append(order[row, item].astype(float))
    joined = {name: np.concatenate(parts) for name, parts in scores.items()}
    return np.concatenate(rows), np.concatenate(items).astype(np.int64), joined


def _booster(head: str, windows: Sequence[Window], settings: Settings) -> Any:
    import lightgbm

    X = np.concatenate([window.X[head] for window in windows])
    y = np.concatenate([window.y[head] for window in windows if window.y is not None])
    parameters = {
        "objective": "binary" if head == REPEAT else "lambdarank",
        "learning_rate": settings.learning_rate,
        "num_leaves": settings.num_leaves if head == REPEAT else min(settings.num_leaves, 15),
        "min_data_in_leaf": 200,
        "feature_fraction": 0.6,
        "bagging_fraction": 0.6,
        "bagging_freq": 1,
        "lambda_l2": 10.0,
        "lambdarank_truncation_level": 15,
        "deterministic": True,
        "force_row_wise": True,
        "seed": settings.seed,
        "num_threads": settings.num_threads,
        "verbose": -1,
    }
    data = lightgbm.Dataset(X, y, feature_name=list(windows[0].names[head]))
    if head == NEW:
        sizes = [np.unique(window.rows[head], return_counts=True)[1] for window in windows]
        data.set_group(np.concatenate(sizes))
    return lightgbm.train(parameters, data, settings.rounds)
