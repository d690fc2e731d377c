"""IBM Telco through the same estimators, with a gate that fails above what this table can honestly give.

``python experiments/001_churn/telco.py [PATH]`` writes telco.json and the table of README.md.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).parents[1]))  # for what all experiments share

import numpy as np
import pandas as pd
from rich.progress import Progress
from study import markdown, parser, run, save, show, shown_progress, write_between

from crm_ml.errors import InputError, LeakError
from crm_ml.evaluation import classification, leakage
from crm_ml.models.model import create

DEFAULT = Path(__file__).parents[2] / ".." / "shared" / "data" / "telco_churn" / "Telco-Customer-Churn.csv"
MODELS = ("blend", "gradient_boosting", "logistic")
METRICS = ("auc", "average_precision", "log_loss", "brier", "ece")
SEEDS = (0, 1, 2, 3)
TEST_SHARE = 0.3
LEAKY_AUC = 0.87
LOG_LOSS_TARGET = 0.415
_ID, _LABEL = "customerID", "Churn"

Scores = dict[str, dict[str, list[float]]]


def main(argv: Sequence[str] | None = None) -> int:
    """Judge the models on four splits; return the exit code."""
    command = parser(__file__, "Judge the churn models on IBM Telco.", "telco.json")
    command.add_argument("path", nargs="?", type=Path, default=DEFAULT, help="CSV of the customers")
    return run(_judge_file, command.parse_args(argv))


def _judge_file(arguments: argparse.Namespace) -> None:
    if not arguments.path.is_file():
        print(f"skipped: {arguments.path} is not there; give the path of Telco-Customer-Churn.csv")
        return
    X, y = read(arguments.path)
    with shown_progress() as progress:
        scores = judge(X, y, progress)
    check_leaky(scores, leakage.check_leaks(X, y))
    _report(scores, X, y, arguments.folder)


def read(path: Path) -> tuple[pd.DataFrame, "pd.Series[int]"]:
    """Read features indexed by customer_id, and churn as 0 and 1.

    TotalCharges is text with blanks for customers of tenure 0; a blank is missing.

    Raises
    ------
    InputError
        If columns are missing, churn is neither Yes nor No, or a charge is neither blank nor a number.
    """
    table = pd.read_csv(path, dtype={_ID: "str", "TotalCharges": "str"}, keep_default_na=False)
    missing = [name for name in (_ID, _LABEL, "TotalCharges") if name not in table]
    if missing:
        raise InputError(f"{path.name}: no column {', '.join(missing)}; give the IBM Telco table")
    charges = table["TotalCharges"].str.strip()
    numbers = pd.to_numeric(charges, errors="coerce")
    odd = int((numbers.isna() & (charges != "")).sum())
    unknown = int((~table[_LABEL].isin(["Yes", "No"])).sum())
    if odd or unknown:
        raise InputError(
            f"{path.name}: of {len(table):,} rows TotalCharges is no number in {odd:,} and {_LABEL} is "
            f"neither Yes nor No in {unknown:,}; mend these rows"
        )
    table = table.assign(TotalCharges=numbers).set_index(table[_ID].rename("customer_id"))
    return table.drop(columns=[_ID, _LABEL]), (table[_LABEL] == "Yes").astype("int8")


def judge(X: pd.DataFrame, y: "pd.Series[int]", progress: Progress) -> Scores:
    """Return each metric of each model on the test part of each split."""
    scores: Scores = {name: {metric: [] for metric in METRICS} for name in MODELS}
    for seed in progress.track(SEEDS, description="splits"):
        test = np.random.default_rng(seed).permutation(len(X)) < round(TEST_SHARE * len(X))
        for name in MODELS:
            p = create(name).fit(X[~test], y[~test]).predict_proba(X[test])[:, 1]
            for metric in METRICS:
                scores[name][metric].append(getattr(classification, metric)(y[test], p))
    return scores


def check_leaky(scores: Scores, single: dict[str, float]) -> None:
    """Refuse a mean AUC above .87, which no honest pipeline reaches on this table.

    Raises
    ------
    LeakError
        The message names the model, its AUC and the features of highest AUC alone.
    """
    means = {name: float(np.mean(splits["auc"])) for name, splits in scores.items()}
    leaky = {name: mean for name, mean in means.items() if mean > LEAKY_AUC}
    if leaky:
        top = sorted(single, key=lambda name: -single[name])[:3]
        raise LeakError(
            f"mean AUC over {len(SEEDS)} splits is {', '.join(f'{m:.4f} ({n})' for n, m in leaky.items())}, "
            f"above {LEAKY_AUC}: test rows or labels reach the training; look first at "
            f"{', '.join(f'{name} (AUC alone {single[name]:.3f})' for name in top)}"
        )


def _report(scores: Scores, X: pd.DataFrame, y: "pd.Series[int]", folder: Path) -> None:
    header = ("model", *METRICS)
    rows = [
        (name, *(f"{np.mean(splits[m]):.4f} (sd {np.std(splits[m], ddof=1):.4f})" for m in METRICS))
        for name, splits in scores.items()
    ]
    loss = float(np.mean(scores[MODELS[0]]["log_loss"]))
    verdict = "met" if loss <= LOG_LOSS_TARGET else "missed"
    facts = (
        f"{len(X):,} customers, {y.mean():.1%} churned; {len(SEEDS)} splits. Target of {MODELS[0]}: log-loss "
        f"at most {LOG_LOSS_TARGET}: **{verdict}** ({loss:.4f}). Gate: mean AUC at most {LEAKY_AUC}: passed."
    )
    content: dict[str, Any] = {"rows": len(X), "churned": int(y.sum()), "seeds": SEEDS, "scores": scores}
    content |= {"target_log_loss": LOG_LOSS_TARGET, "verdict": verdict, "leaky_auc": LEAKY_AUC}
    save(folder / "telco.json", content)
    write_between(folder / "README.md", "telco", f"{markdown(header, rows)}\n\n{facts}")
    show("IBM Telco, mean over the splits", header, rows)
    print(facts)


if __name__ == "__main__":
    sys.exit(main())
