"""How often the drift monitor warns on past weeks, and whether it finds what is planted there.

``python experiments/008_drift/results.py`` replays the weeks of two sets of tables and writes results.json
and the tables of README.md; it takes some five minutes of one core.
"""

import argparse
import fnmatch
import json
import logging
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

HERE = Path(__file__).parent
sys.path.append(str(HERE.parent))  # for the tables of all experiments

from readme_tables import markdown, show, shown_progress, write_between  # noqa: E402

from crm_ml import datasets, features  # noqa: E402
from crm_ml.config import load_run  # noqa: E402
from crm_ml.errors import CrmError  # noqa: E402
from crm_ml.monitoring.column_counts import in_frame  # noqa: E402
from crm_ml.monitoring.drift import Drift, compare  # noqa: E402
from crm_ml.monitoring.drift_limits import Limits  # noqa: E402
from crm_ml.monitoring.drift_verdict import Counted, judge  # noqa: E402
from crm_ml.monitoring.training_profile import Day, Profile, columns  # noqa: E402
from crm_ml.snapshots import Snapshot, as_utc  # noqa: E402

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
    logging.basicConfig(level=logging.ERROR)
    parser = argparse.ArgumentParser("results.py", description="Replay the drift monitor on past weeks.")
    parser.add_argument("--only", choices=SETS, action="append", help="these tables alone")
    parser.add_argument("--folder", type=Path, default=HERE, help="where README.md and results.json stand")
    given = parser.parse_args(argv)
    path = given.folder / "results.json"
    kept = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    try:
        for name in given.only or SETS:
            kept[name] = replay(weeks_of(name), Limits())
            path.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
        write(kept, given.folder)
    except CrmError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


def weeks_of(name: str) -> "Weeks":
    """Return the features of the active customers of each week, without the columns that churn leaves out."""
    first, last, options = SETS[name]
    left_out = load_run("churn/lightgbm").leave_out
    tables = datasets.load(name, None, **options)
    days = [first + timedelta(days=7 * week) for week in range((last - first).days // 7 + 1)]
    found = {}
    with shown_progress() as progress:
        for day in progress.track(days, description=f"features of {name}"):
            X = features.matrix(tables, Snapshot(as_utc(day), timedelta(days=1)))
            kept = [one for one in X if not any(fnmatch.fnmatch(one, pattern) for pattern in left_out)]
            found[day] = X.loc[X["rfm_days_since_order"] < ACTIVE_DAYS, kept]
    return found


def replay(weeks: "Weeks", limits: Limits) -> dict[str, Any]:
    """Compare each week with the profile of up to twenty weeks whose labels had ended by then.

    Parameters
    ----------
    weeks : mapping of date to pandas.DataFrame
        Features by week, oldest first.
    limits : Limits
    """
    told: list[dict[str, Any]] = []
    for day in weeks:
        past = [one for one in weeks if one <= day - timedelta(days=LAG_DAYS)][-MOST:]
        if len(past) < FEWEST:
            continue
        known = columns([Day(one.toordinal(), weeks[one]) for one in past], LAG_DAYS)
        profile = Profile(known, (), {f"{past[-1]}": len(weeks[past[-1]])})
        found = _compared(profile, weeks[day], limits)
        planted = {name: _compared(profile, X, limits).verdict for name, X in faults(weeks[day])}
        psi = [one.psi for one in found.rows]
        told.append({
            "day": f"{day}", "verdict": found.verdict, "reasons": list(found.reasons), "columns": len(psi),
            "not_by_psi": len(found.unmonitored), "above_25": sum(one > 0.25 for one in psi),
            "above_50": sum(one > 0.5 for one in psi), "planted": planted,
            "gone": _gone(profile, len(weeks[day]), limits),
        })  # fmt: skip
    return {"weeks": told}


def faults(X: "pd.DataFrame") -> "Iterator[tuple[str, pd.DataFrame]]":
    """Give a week with one thing wrong in it."""
    yield "money in cents of cents (one column)", X.assign(rfm_paid_cents_84d=X["rfm_paid_cents_84d"] * 100)
    yield "two of three rows lost", X[np.arange(len(X)) % 3 == 0]
    stage = X["lifecycle_stage"].astype(object)
    yield "the commonest stage renamed", X.assign(lifecycle_stage=stage.replace(stage.mode()[0], "new name"))


def _compared(profile: Profile, X: "pd.DataFrame", limits: Limits) -> Drift:
    return compare("churn", profile, len(X), in_frame(profile.features, X), limits)


def _gone(profile: Profile, rows: int, limits: Limits) -> dict[str, int]:
    """Count columns whose loss is found: by all limits, and by PSI alone."""
    found = {"columns": 0, "found": 0, "by_psi": 0}
    for column in profile.features:
        if column.missing_most == 1:
            continue
        counts = np.zeros(column.bins.size, dtype=np.int64)
        counts[-1] = rows
        row = judge(Counted(column, counts), profile, len(profile.features), limits)
        found["columns"] += 1
        found["found"] += row.verdict != "none"
        found["by_psi"] += row.psi > row.limit and row.by_psi
    return found


def write(kept: Mapping[str, Any], folder: Path) -> None:
    """Write all tables into the README and the terminal."""
    weeks = [_summed(name, one["weeks"]) for name, one in kept.items()]
    planted = [row for name, one in kept.items() for row in _planted(name, one["weeks"])]
    reasons = [
        [name, week["day"], week["verdict"], "; ".join(one.partition(":")[0] for one in week["reasons"][:6])]
        for name, one in kept.items()
        for week in one["weeks"]
        if week["verdict"] != "none"
    ]
    for marker, header, rows in (
        ("weeks", WEEKS, weeks),
        ("planted", PLANTED, planted),
        ("reasons", ("tables", "week", "verdict", "what moved (the first six)"), reasons),
    ):
        show(marker, header, rows)
        write_between(folder / "README.md", marker, markdown(header, rows))


def _summed(name: str, weeks: Sequence[Mapping[str, Any]]) -> list[str]:
    counts = [sum(one["verdict"] == verdict for one in weeks) for verdict in ("none", "warn", "stop")]
    fixed = [sum(one["above_25"] > 0 for one in weeks), sum(one["above_50"] >= 3 for one in weeks)]
    shown = (len(weeks), max(one["columns"] for one in weeks), max(one["not_by_psi"] for one in weeks))
    return [name, *(str(one) for one in (*shown, *counts, *fixed))]


def _planted(name: str, weeks: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    rows = []
    for fault in weeks[0]["planted"]:
        said = [one["planted"][fault] for one in weeks]
        found, stopped = len(said) - said.count("none"), said.count("stop")
        rows.append([name, fault, f"{found} of {len(said)}", f"{stopped} of {len(said)}"])
    sums = {key: sum(one["gone"][key] for one in weeks) for key in ("columns", "found", "by_psi")}
    gone = f"{sums['found']:,} of {sums['columns']:,} ({sums['by_psi']:,} by PSI alone)"
    return [*rows, [name, "a column gone, each in turn", gone, ""]]


if __name__ == "__main__":
    sys.exit(main())
