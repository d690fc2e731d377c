"""Lifetime value on four data sets: what validation chose, beside baselines and the textbook models.

``python experiments/002_clv/results.py [--online-retail PATH]`` writes results.json and the tables of
README.md. It is no tool for choosing: each run with other figures of a chosen model is kept in results.json
and counted in README.md. Online Retail is left as it stands where its file is not given.
"""

import argparse
import hashlib
import json
import logging
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from clv_study import HERE, Study, studies, study
from readme_tables import markdown, show, shown_progress, write_between

from crm_ml.errors import CrmError
from crm_ml.evaluation.significance import Evaluation
from crm_ml.train.families.clv.report import MODEL

METRICS = ("rmse", "mae", "msle", "total_error", "normalised_gini", "top_decile_share")
TITLES = ("RMSE", "MAE", "MSLE", "total error", "normalised Gini", "top-decile share")
TARGETS = (("dollar RMSE below 72.0", "rmse"), ("normalised Gini at least .69", "normalised_gini"),
           ("total within 10 %", "total_error"))  # fmt: skip


def main(argv: Sequence[str] | None = None) -> int:
    """Judge the choice of each data set on its test window; return the exit code."""
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # before lightgbm is imported
    logging.basicConfig(level=logging.ERROR)
    parser = argparse.ArgumentParser("results.py", description="Judge lifetime value on the test windows.")
    parser.add_argument("--online-retail", type=Path, help="Parquet file of Online Retail II")
    parser.add_argument("--only", nargs="*", help="names of data sets (default: all)")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="override a setting")
    parser.add_argument("--folder", type=Path, default=HERE, help="where README.md and results.json stand")
    given = parser.parse_args(argv)
    try:
        found = {}
        with shown_progress() as progress:
            for name, config in studies(given.online_retail, given.only, given.set).items():
                found[name] = study(config, progress, name)
        for name, one in found.items():
            report(name, one, given.folder)
    except CrmError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


def report(name: str, one: Study, folder: Path) -> None:
    """Write the tables of one data set into README.md and results.json, and print them."""
    path = folder / "results.json"
    kept = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    kept[name] = plain(one) | {"looks": looks(kept.get(name, {}).get("looks", []), one)}
    path.write_text(json.dumps(dict(sorted(kept.items())), indent=1) + "\n", encoding="utf-8")
    for kind, judged in (("value", one.value), ("purchases", one.purchases)):
        rows = [(model, *(cell(judged, model, metric) for metric in METRICS)) for model in judged.models]
        _write(folder, f"{name} {kind}", ("model", *TITLES), rows)
    views = ("rmse", "normalised_gini", "total_error")
    rows = [
        (model, *(cell(one.validation, model, view) for view in views)) for model in one.validation.models
    ]
    _write(folder, f"{name} validation", ("model", "RMSE", "normalised Gini", "total error"), rows)
    if name == "cdnow_sample":
        _write(folder, "targets", ("target", "figure", "verdict"), targets(one.value))
    write_between(folder / "README.md", f"{name} facts", facts(one, len(kept[name]["looks"])))
    print(facts(one, len(kept[name]["looks"])))


def targets(judged: Evaluation) -> list[tuple[str, str, str]]:
    """Return each target of the CDNOW sample with its figure and ``met`` or ``missed``."""
    values = {metric: judged.interval(MODEL, metric).value for _, metric in TARGETS}
    met = (values["rmse"] < 72.0, values["normalised_gini"] >= 0.69, abs(values["total_error"]) <= 0.10)
    return [
        (what, cell(judged, MODEL, metric), "met" if good else "**missed**")
        for (what, metric), good in zip(TARGETS, met, strict=True)
    ]


def cell(judged: Evaluation, model: str, metric: str) -> str:
    """Return a value with its interval, in as many digits as it has meaning."""
    over = "pooled" if (model, metric, "pooled") in judged.replicates else "folds"
    one = judged.interval(model, metric, over)
    digits = 3 if abs(one.value) < 10 else 2
    if metric == "total_error":
        return f"{one.value:+.3f} [{one.low:+.3f}, {one.high:+.3f}]"
    return f"{one.value:.{digits + (digits == 3)}f} [{one.low:.{digits}f}, {one.high:.{digits}f}]"


def facts(one: Study, counted: int) -> str:
    """Say in words what was chosen and from what."""
    came = one.window.outcomes.as_dict()
    tilt = f"power {one.tilt.power:.3f}, total {one.tilt.total:.3f}" if one.choice.tilted else "none"
    paired = one.value.difference(MODEL, "recency_rule", "rmse")
    bare = one.value.difference(MODEL, one.choice.base, "rmse")
    trees = ", challenger" if one.choice.challenger else ""
    return (
        f"Test window from {one.window.name}, {one.window.snapshot.horizon.days} days: {came['customers']:,} "
        f"customers, {came['purchases']:,} purchases, {came['value']:,.0f} spent; {came['new_customers']:,} "
        f"customers who are new in it ({came['new_value']:,.0f} spent) count in no metric. "
        f"Chosen: {one.choice.base}{trees}; tilt: {tilt}. On validation {one.choice.reason}. "
        f"RMSE minus that of the recency rule: {paired}, minus that of {one.choice.base} as it is: {bare}. "
        f"Different results of a chosen model seen there so far: {counted}."
    )


def looks(kept: list[dict[str, Any]], one: Study) -> list[dict[str, Any]]:
    """Return the looks at the test window kept so far and this one, unless it repeats one to four digits."""
    figures = {metric: round(one.value.interval(MODEL, metric).value, 6) for metric in METRICS}
    digest = hashlib.sha256(one.config.model_dump_json().encode()).hexdigest()
    look = {"config_sha256": digest, "figures": figures}
    if any(np.allclose([*each["figures"].values()], [*figures.values()], rtol=1e-4, atol=0) for each in kept):
        return kept
    return [*kept, {"on": f"{datetime.now(UTC):%Y-%m-%d}", **look}]


def plain(one: Study) -> dict[str, Any]:
    """Return the figures of a data set, ready for JSON."""
    return {
        "choice": asdict(one.choice),
        "tilt": asdict(one.tilt),
        "outcomes": one.window.outcomes.as_dict(),
        **{
            kind: {
                model: {metric: asdict(judged.interval(model, metric)) for metric in METRICS}
                for model in judged.models
            }
            for kind, judged in (("value", one.value), ("purchases", one.purchases))
        },
        "params": one.params,
        "log_likelihood": one.log_likelihood,
    }


def _write(folder: Path, marker: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    write_between(folder / "README.md", marker, markdown(header, rows))
    show(marker, header, rows)


if __name__ == "__main__":
    sys.exit(main())
