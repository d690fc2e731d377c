"""Compute the golden values of test_decision_curve.py with dcurves; not collected by pytest.

It is no dependency. In an environment of its own:

    pip install dcurves==1.1.1
    python tests/evaluation/make_decision_golden.py

It writes decision_golden.json beside this file.
"""

import json
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd
from dcurves import dca

THRESHOLDS = (0.05, 0.1, 0.2, 0.4)


def made(seed):
    """Labels and probabilities of a recipe that test_decision_curve.py repeats."""
    rng = np.random.RandomState(seed)
    p = rng.rand(317) ** 2
    return (rng.rand(317) < 0.8 * p).astype(int), p


def main():
    """Write all values with the version that gave them."""
    content = {"dcurves": version("dcurves"), "net_benefit": {}}
    for seed in (0, 1):
        y, p = made(seed)
        table = dca(pd.DataFrame({"y": y, "m": p}), "y", ["m"], thresholds=list(THRESHOLDS))
        rows = {"m": "m", "all": "everybody", "none": "nobody"}
        content["net_benefit"][seed] = {
            name: {
                str(row.threshold): row.net_benefit for row in table[table["model"] == theirs].itertuples()
            }
            for theirs, name in rows.items()
        }
    path = Path(__file__).parent / "decision_golden.json"
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
