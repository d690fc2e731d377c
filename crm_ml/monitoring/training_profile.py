"""Profile of the training data as counts, stored in the folder of a model and compared with scored days.

For each feature and score it holds bins with their rows, and how far training days moved from earlier ones,
so that seasons and growth seen in training raise no alarm later. It holds no id, and no level of a text that
fewer than ten customers have.
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
from crm_ml.monitoring.profile_file import ProfileFile
from crm_ml.monitoring.psi import by_chance, psi
from crm_ml.tables.column_kinds import plain_values
from crm_ml.tables.part_file import read_part

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
        Days since any fixed day, to tell which days are earlier.
    X : pandas.DataFrame
        Numbers and texts; no id among the columns.
    """

    number: int
    X: "pd.DataFrame"


@dataclass(frozen=True, eq=False)
class ProfiledColumn:
    """One feature or score in training.

    Parameters
    ----------
    name : str
    bins : Numbers or Texts
    counts : tuple of int
        Rows of all days in each bin; the last is missing, and for a text the last but one all rare levels.
    customers : int
        Rows of the largest day.
    spread : float
        Largest index (PSI) of a day against earlier days, less its mean by chance.
    median : float, optional
        Median of the values above zero, if there are at least thirty.
    median_spread : float
        Largest ratio of the median of a day to `median`, in either direction.
    rare : float
        Largest share of rare levels on a day.
    group : str
        Of a score: the kind of action, if the model distinguishes kinds.
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
    def largest_missing_share(self) -> float:
        """Largest share of missing values on a day; the share over all days if that is not known."""
        whole = self.counts[-1] / max(sum(self.counts), 1)
        return whole if self.most_missing is None else self.most_missing

    def as_dict(self) -> dict[str, Any]:
        """Return the column as plain data."""
        kind = "edges" if isinstance(self.bins, Numbers) else "levels"
        content = {key: value for key, value in asdict(self).items() if key != "bins"}
        return content | {kind: list(asdict(self.bins)[kind])}

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> "ProfiledColumn":
        """Return the column that `as_dict` described."""
        kind = next(kind for kind in _KINDS if kind in content)
        rest = {key: value for key, value in content.items() if key not in (kind, "counts")}
        return cls(bins=_KINDS[kind](tuple(content[kind])), counts=tuple(content["counts"]), **rest)


@dataclass(frozen=True, eq=False)
class Profile:
    """Features, scores, volume and base rates of the training data.

    Parameters
    ----------
    features : tuple of ProfiledColumn
    scores : tuple of ProfiledColumn
    customers : mapping of str to int
        Customers that the model would have scored, by day; the newest last.
    rates : mapping of str to mapping of str to float
        Column of a probability (with its group, see `rate_key`) to its rate by day: the share of customers
        with a positive label, or the mean score without labels.
    labelled : tuple of str
        Keys of the rates that are shares of labels.
    """

    features: tuple[ProfiledColumn, ...]
    scores: tuple[ProfiledColumn, ...]
    customers: Mapping[str, int]
    rates: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    labelled: tuple[str, ...] = ()

    def score(self, name: str, group: str = "") -> ProfiledColumn | None:
        """Return the column of a score, None if the profile has none."""
        return next((column for column in self.scores if (column.name, column.group) == (name, group)), None)

    def write(self, folder: Path) -> None:
        """Write ``profile.json`` into an existing folder."""
        content = {
            "format": _FORMAT,
            "customers": dict(self.customers),
            "features": [column.as_dict() for column in self.features],
            "labelled": list(self.labelled),
            "rates": {key: dict(rates) for key, rates in self.rates.items()},
            "scores": [column.as_dict() for column in self.scores],
        }
        text = json.dumps(content, indent=1, sort_keys=False, allow_nan=False)
        (folder / PROFILE_FILE).write_text(text + "\n", encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> "Profile | None":
        """Read the profile of a verified model folder, None if it has none.

        Raises
        ------
        InputError
            If the file is of another format.
        IntegrityError
            If a bin, a count or another value is none that a profile can have.
        """
        path = Path(folder) / PROFILE_FILE
        if not path.is_file():
            return None
        content = read_part(path, ProfileFile)
        if content.format not in _READABLE:
            raise InputError(
                f"{path}: format {content.format!r} is unknown; this version reads up to {_FORMAT}"
            )
        features, scores = (
            tuple(ProfiledColumn.from_dict(column.model_dump(exclude_none=True)) for column in columns)
            for columns in (content.features, content.scores)
        )
        return cls(features, scores, content.customers, content.rates, content.labelled)


def rate_key(name: str, group: str = "") -> str:
    """Return the key of a base rate: the score, followed by its group if any."""
    return f"{name} {group}".strip()


def profile_columns(days: Sequence[ProfiledDay], lag: int, group: str = "") -> tuple[ProfiledColumn, ...]:
    """Return the profile of every column over some days.

    Parameters
    ----------
    days : sequence of ProfiledDay
        In chronological order.
    lag : int
        A day is compared with days at least this much earlier, as a scored day is with training days whose
        labels were complete.
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
        _column(str(name), [plain_values(day.X[name]) for day in days], (numbers, lag), group)
        for name in days[0].X.columns
    )


def _column(
    name: str, values: Sequence[npt.NDArray[Any]], when: tuple[Sequence[int], int], group: str
) -> ProfiledColumn:
    bins: Bins
    if all(np.issubdtype(day.dtype, np.number) for day in values):
        bins = Numbers.learn(np.concatenate(values).astype(np.float64))
    else:
        bins = Texts.learn(values)
    counts = [bins.count(day) for day in values]
    rows = [max(len(day), 1) for day in values]

    def largest_share(place: int) -> float:
        return max(int(counted[place]) / n for counted, n in zip(counts, rows, strict=True))

    median, median_spread = _medians(values) if isinstance(bins, Numbers) else (None, 1.0)
    return ProfiledColumn(
        name, bins, tuple(int(n) for n in np.sum(counts, axis=0)), max(map(len, values)),
        spread=round(_spread(counts, *when), 6), median=median, median_spread=median_spread,
        rare=0.0 if isinstance(bins, Numbers) else largest_share(-2), group=group,
        most_missing=largest_share(-1),
    )  # fmt: skip


def _medians(values: Sequence[npt.NDArray[Any]]) -> tuple[float | None, float]:
    """Return the median over all days, and the largest ratio to it of the median of one day."""
    whole = _median(np.concatenate(values))
    known = [median for median in map(_median, values) if median is not None]
    ratios = [] if whole is None else [max(median / whole, whole / median) for median in known]
    return whole, max(ratios, default=1.0)


def _spread(counts: Sequence[Counts], numbers: Sequence[int], lag: int) -> float:
    """Return the largest index of a day against the days at least `lag` days before it."""
    most = 0.0
    for counted, number in zip(counts, numbers, strict=True):
        before = [earlier for earlier, when in zip(counts, numbers, strict=True) if when <= number - lag]
        n, m = max((int(earlier.sum()) for earlier in before), default=0), int(counted.sum())
        if n and m:
            moved = psi(np.sum(before, axis=0), counted)
            most = max(most, moved - by_chance(n, m, len(counted)))
    return most


def _median(values: npt.NDArray[Any]) -> float | None:
    above = values[(values > 0) & np.isfinite(values)]
    if len(above) < FEWEST_POSITIVE:
        return None
    return lower_median(above)


def lower_median(values: npt.NDArray[Any]) -> float:
    """Return the smallest value that at least half of the values do not exceed.

    Examples
    --------
    >>> lower_median(np.array([4, 1, 3, 2]))
    2.0
    """
    place = (len(values) - 1) // 2
    return float(np.partition(values, place)[place])
