"""Calibration on a later snapshot, with a guard that refuses harmful calibrators."""

import logging
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from crm_ml.customer_hash import customer_folds
from crm_ml.errors import CalibrationRefused, InputError
from crm_ml.evaluation.calibrators import Calibrator, Identity, Platt, fit_isotonic, fit_platt
from crm_ml.evaluation.classification import auc, log_loss
from crm_ml.evaluation.ranking import Floats, check_binary, check_probabilities

FEWEST = 30
logger = logging.getLogger(__name__)

FOLDS = 5
AUC_TOLERANCE = 0.005
METHODS: dict[str, Callable[[Floats, Floats], Calibrator]] = {
    "platt": fit_platt,
    "isotonic": fit_isotonic,
    "none": lambda _p, _y: Identity(),
}


def fit_calibrator(method: str, p: npt.ArrayLike, y: npt.ArrayLike, customer_id: npt.ArrayLike) -> Calibrator:
    """Fit a calibrator on a later snapshot than the training data, and refuse a harmful one.

    Parameters
    ----------
    method : {"platt", "isotonic", "none"}
    p : array-like of float, shape (n,)
        Predictions of the model on the later snapshot.
    y : array-like of {0, 1}, shape (n,)
    customer_id : array-like of str, shape (n,)
        For cross-validation: a customer is never predicted by a fit that includes it.

    Returns
    -------
    Calibrator

    Raises
    ------
    CalibrationRefused
        If a class has fewer than 30 rows, or the calibrator is inverted, flat, or has a higher log-loss than
        no calibration on held-out customers.
    InputError
        If the method is unknown or the data can't be used.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> p = rng.random(2000)
    >>> y, ids = rng.random(2000) < p ** 2, np.arange(2000)
    >>> fit_calibrator("platt", p, y, ids).predict([0.5]).round(1).tolist()
    [0.2]
    >>> fit_calibrator("platt", 1 - p, y, ids)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    crm_ml.errors.CalibrationRefused: platt: inverted, slope -1.308; the model ranks ...
    """
    labels, scores = check_binary(y, check_probabilities(p))
    calibrator = _fit(method, scores, labels)
    rarest = int(min(labels.sum(), len(labels) - labels.sum()))
    if method != "none" and rarest < FEWEST:
        raise CalibrationRefused(
            f"{method}: {rarest} of {len(labels):,} calibration rows are of the rarer class; a curve through "
            f"fewer than {FEWEST} follows their noise"
        )
    if isinstance(calibrator, Platt) and calibrator.slope <= 0:
        raise CalibrationRefused(
            f"platt: inverted, slope {calibrator.slope:.3f}; the model ranks the calibration rows backwards"
        )
    if method != "none":
        check_calibrated(scores, calibrator.predict(scores), labels, name=method)
        after = held_out_log_loss(method, scores, labels, customer_id)
        before = log_loss(labels, scores)
        if after > before:
            raise CalibrationRefused(
                f"{method}: log-loss {after:.5f} on held-out customers, {before:.5f} without calibration"
            )
    return calibrator


def best_calibrator(
    p: npt.ArrayLike,
    y: npt.ArrayLike,
    customer_id: npt.ArrayLike,
    methods: Sequence[str] = ("platt", "isotonic"),
) -> Calibrator:
    """Return the calibrator with the lowest log-loss on held-out customers among those not refused.

    If all are refused, returns `Identity` and logs the reasons; parameters as `fit_calibrator`.
    """
    best: Calibrator = Identity()
    least = np.inf
    for method in methods:
        try:
            calibrator = fit_calibrator(method, p, y, customer_id)
        except CalibrationRefused as refusal:
            logger.warning("calibration refused: %s", refusal)
            continue
        loss = held_out_log_loss(method, p, y, customer_id)
        if loss < least:
            best, least = calibrator, loss
    return best


def check_calibrated(
    raw: npt.ArrayLike,
    calibrated: npt.ArrayLike,
    y: npt.ArrayLike,
    name: str = "calibrator",
    tolerance: float = AUC_TOLERANCE,
) -> None:
    """Refuse calibrated probabilities that lost or reversed the order of the raw ones.

    Uses outputs only, so it works with a calibrator of any library.

    Parameters
    ----------
    raw : array-like of float, shape (n,)
        Scores of the model before calibration.
    calibrated : array-like of float, shape (n,)
    y : array-like of {0, 1}, shape (n,)
    name : str
        For the message.
    tolerance : float
        Largest loss of AUC allowed.

    Raises
    ------
    CalibrationRefused
        If the rank correlation is not positive (inverted), fewer than 3 distinct values are left of more
        (flat), or the AUC drops by more than `tolerance`. The message gives the numbers.
    InputError
        If labels or scores can't be used.
    """
    labels, before = check_binary(y, raw)
    _, after = check_binary(y, check_probabilities(calibrated, "calibrated"))
    distinct = len(np.unique(after)), len(np.unique(before))
    if distinct[0] < min(3, distinct[1]):
        raise CalibrationRefused(f"{name}: flat, {distinct[0]:,} distinct values are left of {distinct[1]:,}")
    correlation = _rank_correlation(before, after)
    areas = auc(labels, before), auc(labels, after)
    if correlation <= 0:
        raise CalibrationRefused(
            f"{name}: inverted, rank correlation with raw scores {correlation:.3f}, "
            f"AUC {areas[1]:.3f} against {areas[0]:.3f} before; "
            "calibrate on a later snapshot, not on folds of time-ordered rows"
        )
    if areas[0] - areas[1] > tolerance:
        raise CalibrationRefused(
            f"{name}: AUC falls from {areas[0]:.4f} to {areas[1]:.4f}, by more than {tolerance}; "
            f"{distinct[0]:,} distinct values are left of {distinct[1]:,}"
        )


def held_out_log_loss(method: str, p: npt.ArrayLike, y: npt.ArrayLike, customer_id: npt.ArrayLike) -> float:
    """Return the log-loss of a method in 5-fold cross-validation over customers.

    Raises
    ------
    InputError
        If the method is unknown, or the data can't be used or leave a fold without both classes.
    """
    labels, scores = check_binary(y, check_probabilities(p))
    fold = customer_folds(customer_id, FOLDS)
    predicted = np.empty(len(labels))
    for number in range(FOLDS):
        inside = fold == number
        if inside.any():
            predicted[inside] = _fit(method, scores[~inside], labels[~inside]).predict(scores[inside])
    return log_loss(labels, predicted)


def _fit(method: str, p: Floats, y: Floats) -> Calibrator:
    if method not in METHODS:
        raise InputError(f"unknown calibration method {method!r}; there are {', '.join(METHODS)}")
    if len(set(y.tolist())) < 2:
        raise InputError(f"calibration rows of one class only ({len(y):,} rows); take a larger snapshot")
    return METHODS[method](p, y)


def _rank_correlation(a: Floats, b: Floats) -> float:
    from scipy.stats import rankdata

    ranks = np.vstack([rankdata(a), rankdata(b)])
    if (np.ptp(ranks, axis=1) == 0).any():
        return 0.0
    return float(np.corrcoef(ranks)[0, 1])
