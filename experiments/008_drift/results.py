"""How often the drift monitor warns on past weeks, and whether it detects planted faults.

``python experiments/008_drift/results.py`` replays the weeks of two sets of tables and writes results.json
and the tables of README.md; it takes some five minutes of one core.
"""

import argparse
import fnmatch
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

sys.path.append(str(Path(__file__).parents[1]))  # for what all experiments share

from study import Table, parser, run, save, saved, shown_progress, write_tables

from crm_ml import datasets, features
from crm_ml.config import load_run
from crm_ml.monitoring.column_counts import in_frame
from crm_ml.monitoring.drift import Drift, compare
from crm_ml.monitoring.drift_limits import DriftLimits
from crm_ml.monitoring.drift_verdict import Counted, judge
from crm_ml.monitoring.training_profile import Profile, ProfiledDay, profile_columns
from crm_ml.snapshots import Snapshot, as_utc

if TYPE_CHECKING:
    import pandas as pd

    Weeks = Mapping[date, pd.DataFrame]

LAG_DAYS, FEWEST, MOST, ACTIVE_DAYS = 28, 8, 20, 56
SETS: Mapping[str, tuple[date, date, Mapping[str, Any]]] = {
    "complete_journey": (date(2017, 3, 1), date(2017, 12, 27), {}),
    "simulated": (date(2024, 3, 3), date(2024, 12, 29), {"customers": 5000, "seed": 0}),
}
WEEKS = ("tables", "weeks", "columns", "not by PSI", "none", "warn", "stop", "fixed: one above .25",
         "fixed: three above .5")  # fmt: skip
PLANTED = ("tables", "planted in each week", "warned or stopped", "stopped")


def main(argv: Sequence[str] | None = None) -> int:
    """Write the tables; return the exit code."""
    command = parser(__file__, "Replay the drift monitor on past weeks.", "results.json", SETS)
    return run(_replay_all, command.parse_args(argv))


def _replay_all(arguments: argparse.Namespace) -> None:
    path = arguments.folder / "results.json"
    results = saved(path, {})
    for name in arguments.only or SETS:
        results[name] = replay(weeks_of(name), DriftLimits())
        save(path, results)
    write(results, arguments.folder)


def weeks_of(name: str) -> "Weeks":
    """Return the features of the active customers of each week, without the columns that churn leaves out."""
    first, last, options = SETS[name]
    left_out = load_run("churn/lightgbm").leave_out
    tables = datasets.load(name, None, **options)
    days = [first + timedelta(days=7 * week) for week in range((last - first).days // 7 + 1)]
    weeks = {}
    with shown_progress() as progress:
        snapshots = [Snapshot(as_utc(day), timedelta(days=1)) for day in days]
        known = zip(days, features.matrices(tables, snapshots), strict=True)
        for day, X in progress.track(known, total=len(days), description=f"features of {name}"):
            used = [column for column in X if not any(fnmatch.fnmatch(column, each) for each in left_out)]
            weeks[day] = X.loc[X["rfm_days_since_order"] < ACTIVE_DAYS, used]
    return weeks


def replay(weeks: "Weeks", limits: DriftLimits) -> dict[str, Any]:
    """Compare each week with the profile of up to twenty weeks whose labels had ended by then.

    Parameters
    ----------
    weeks : mapping of date to pandas.DataFrame
        Features by week, oldest first.
    limits : DriftLimits
    """
    compared: list[dict[str, Any]] = []
    for day in weeks:
        past = [week for week in weeks if week <= day - timedelta(days=LAG_DAYS)][-MOST:]
        if len(past) < FEWEST:
            continue
        known = profile_columns([ProfiledDay(week.toordinal(), weeks[week]) for week in past], LAG_DAYS)
        profile = Profile(known, (), {f"{past[-1]}": len(weeks[past[-1]])})
        drift = _compared(profile, weeks[day], limits)
        planted = {name: _compared(profile, X, limits).verdict for name, X in faults(weeks[day])}
        psi = [row.psi for row in drift.rows]
        compared.append({
            "day": f"{day}", "verdict": drift.verdict, "reasons": list(drift.reasons), "columns": len(psi),
            "not_by_psi": len(drift.unmonitored), "above_25": sum(value > 0.25 for value in psi),
            "above_50": sum(value > 0.5 for value in psi), "planted": planted,
            "gone": _gone(profile, len(weeks[day]), limits),
        })  # fmt: skip
    return {"weeks": compared}


def faults(X: "pd.DataFrame") -> "Iterator[tuple[str, pd.DataFrame]]":
    """Yield the week with one fault at a time."""
    yield "money in cents of cents (one column)", X.assign(rfm_paid_cents_84d=X["rfm_paid_cents_84d"] * 100)
    yield "two of three rows lost", X[np.arange(len(X)) % 3 == 0]
    stage = X["lifecycle_stage"].astype(object)
    yield "the commonest stage renamed", X.assign(lifecycle_stage=stage.replace(stage.mode()[0], "new name"))


def _compared(profile: Profile, X: "pd.DataFrame", limits: DriftLimits) -> Drift:
    return compare("churn", profile, len(X), in_frame(profile.features, X), limits)


def _gone(profile: Profile, rows: int, limits: DriftLimits) -> dict[str, int]:
    """Count columns whose loss is detected: by all limits, and by PSI alone."""
    lost = {"columns": 0, "found": 0, "by_psi": 0}
    for column in profile.features:
        if column.largest_missing_share == 1:
            continue
        counts = np.zeros(column.bins.size, dtype=np.int64)
        counts[-1] = rows
        row = judge(Counted(column, counts), profile, len(profile.features), limits)
        lost["columns"] += 1
        lost["found"] += row.verdict != "none"
        lost["by_psi"] += row.psi > row.limit and row.by_psi
    return lost


def write(results: Mapping[str, Any], folder: Path) -> None:
    """Write all tables into the README and the terminal."""
    weeks = {name: result["weeks"] for name, result in results.items()}
    reasons = [
        [
            name,
            week["day"],
            week["verdict"],
            "; ".join(_moved(week)),
        ]
        for name, past in weeks.items()
        for week in past
        if week["verdict"] != "none"
    ]
    tables: dict[str, Table] = {
        "weeks": (WEEKS, [_summed(name, past) for name, past in weeks.items()]),
        "planted": (PLANTED, [row for name, past in weeks.items() for row in _planted(name, past)]),
        "reasons": (("tables", "week", "verdict", "what moved (the first six)"), reasons),
    }
    write_tables(folder, tables)


def _moved(week: Mapping[str, Any]) -> list[str]:
    return [reason.partition(":")[0] for reason in week["reasons"][:6]]


def _summed(name: str, weeks: Sequence[Mapping[str, Any]]) -> list[str]:
    counts = [sum(week["verdict"] == verdict for week in weeks) for verdict in ("none", "warn", "stop")]
    fixed = [sum(week["above_25"] > 0 for week in weeks), sum(week["above_50"] >= 3 for week in weeks)]
    most = (max(week[key] for week in weeks) for key in ("columns", "not_by_psi"))
    return [name, *map(str, (len(weeks), *most, *counts, *fixed))]


def _planted(name: str, weeks: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    rows = []
    for fault in weeks[0]["planted"]:
        verdicts = [week["planted"][fault] for week in weeks]
        detected, stopped = len(verdicts) - verdicts.count("none"), verdicts.count("stop")
        rows.append([name, fault, f"{detected} of {len(verdicts)}", f"{stopped} of {len(verdicts)}"])
    sums = {key: sum(week["gone"][key] for week in weeks) for key in ("columns", "found", "by_psi")}
    gone = f"{sums['found']:,} of {sums['columns']:,} ({sums['by_psi']:,} by PSI alone)"
    return [*rows, [name, "a column gone, each in turn", gone, ""]]


if __name__ == "__main__":
    sys.exit(main())
