"""Learners and controls, fitted on the training rows of each fold of an uplift experiment."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from crm_ml.config import UpliftRun
from crm_ml.config.parts import Part
from crm_ml.evaluation.uplift_predictions import RANDOM, RESPONSE, UpliftPredictions, random_order
from crm_ml.uplift.learner import Learner
from crm_ml.uplift.learners import create
from crm_ml.uplift.randomised_trial import Experiment, check_experiment
from crm_ml.uplift.t_learner import TLearner
from crm_ml.uplift.trial_rows import TrialRows

if TYPE_CHECKING:
    from rich.progress import Progress

MODEL = "model"
Mask = npt.NDArray[np.bool_]
_OF_OUTCOMES = ("base", "control", "outcome_options", "seed", "num_threads")


@dataclass(frozen=True, eq=False)
class TrialFold:
    """Rows that test and rows that train, under a name."""

    name: str
    test: Mask
    training: Mask


@dataclass(frozen=True, eq=False)
class FoldPredictions:
    """What was said of the test rows of a fold.

    Parameters
    ----------
    name : str
    rows : TrialRows
    arms : sequence of str
        Treated arms.
    scores : mapping of str to mapping of str to numpy.ndarray
        Uplift by learner and arm.
    response : mapping of str to numpy.ndarray
        What the response model says of each arm.
    outcomes : pandas.DataFrame
        Expected outcome of the control and of each arm.
    """

    name: str
    rows: TrialRows
    arms: Sequence[str]
    scores: Mapping[str, Mapping[str, Any]]
    response: Mapping[str, Any]
    outcomes: pd.DataFrame

    def predictions(self, arm: str, control: str) -> UpliftPredictions:
        """Return scores and controls of the rows of one arm and the control."""
        keep = np.asarray(self.rows.arm.isin([control, arm]))
        ids = np.asarray(self.rows.customer_id)[keep]
        p = {name: np.asarray(each[arm])[keep] for name, each in self.scores.items()}
        p |= {RESPONSE: np.asarray(self.response[arm])[keep], RANDOM: random_order(ids, self.name)}
        treated = np.asarray(self.rows.arm == arm)[keep].astype(float)
        return UpliftPredictions(ids, np.full(len(ids), self.name), self.rows.y.to_numpy()[keep], p, treated)


def predict(
    config: UpliftRun, rows: TrialRows, folds: Sequence[TrialFold], progress: "Progress"
) -> list[FoldPredictions]:
    """Fit all learners on the training rows of each fold and score its test rows."""
    parts = {MODEL: config.model} | {part.name: part for part in config.others}
    predictions = []
    for each in progress.track(list(folds), description="learners and controls"):
        past, now = rows.where(each.training), rows.where(each.test)
        checked = cache(partial(_experiment, past))
        fitted = {name: _learner(config, part) for name, part in parts.items()}
        for learner in fitted.values():
            learner.learn(checked(learner.control))
        arms = fitted[MODEL].arms_
        scores = {
            name: {arm: learner.predict(now.X, arm) for arm in arms} for name, learner in fitted.items()
        }
        shared = {name: getattr(fitted[MODEL], name) for name in _OF_OUTCOMES}
        outcomes = TLearner(**shared).learn(checked(shared["control"])).predict_outcomes(now.X)
        response = {arm: outcomes[arm].to_numpy() for arm in arms}
        predictions.append(FoldPredictions(each.name, now, arms, scores, response, outcomes))
    return predictions


def fit(config: UpliftRun, part: Part, rows: TrialRows) -> Learner:
    """Fit a learner; declared probabilities are taken where every row has one."""
    learner = _learner(config, part)
    return learner.learn(_experiment(rows, learner.control))


def _learner(config: UpliftRun, part: Part) -> Learner:
    return create(part.name, **{"control": config.target.control, **part.options})


def _experiment(rows: TrialRows, control: object) -> Experiment:
    p = rows.probabilities()
    if p is not None and (str(control) not in p or not (p > 0).all(axis=None)):
        p = None
    ordered = None if p is None else p[[str(control), *(arm for arm in p if arm != str(control))]]
    return check_experiment(rows.X, rows.arm, rows.y, control, ordered)
