"""Compute the golden values of test_uplift_at_k.py with scikit-uplift; not collected by pytest.

It is no dependency. In an environment of its own:

    pip install scikit-uplift==0.5.1 "setuptools<81"
    python tests/evaluation/make_uplift_bins_golden.py

It writes uplift_bins_golden.json beside this file.
"""

import json
from importlib.metadata import version
from pathlib import Path

import numpy as np
from sklift.metrics import uplift_at_k, uplift_by_percentile

SHARES, BINS = (0.1, 0.3, 0.55, 57), (4, 10, 13)


def made(seed):
    """Outcomes, scores and arms of a recipe that test_uplift_at_k.py repeats; no two scores are equal."""
    rng = np.random.RandomState(seed)
    x, t = rng.rand(403), (rng.rand(403) < 0.4).astype(int)
    y = (rng.rand(403) < 0.2 + 0.3 * x * t).astype(int)
    return y, x + 0.5 * rng.rand(403), t


def main():
    """Write all values with the version that gave them."""
    cases = {}
    for seed in (0, 1):
        rows = made(seed)
        for strategy in ("overall", "by_group"):
            at = {str(k): float(uplift_at_k(*rows, strategy=strategy, k=k)) for k in SHARES}
            bins = {}
            for count in BINS:
                table = uplift_by_percentile(*rows, strategy=strategy, bins=count)
                columns = (
                    "n_treatment",
                    "n_control",
                    "response_rate_treatment",
                    "response_rate_control",
                    "uplift",
                )
                bins[str(count)] = {name: table[name].astype(float).tolist() for name in columns}
            cases[f"{seed} {strategy}"] = {"at_k": at, "bins": bins}
    content = {"versions": {"scikit-uplift": version("scikit-uplift")}, "cases": cases}
    path = Path(__file__).with_name("uplift_bins_golden.json")
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
