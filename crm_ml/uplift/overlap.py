"""The probability of each arm for each row, and trimming of rows without overlap."""

import logging
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from crm_ml.errors import InputError
from crm_ml.models.logistic import Floats
from crm_ml.uplift.learner_bases import arm_model
from crm_ml.uplift.randomised_trial import Experiment

logger = logging.getLogger(__name__)
LARGEST_TRIM = 0.1


def with_probabilities(experiment: Experiment, folds: int, seed: int, least: float) -> Experiment:
    """Return the rows with overlap, each with the probability of every arm.

    Known probabilities are used as they are; others are estimated by a logistic regression on the other
    folds. Rows for which an arm is less likely than `least` are trimmed.

    Parameters
    ----------
    experiment : Experiment
    folds, seed : int
        Of the cross-fitting, by customer.
    least : float
        Smallest probability of an arm.

    Raises
    ------
    InputError
        If more than a tenth of the rows would be trimmed: the customers of the arms are not comparable.

    References
    ----------
    .. [1] Crump, Hotz, Imbens and Mitnik (2009). Dealing with limited overlap in estimation of average
       treatment effects. Biometrika 96, section 3.
    """
    p = experiment.probability
    if p is None:
        p = estimated(experiment, experiment.folds(folds, seed))
    known = replace(experiment, probability=p)
    keep = p.min(axis=1) >= least
    trimmed = int((~keep).sum())
    if trimmed > LARGEST_TRIM * len(keep):
        raise InputError(
            f"overlap: for {trimmed:,} of {len(keep):,} rows an arm is less likely than {least:g} (smallest "
            f"{p.min():.2g}); compare customers who could have been in every arm, or randomise"
        )
    if trimmed:
        logger.warning("overlap: %d of %d rows trimmed below a probability of %g", trimmed, len(keep), least)
    return known.rows(keep) if trimmed else known


def estimated(experiment: Experiment, fold: npt.NDArray[np.int64]) -> Floats:
    """Return the cross-fitted probability of each arm for each row."""
    arms = 1 + len(experiment.arms)
    p = np.empty((len(experiment.y), arms))
    for number in np.unique(fold):
        inside = fold == number
        for arm in range(1, arms):
            model = arm_model().fit(experiment.X[~inside], (experiment.arm[~inside] == arm).astype(float))
            p[inside, arm] = model.expected(experiment.X[inside])
    rest = np.maximum(p[:, 1:].sum(axis=1), 1e-12)
    scale = np.minimum(1.0, (1 - 1e-9) / rest)  # independent models may sum to more than 1
    p[:, 1:] *= scale[:, None]
    p[:, 0] = 1 - p[:, 1:].sum(axis=1)
    return p
