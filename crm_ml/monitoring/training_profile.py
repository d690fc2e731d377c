"""What a model was trained on, as counts: it goes into the model's folder and is compared with every day.

Of each feature and score it holds bins with the rows in them, and how far past days have moved from the days
before them, so that seasons and growth that were seen in training raise no alarm later. It holds no id, and
of a text no level that fewer than ten customers have.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from crm_ml.errors import InputError
from crm_ml.monitoring.bins import Bins, Counts, Numbers, Texts
from crm_ml.monitoring.psi import by_chance, psi

if TYPE_CHECKING:
    import pandas as pd

PROFILE_FILE = "profile.json"
FEWEST_POSITIVE = 30
_FORMAT, _READABLE = 2, (1, 2)  # 1 has neither the largest share of missing values nor `labelled`
_KINDS: Mapping[str, type[Numbers] | type[Texts]] = {"edges": Numbers, "levels": Texts}


@dataclass(frozen=True, eq=False)
class ProfiledDay:
    """Rows of one day, each customer once.

    Parameters
    ----------
    number : int
        Days since any fixed day, by which the past of a day is found.
    X : pandas.DataFrame
        Numbers and texts; no id among the columns.
    """

    number: int
    X: "pd.DataFrame"


@dataclass(frozen=True, eq=False)
class Column:
    """One feature or score in training.

    Parameters
    ----------
    name : str
    bins : Numbers or Texts
    counts : tuple of int
        Rows of all days in each bin; the last is missing, and of a text the last but one all rare levels.
    customers : int
        Rows of the largest day.
    spread : float
        Largest index (PSI) of a day against the days before it, less what chance gives.
    median : float, optional
        Of the values above zero, where at least thirty are.
    median_spread : float
        Largest ratio of a day's median to it, either way.
    rare : float
        Largest share of rare levels on a day.
    group : str
        Of a score: the kind of action that it is about, where the model has kinds.
    most_missing : float, optional
        Largest share of missing values on a day.
    """

    name: str
    bins: Bins
    counts: tuple[int, ...]
    customers: int
    spread: float = 0.0
    median: float | None = None
    median_spread: float = 1.0
    rare: float = 0.0
    group: str = ""
    most_missing: float | None = None

    @property
    def missing_most(self) -> float:
        """Largest share of missing values on a day; that of all days where it is not known."""
        whole = self.counts[-1] / max(sum(self.counts), 1)
        return whole if self.most_missing is None else self.most_missing

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain data."""
        kind = "edges" if isinstance(self.bins, Numbers) else "levels"
        kept = {key: value for key, value in asdict(self).items() if key != "bins"}
        return kept | {kind: list(asdict(self.bins)[kind])}

    @classmethod
    def from_dict(cls, given: Mapping[str, Any]) -> "Column":
        """Read what `as_dict` gave."""
        kind = next(kind for kind in _KINDS if kind in given)
        rest = {key: value for key, value in given.items() if key not in (kind, "counts")}
        return cls(bins=_KINDS[kind](tuple(given[kind])), counts=tuple(given["counts"]), **rest)


@dataclass(frozen=True, eq=False)
class Profile:
    """All that a day of scoring is compared with.

    Parameters
    ----------
    features : tuple of Column
    scores : tuple of Column
    customers : mapping of str to int
        Customers that the model would have scored, by day; the newest last.
    rates : mapping of str to mapping of str to float
        Column of a probability (with its group, see `rate_key`) to its rate by day: the share of the
        customers of whom it came true, or the mean score where no label tells that.
    labelled : tuple of str
        Keys of the rates that are shares of labels.
    """

    features: tuple[Column, ...]
    scores: tuple[Column, ...]
    customers: Mapping[str, int]
    rates: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    labelled: tuple[str, ...] = ()

    def score(self, name: str, group: str = "") -> Column | None:
        """Return a score, None where training has none of it."""
        return next((one for one in self.scores if (one.name, one.group) == (name, group)), None)

    def write(self, folder: Path) -> None:
        """Write ``profile.json`` into an existing folder."""
        content = {
            "format": _FORMAT,
            "customers": dict(self.customers),
            "features": [one.as_dict() for one in self.features],
            "labelled": list(self.labelled),
            "rates": {key: dict(rates) for key, rates in self.rates.items()},
            "scores": [one.as_dict() for one in self.scores],
        }
        text = json.dumps(content, indent=1, sort_keys=False, allow_nan=False)
        (folder / PROFILE_FILE).write_text(text + "\n", encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> "Profile | None":
        """Read the profile of a model folder whose sums were checked, None where it has none.

        Raises
        ------
        InputError
            If it is of another format.
        """
        path = Path(folder) / PROFILE_FILE
        if not path.is_file():
            return None
        found = json.loads(path.read_text(encoding="utf-8"))
        if found.get("format") not in _READABLE:
            raise InputError(
                f"{path}: format {found.get('format')!r} is unknown; this version reads up to {_FORMAT}"
            )
        features, scores = (tuple(map(Column.from_dict, found[key])) for key in ("features", "scores"))
        return cls(features, scores, found["customers"], found["rates"], tuple(found.get("labelled", ())))


def rate_key(name: str, group: str = "") -> str:
    """Return the key of a base rate: the score, and its group where it has one."""
    return f"{name} {group}".strip()


def columns(days: Sequence[ProfiledDay], lag: int, group: str = "") -> tuple[Column, ...]:
    """Count every column of some days.

    Parameters
    ----------
    days : sequence of Day
        In the order of time.
    lag : int
        A day is compared with those at least so many days before it, as a scored day is with training days
        whose labels had ended.
    group : str

    Raises
    ------
    InputError
        If there is no day.
    """
    if not days:
        raise InputError("a profile needs at least one day of rows")
    numbers = [day.number for day in days]
    return tuple(
        _column(str(name), [day.X[name].to_numpy() for day in days], (numbers, lag), group)
        for name in days[0].X.columns
    )


def _column(
    name: str, values: Sequence[npt.NDArray[Any]], when: tuple[Sequence[int], int], group: str
) -> Column:
    bins: Bins
    if all(np.issubdtype(one.dtype, np.number) for one in values):
        bins = Numbers.learn(np.concatenate(values).astype(np.float64))
    else:
        bins = Texts.learn(values)
    counts = [bins.count(one) for one in values]
    found = Column(
        name, bins, tuple(int(n) for n in np.sum(counts, axis=0)), max(map(len, values)),
        spread=round(_spread(counts, *when), 6), group=group,
        most_missing=max(int(one[-1]) / max(len(values[i]), 1) for i, one in enumerate(counts)),
    )  # fmt: skip
    more: dict[str, Any] = {}
    if isinstance(bins, Numbers):
        medians = [_median(one) for one in (np.concatenate(values), *values)]
        whole, known = medians[0], [one for one in medians[1:] if one is not None]
        ratios = [1.0] if whole is None else [max(one / whole, whole / one) for one in known]
        more = {"median": whole, "median_spread": max(ratios, default=1.0)}
    else:
        more = {"rare": max(float(one[-2]) / max(len(values[i]), 1) for i, one in enumerate(counts))}
    return Column(**(vars(found) | more))


def _spread(counts: Sequence[Counts], numbers: Sequence[int], lag: int) -> float:
    """Return how far a day has moved at most from those that lie at least `lag` days before it."""
    most = 0.0
    for counted, number in zip(counts, numbers, strict=True):
        before = [one for one, when in zip(counts, numbers, strict=True) if when <= number - lag]
        n, m = max((int(one.sum()) for one in before), default=0), int(counted.sum())
        if n and m:
            moved = psi(np.sum(before, axis=0), counted)
            most = max(most, moved - by_chance(n, m, len(counted)))
    return most


def _median(values: npt.NDArray[Any]) -> float | None:
    above = values[(values > 0) & np.isfinite(values)]
    if len(above) < FEWEST_POSITIVE:
        return None
    return middle(above)


def middle(values: npt.NDArray[Any]) -> float:
    """Return the smallest value that at least half of the values do not exceed.

    Examples
    --------
    >>> middle(np.array([4, 1, 3, 2]))
    2.0
    """
    place = (len(values) - 1) // 2
    return float(np.partition(values, place)[place])
