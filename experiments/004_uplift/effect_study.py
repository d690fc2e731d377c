"""What the scripts of this experiment share: every learner on both bases, judged on the same rows."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from rich.progress import Progress

sys.path.append(str(Path(__file__).parents[1]))  # for what all experiments share

from crm_ml.config import UpliftRun, load_run
from crm_ml.config.parts import Part
from crm_ml.evaluation.uplift_predictions import RANDOM, RESPONSE
from crm_ml.tables import Tables
from crm_ml.train.experiment import load_tables
from crm_ml.train.families.uplift import experiment
from crm_ml.train.families.uplift.fitting import MODEL, FoldPredictions, TrialFold, fit
from crm_ml.uplift.t_learner import TLearner
from crm_ml.uplift.trial_rows import TrialRows, trials

DATA = Path(__file__).parents[2] / ".." / "shared" / "data"
FILES = {
    "hillstrom": DATA / "hillstrom" / "hillstrom.csv",
    "starbucks": DATA / "starbucks_promo" / "train.csv",
}
BASES = {"trees": "boosting", "lines": "logistic"}
LEARNERS = {"S": "s_learner", "T": "t_learner", "X": "x_learner", "R": "r_learner", "DR": "dr_learner"}
FULL = {"outcome_options": {"extra_trees": False, "feature_fraction_bynode": 1.0}}
CANDIDATES: dict[str, Part] = {
    f"{name} learner, {base}": Part(name=learner, options={} if kind == "boosting" else {"base": kind})
    for base, kind in BASES.items()
    for name, learner in LEARNERS.items()
}
RESPONSE_LINES = "response model, lines"
CANDIDATES[RESPONSE_LINES] = Part(name="response_model", options={"base": "logistic"})
# trees that look at every feature and every threshold, where the others look at a random few
FULL_TREES = {f"{name} learner, full trees": Part(name=LEARNERS[name], options=FULL) for name in "STX"}
FULL_TREES["response model, full trees"] = Part(name="response_model", options=FULL)


def settings(run: str, sets: Sequence[str] = ()) -> UpliftRun:
    """Load a committed run, with the path of its file where it needs one."""
    name = run.partition("/")[2].partition("_")[0]
    path = [f"data.path={FILES[name]}"] if name in FILES else []
    config = load_run(run, [*path, *sets])
    assert isinstance(config, UpliftRun)
    return config


def rows_of(config: UpliftRun, progress: Progress) -> tuple[TrialRows, list[TrialFold], Tables]:
    """Return the rows of a run and its test folds."""
    tables = load_tables(config)
    known = trials(tables, config.target.horizon)
    rows = experiment.compute_rows(config, tables, known, progress)
    return rows, experiment.make_folds(config, known, rows), tables


def candidates(config: UpliftRun) -> dict[str, Part]:
    """Return the learners by name; the one of the config is called ``model``."""
    named = committed(config)
    return {MODEL: config.model} | {name: part for name, part in CANDIDATES.items() if name != named}


def committed(config: UpliftRun) -> str:
    """Return the name for people of the learner of a config."""
    known = CANDIDATES | FULL_TREES
    return next(name for name, part in known.items() if part == config.model)


def predict_all(
    config: UpliftRun,
    parts: Mapping[str, Part],
    rows: TrialRows,
    folds: Sequence[TrialFold],
    progress: Progress,
) -> list[FoldPredictions]:
    """Fit every candidate on the training rows of each fold; the control has the config's outcome model."""
    task = progress.add_task(f"{config.data.name}: learners and controls", total=len(folds) * len(parts))
    options = config.model.options
    shared = {name: options[name] for name in ("base", "outcome_options") if name in options}
    controls = [Part(name=name, options=shared) for name in ("response_model", "t_learner")]
    predicted = []
    for each in folds:
        past, now = rows.where(each.training), rows.where(each.test)
        scores = {}
        for name, part in parts.items():
            learner = fit(config, part, past)
            scores[name] = {arm: learner.predict(now.X, arm) for arm in learner.arms_}
            progress.advance(task)
        response, outcomes = (fit(config, part, past) for part in controls)
        assert isinstance(outcomes, TLearner)
        answer = {arm: response.predict(now.X, arm) for arm in response.arms_}
        expected = outcomes.predict_outcomes(now.X)
        predicted.append(FoldPredictions(each.name, now, response.arms_, scores, answer, expected))
    return predicted


def shown(name: str, config: UpliftRun) -> str:
    """Return the name of an order for people."""
    labels = {
        RANDOM: "random order",
        RESPONSE: "response model of the run",
        MODEL: f"**{committed(config)}**",
    }
    return labels.get(name, name)


def inner_folds(fold: TrialFold, customers: Sequence[str], number: int) -> list[TrialFold]:
    """Cut the training rows of a fold into `number` parts by customer; each tests once."""
    from crm_ml.customer_hash import customer_folds

    part = customer_folds(np.asarray(customers), number, key=f"inner {fold.name}")
    return [
        TrialFold(f"{fold.name} part {n + 1}", fold.training & (part == n), fold.training & (part != n))
        for n in range(number)
    ]
