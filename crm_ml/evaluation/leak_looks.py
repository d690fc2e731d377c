"""What to look at before a model is believed: signs of a leak that are no proof, and refuse nothing.

`crm_ml.evaluation.leakage` refuses a feature that alone nearly predicts the label. Below its limit a leak
and a strong honest feature can have the same AUC; who knows where the column comes from can tell them apart.
"""

import itertools
from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from crm_ml.evaluation.additive_rows import BINS, MISSING
from crm_ml.evaluation.leak_frame import IMPLAUSIBLE, STRONG, LeakFrame, LeakLook, Subject
from crm_ml.evaluation.leak_pairs import joint_areas, summed_areas
from crm_ml.evaluation.leak_rows import affixes, copied_rows, formed_of_labels, orders
from crm_ml.evaluation.leakage import category_auc

if TYPE_CHECKING:
    import pandas as pd

_BESIDE, _ORDER_BINS = 0.8, 32  # as STRONG, of what is no feature
_MOST, _SHARE, _FEWEST = 0.5, 0.05, 30  # of the rarer class in one value
_ODDS = 12.0  # of the rarer class in one value, against what the other features expect
_CHANCE = 1e-6
_SHOWN = 3


def look_for_leaks(
    X: "pd.DataFrame", y: npt.ArrayLike, areas: Mapping[str, float], allow: Collection[str] = ()
) -> tuple[LeakLook, ...]:
    """Return what should be looked at before a model of these rows is believed.

    - a feature whose AUC alone is above .95, or above .9 and by .05 above that of the others together in an
      additive model, of which none above .95 is; and one value of it with twelve times the odds of the rarer
      class that the others expect;
    - a pair of features, by their joint bins or a weighted sum, with the same limits;
    - a rate that is made of the labels that it predicts, such as a target encoding with the row's own label;
    - all features together, where nothing is named, above .95 in that model: leaks that hide each other;
    - the order of rows or ids, and first or last characters of a unique text, above .8 and as far above;
    - rows that are equal in nearly all features under several ids, with labels that agree beyond chance.

    An AUC must lie above its limit by two standard errors. Pairs and models see at most 10,000 rows, half of
    them of the rarer class if there are as many, and the 100 features of highest AUC alone.

    Parameters
    ----------
    X : pandas.DataFrame, shape (n, k)
        As `crm_ml.evaluation.leakage.check_leaks`; a first level of several in its index is the fold.
    y : array-like of {0, 1}, shape (n,)
    areas : mapping of str to float
        AUC of each feature alone, of `check_leaks`.
    allow : collection of str
        Features that are known to be honest.

    Examples
    --------
    >>> import pandas as pd
    >>> rng = np.random.default_rng(0)
    >>> a, b = rng.integers(0, 2, (2, 1_000))
    >>> X = pd.DataFrame({"a": a, "b": b, "age": rng.random(1_000)})
    >>> print(*look_for_leaks(X, a ^ b, {"a": 0.5, "b": 0.5, "age": 0.5}))  # doctest: +ELLIPSIS
    look at a and b: AUC 1.0000, limit 0.900; all features added up have 0.5...
    """
    from threadpoolctl import threadpool_limits

    frame = LeakFrame.of(X, y, areas)
    with threadpool_limits(1, "blas"):  # sums of floats would follow from the number of threads
        looks = [*_singles(frame, areas, allow), *_own_labels(frame, allow)]
        named = {look.subject for look in looks}
        looks += [*_pairs(frame, named, allow), *_beside(frame, named)]
        return tuple(looks) or tuple(_together(frame, allow))


def _singles(frame: LeakFrame, areas: Mapping[str, float], allow: Collection[str]) -> Iterator[LeakLook]:
    doubtful = {name for name, area in areas.items() if area > IMPLAUSIBLE and name not in allow}
    for name in frame.rows.names:
        if name in allow:
            continue
        subject = Subject(name, "alone", rest="all other features")
        look = frame.alone(subject, areas.get(name, 0.5), doubtful | {name}) or _pure(frame, name)
        if look:
            yield look


def _pure(frame: LeakFrame, name: str) -> LeakLook | None:
    """Return a look where a value belongs to the rarer class far more than the other features expect."""
    rows = frame.rows
    rarer = rows.y == frame.rarer
    values = frame.columns[name][frame.sample]
    code = rows.codes[:, rows.names.index(name)]
    count, hits = np.bincount(code, minlength=BINS), np.bincount(code[rarer], minlength=BINS)
    exact = np.arange(BINS) == MISSING
    if values.dtype == object or len(np.unique(values[~np.isnan(values)])) < MISSING:
        exact[:] = True
    weight = frame.other_weight
    share = hits / np.maximum(hits + (count - hits) * weight, 1)
    for place in np.flatnonzero(exact & (hits >= _FEWEST) & (hits >= _SHARE * rarer.sum()) & (share > _MOST)):
        known = code == place
        score = rows.scores((name,))[known]
        rest = float(np.clip((score if frame.rarer else 1 - score).mean(), 0, 1))
        rest = max(rest / (rest + (1 - rest) * weight), min(frame.y.mean(), 1 - frame.y.mean()))
        if share[place] * (1 - rest) >= _ODDS * rest * (1 - share[place]):
            reason = (
                f"{share[place]:.1%} of the rows with one of its values are of class "
                f"{frame.rarer}, where all other features expect {rest:.1%}"
            )
            return LeakLook(name, "one value", float("nan"), float("nan"), reason)
    return None


def _own_labels(frame: LeakFrame, allow: Collection[str]) -> Iterator[LeakLook]:
    for name, values in frame.columns.items():
        if name in allow or values.dtype == object:
            continue
        known = values[~np.isnan(values)]
        if not len(known) or known.min() < 0 or known.max() > 1:
            continue
        chance = formed_of_labels(values, frame.y)
        if chance < _CHANCE:
            reason = (
                f"it is the rate of the very labels that it predicts (agreement by chance: p = {chance:.1g})"
            )
            yield LeakLook(name, "own label", float("nan"), float("nan"), reason)


def _pairs(frame: LeakFrame, named: Collection[str], allow: Collection[str]) -> Iterator[LeakLook]:
    """Yield the pairs of highest AUC, none of whose features was named before or is allowed."""
    seen, shown = {*named, *allow}, 0
    rows, columns = frame.rows, {name: frame.columns[name][frame.sample] for name in frame.rows.names}
    (first, second), joint = joint_areas(rows)
    places = np.argsort(-np.round(joint, 9), kind="stable")
    best = [(rows.names[first[i]], rows.names[second[i]], joint[i]) for i in places if joint[i] > STRONG]
    floats = {name: values for name, values in columns.items() if values.dtype != object and name not in seen}
    best += [item for item in summed_areas(floats, rows.y, rows.half) if item[2] > STRONG]
    for a, b, area in sorted(best, key=lambda item: (-round(item[2], 6), item[:2])):
        if shown == _SHOWN or not seen.isdisjoint((a, b)):
            continue
        look = frame.alone(Subject(f"{a} and {b}", "pair"), area, named)
        if look:
            seen, shown = seen | {a, b}, shown + 1
            yield look


def _together(frame: LeakFrame, allow: Collection[str]) -> Iterator[LeakLook]:
    """Yield a look at all features where they tell the label implausibly well."""
    area = frame.rows.area(allow)
    if frame.beyond(area, IMPLAUSIBLE):
        reason = f"AUC {area:.4f} added up, limit {IMPLAUSIBLE}; ask of each whether it was known on its day"
        yield LeakLook("all features", "together", round(area, 4), IMPLAUSIBLE, reason)


def _beside(frame: LeakFrame, named: Collection[str]) -> Iterator[LeakLook]:
    """Yield what is no feature: orders, ends of texts and ids, and rows that are copies of others."""
    in_order = False
    for subject, place in orders(frame.index, frame.customer, frame.ids).items():
        look = _of_codes(
            frame, Subject(subject, "order", _BESIDE), place * _ORDER_BINS // (place.max() + 1), named
        )
        if look:
            in_order = True
            yield look
    texts = {
        name: values for name, values in frame.columns.items() if values.dtype == object and name not in named
    }
    if not in_order:  # first digits follow the order of numbers
        texts["customer_id"] = np.asarray(frame.ids, dtype=object)[frame.customer]
    for name, values in texts.items():
        ends = affixes(values, len(frame.ids))
        signs = (
            _of_codes(frame, Subject(f"{end} {name}", "prefix", _BESIDE), code, named) for end, code in ends
        )
        yield from itertools.islice(filter(None, signs), 1)
    yield from _copies(frame)


def _of_codes(
    frame: LeakFrame, subject: Subject, code: npt.NDArray[np.int64], named: Collection[str]
) -> LeakLook | None:
    area = category_auc(code[frame.sample], frame.rows.y, frame.rows.half)
    return frame.alone(subject, area, named)


def _copies(frame: LeakFrame) -> Iterator[LeakLook]:
    copied = copied_rows(frame.columns, frame.customer, frame.y)
    if copied.same:
        reason = (
            f"{copied.pairs:,} pairs of ids are equal in nearly all features, and the labels differ in "
            f"{copied.differ:,}, where chance would give {copied.expected:.0f}"
        )
        yield LeakLook("copied rows", "copies", float("nan"), float("nan"), reason)
