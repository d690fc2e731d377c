"""Compute the golden values of test_uplift.py with scikit-uplift and causalml; not collected by pytest.

Neither library is a dependency. In an environment of its own:

    pip install scikit-uplift==0.5.1 causalml==0.18.0
    python tests/evaluation/make_uplift_golden.py HILLSTROM_CSV

It writes uplift_golden.json beside this file. Of causalml, `get_qini`, `qini_score` and `auuc_score` of
``causalml.metrics.visualize`` are called.
"""

import json
import platform
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd
from causalml.metrics.visualize import auuc_score, qini_score
from sklift.metrics import qini_auc_score, uplift_auc_score

HERE = Path(__file__).parent


def made(seed, ties):
    """Outcomes, scores and arms of a seeded recipe that test_uplift.py repeats."""
    rng = np.random.RandomState(seed)
    x, t = rng.rand(400), (rng.rand(400) < 0.4).astype(int)
    y = (rng.rand(400) < 0.2 + 0.3 * x * t).astype(int)
    score = x + 0.5 * rng.rand(400)
    return y, np.round(score, 1) if ties else score, t


def hillstrom(path, arm):
    """Visits of one arm and of the control, scored by a line that nobody fitted."""
    table = pd.read_csv(path)
    table = table[table["segment"].isin([arm, "No E-Mail"])]
    line = table["womens"] * 0.05 - table["recency"] * 0.003 + table["history"] * 1e-5
    score = line.rank(method="first")  # no two are equal, so that no sort decides
    return table["visit"].to_numpy(), score.to_numpy(), (table["segment"] == arm).astype(int).to_numpy()


def values(y, score, t, ties=False):
    """Every number of both libraries; causalml's depend on the sort where scores are equal."""
    found = {
        "qini sklift": qini_auc_score(y, score, t),
        "auuc sklift": uplift_auc_score(y, score, t),
    }
    if not ties:
        frame = pd.DataFrame({"y": y, "w": t, "model": score})
        found["qini causalml"] = qini_score(frame)["model"]
        found["auuc causalml"] = auuc_score(frame)["model"]
    return {name: float(value) for name, value in found.items()}


def main(path):
    """Write all values with the versions that gave them."""
    cases = {f"made {seed}": values(*made(seed, False)) for seed in (0, 1, 2)}
    cases |= {f"made {seed}, ties": values(*made(seed, True), ties=True) for seed in (0, 1, 2)}
    for name, arm in (("hillstrom women", "Womens E-Mail"), ("hillstrom men", "Mens E-Mail")):
        cases[name] = values(*hillstrom(path, arm))
    versions = {name: version(name) for name in ("scikit-uplift", "causalml", "numpy", "pandas")}
    content = {"versions": versions | {"python": platform.python_version()}, "cases": cases}
    (HERE / "uplift_golden.json").write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
