"""Horizon, activity window, test days and training snapshots that fit the rhythm and reach of tables."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from crm_ml.config.suggestion.rhythm import WEEK, Rhythm, floor_weeks, whole_weeks
from crm_ml.errors import InputError

LEAST_OF_A_CLASS = 20  # customers, as the gate of probabilities wants them in the test rows
_TESTS, _SNAPSHOTS, _CALIBRATION_ROWS, _MOST_ROWS = 4, 20, 1_000, 2_000_000
_MONTH = 28
Counts = Callable[[date, int, int], tuple[int, int]]


@dataclass(frozen=True)
class Windows:
    """Length of the label window and of the activity window, in days."""

    horizon_days: int
    active_within_days: int


@dataclass(frozen=True)
class SnapshotPlan:
    """Days of an experiment of snapshots.

    Parameters
    ----------
    windows : Windows
    gap_days : int
    tests : tuple of date
    training_snapshots, every_days : int
    earliest : date
        First day on which the activity window is known.
    ones, zeros : int
        Customers of each class on the last snapshot whose labels end before the first test.
    """

    windows: Windows
    gap_days: int
    tests: tuple[date, ...]
    training_snapshots: int
    every_days: int
    earliest: date
    ones: int = 0
    zeros: int = 0

    @property
    def label_days(self) -> int:
        """Days from a snapshot until its labels end."""
        return self.windows.horizon_days + self.gap_days

    @property
    def newest_training(self) -> date:
        """The newest snapshot whose labels end before the first test."""
        return self.tests[0] - timedelta(days=self.label_days)

    def known_days(self, rhythm: Rhythm) -> int:
        """Return the days that are known before the first training snapshot."""
        return (self.earliest - rhythm.first).days

    @property
    def split(self) -> dict[str, Any]:
        """Content of ``split``."""
        return {
            "test": list(self.tests),
            "training_snapshots": self.training_snapshots,
            "every_days": self.every_days,
            "earliest": self.earliest,
        }

    @property
    def calibration(self) -> dict[str, Any]:
        """Content of ``calibration``; no method where too few snapshots remain to train its model."""
        spare = self.training_snapshots - 2 - -(-self.label_days // self.every_days)
        rows = max(self.ones + self.zeros, 1)
        snapshots = min(spare, _TESTS, max(1, -(-_CALIBRATION_ROWS // rows)))
        return {"methods": ["platt"], "snapshots": snapshots} if snapshots > 0 else {}

    def reasons(self, rhythm: Rhythm, stated: Mapping[str, Any]) -> tuple[str, ...]:
        """Return a sentence for each setting that was not stated."""
        horizon, active = self.windows.horizon_days, self.windows.active_within_days
        of_gaps = {
            "horizon_days": f"horizon {horizon} days: {_came(rhythm, horizon)}; {_half(rhythm)}",
            "active_within_days": f"active within {active} days: {_came(rhythm, active)}",
        }
        number = len(self.tests)
        return (
            f"measured before {rhythm.measured_until}, when no test had begun: {rhythm}",
            *(text for key, text in of_gaps.items() if key not in stated),
            f"{number} test {'day' if number == 1 else 'days'}, {horizon} days apart: the last labels end "
            f"with the data, {rhythm.as_of}",
            f"{self.training_snapshots} training snapshots every {self.every_days} days from {self.earliest} "
            f"on: earlier ones do not know {active} days; {self.ones:,} of {self.ones + self.zeros:,} rows "
            f"on {self.newest_training} are of class 1",
        )


def plan_snapshots(rhythm: Rhythm, stated: Mapping[str, Any], counts: Counts, what: str) -> SnapshotPlan:
    """Return the first plan whose classes are large enough for a verdict, the best fitting windows first.

    Parameters
    ----------
    rhythm : Rhythm
    stated : mapping
        ``horizon_days``, ``active_within_days`` and ``gap_days`` win where they are given.
    counts : callable
        Customers of class 1 and of class 0 on a day, for a horizon and an activity window in days.
    what : str
        Class 1 in words, for the error.

    Raises
    ------
    InputError
        If no plan fits; it says what there is and what is needed.
    """
    tried = []
    for windows in _windows(rhythm, stated):
        plan = _days(rhythm, windows, stated)
        if plan is None:
            tried.append(f"horizon {windows.horizon_days} days: the reach leaves no day to train on")
            continue
        horizon, active = windows.horizon_days, windows.active_within_days
        ones, zeros = counts(plan.newest_training, horizon, active)
        if min(ones, zeros) >= LEAST_OF_A_CLASS:
            return _with_rows(plan, ones, zeros)
        tried.append(
            f"horizon {horizon} days, active within {active}: {ones:,} {what} and {zeros:,} not, on "
            f"{plan.newest_training}"
        )
    raise InputError(
        f"too little to train and test on: {rhythm}; of each class {LEAST_OF_A_CLASS} are needed\n  "
        + "\n  ".join(tried)
        + f"\n  add older {rhythm.what}s or more customers, or state horizon_days and active_within_days"
    )


def _windows(rhythm: Rhythm, stated: Mapping[str, Any]) -> Iterator[Windows]:
    """Yield pairs of windows: what was stated, or what fits best and then its halves and doubles."""
    widest, reach = floor_weeks(rhythm.reach_days / 8), rhythm.reach_days
    fitting = min(whole_weeks(rhythm.within(0.5), at_least=_MONTH), widest) if rhythm.repeats else widest
    options = [fitting, 2 * fitting, floor_weeks(fitting / 2)]
    horizons = [int(stated["horizon_days"])] if "horizon_days" in stated else [
        days for days in dict.fromkeys(options) if days <= max(widest, reach // 6)
    ]  # fmt: skip
    for horizon in horizons:
        most = max(horizon, floor_weeks(reach / 4))
        usual = whole_weeks(rhythm.within(0.75)) if rhythm.repeats else most
        active = int(stated.get("active_within_days", min(max(2 * horizon, usual), most)))
        yield Windows(horizon, active)


def _days(rhythm: Rhythm, windows: Windows, stated: Mapping[str, Any]) -> SnapshotPlan | None:
    """Return the plan of days: tests as late as labels allow, training before them; None if none is left."""
    horizon, gap_days = windows.horizon_days, int(stated.get("gap_days", 0))
    label_days = horizon + gap_days
    room = (rhythm.as_of - rhythm.measured_until).days - gap_days
    number = min(_TESTS, max(1, room // horizon))
    last = rhythm.as_of - timedelta(days=label_days)
    tests = tuple(last - timedelta(days=horizon * back) for back in reversed(range(number)))
    newest = tests[0] - timedelta(days=label_days)
    earliest = rhythm.first + timedelta(days=windows.active_within_days)
    every = int(stated.get("every_days", max(WEEK, floor_weeks(horizon / 4))))
    if newest < earliest:
        earliest = max(rhythm.first + timedelta(days=WEEK), newest - timedelta(days=2 * every))
    if newest < earliest:
        return None
    most = int(stated.get("training_snapshots", _SNAPSHOTS))
    snapshots = min(most, (newest - earliest).days // every + 1)
    return SnapshotPlan(windows, gap_days, tests, snapshots, every, earliest)


def _with_rows(plan: SnapshotPlan, ones: int, zeros: int) -> SnapshotPlan:
    """Return a plan with its counts and, of very many customers, fewer snapshots."""
    affordable = max(4, _MOST_ROWS // (ones + zeros))
    return SnapshotPlan(
        plan.windows, plan.gap_days, plan.tests, min(plan.training_snapshots, affordable), plan.every_days,
        plan.earliest, ones, zeros,
    )  # fmt: skip


def _came(rhythm: Rhythm, days: int) -> str:
    if not rhythm.repeats:
        return "nobody ordered twice, so it follows the reach alone"
    return f"{rhythm.share_within(days):.0%} of the repeat {rhythm.what}s come within them"


def _half(rhythm: Rhythm) -> str:
    return f"half come within {rhythm.within(0.5)}" if rhythm.repeats else "there is no rhythm to follow"
