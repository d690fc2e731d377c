"""experiments/008_drift/results.py on made-up weeks: what it counts, and what it writes."""

import shutil
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import scripts

from crm_ml.monitoring.drift_limits import DriftLimits

FOLDER = Path(__file__).parents[2] / "experiments" / "008_drift"


def weeks(count=14, rows=300):
    draw = np.random.default_rng(0)
    return {
        date(2024, 1, 3) + timedelta(days=7 * week): pd.DataFrame({
            "rfm_paid_cents_84d": draw.exponential(1000, rows) + 1,
            "half_known": np.where(draw.random(rows) < 0.5, np.nan, draw.random(rows)),
            "lifecycle_stage": draw.choice(np.array(["new", "old"], dtype=object), rows, p=[0.3, 0.7]),
        })
        for week in range(count)
    }  # fmt: skip


def test_weeks_are_counted_with_and_without_what_is_planted(monkeypatch, tmp_path):
    results = scripts.load("008_drift/results.py", monkeypatch)
    found = results.replay(weeks(), DriftLimits())
    assert [one["day"] for one in found["weeks"]] == ["2024-03-20", "2024-03-27", "2024-04-03"]
    for week in found["weeks"]:
        assert (week["verdict"], week["above_25"], week["columns"]) == ("none", 0, 3)
        assert list(week["planted"].values()) == ["stop", "warn", "warn"]
        assert week["gone"] == {"columns": 3, "found": 3, "by_psi": 3}
    shutil.copy(FOLDER / "README.md", tmp_path)
    results.write({"made up": found}, tmp_path)
    told = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert "| made up | 3 | 3 | 0 | 3 | 0 | 0 | 0 | 0 |" in told
    assert "| made up | two of three rows lost | 3 of 3 | 0 of 3 |" in told
