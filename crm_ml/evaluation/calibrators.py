"""Maps from a score to a probability: none, Platt's line on the logit, and isotonic steps."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, Protocol

import numpy as np
import numpy.typing as npt
from pydantic import Field

from crm_ml.errors import IntegrityError
from crm_ml.evaluation.ranking import Floats, check_binary, check_probabilities
from crm_ml.tables.part_file import read_part
from crm_ml.tables.strict import Strict

_EDGE = 1e-12


class Calibrator(Protocol):
    """A fitted map from probabilities to better ones."""

    @property
    def method(self) -> str:
        """Name of the method: "none", "platt" or "isotonic"."""
        ...

    def predict(self, p: npt.ArrayLike) -> Floats:
        """Return calibrated probabilities, shape (n,)."""
        ...

    def as_dict(self) -> dict[str, object]:
        """Return the parameters of the map, ready for JSON."""
        ...


@dataclass(frozen=True)
class Identity:
    """No calibration."""

    method: str = "none"

    def predict(self, p: npt.ArrayLike) -> Floats:
        """Return the probabilities as they are."""
        return check_probabilities(p)

    def as_dict(self) -> dict[str, object]:
        """Return ``{"method": "none"}``."""
        return {"method": self.method}


@dataclass(frozen=True)
class Platt:
    """A line on the logit: ``logit(q) = slope * logit(p) + intercept``.

    References
    ----------
    .. [1] Platt (1999). Probabilistic outputs for support vector machines. Advances in Large Margin
       Classifiers, section 2.
    """

    slope: float
    intercept: float
    method: str = "platt"

    def predict(self, p: npt.ArrayLike) -> Floats:
        """Return calibrated probabilities, shape (n,)."""
        from scipy.special import expit

        return np.asarray(expit(self.slope * logit(check_probabilities(p)) + self.intercept))

    def as_dict(self) -> dict[str, object]:
        """Return method, slope and intercept."""
        return {"method": self.method, "slope": self.slope, "intercept": self.intercept}


@dataclass(frozen=True)
class Isotonic:
    """A monotone line through points, flat outside of them.

    Parameters
    ----------
    scores, probabilities : tuple of float
        The points, both ascending.

    References
    ----------
    .. [1] Zadrozny and Elkan (2002). Transforming classifier scores into accurate multiclass probability
       estimates. KDD, section 3.
    """

    scores: tuple[float, ...]
    probabilities: tuple[float, ...]
    method: str = "isotonic"

    def predict(self, p: npt.ArrayLike) -> Floats:
        """Return the value of the line at each score (any finite score), shape (n,)."""
        return np.asarray(np.interp(np.asarray(p, dtype=float), self.scores, self.probabilities))

    def as_dict(self) -> dict[str, object]:
        """Return method, scores and probabilities."""
        return {
            "method": self.method,
            "scores": list(self.scores),
            "probabilities": list(self.probabilities),
        }


class _Content(Strict):
    method: Literal["none", "platt", "isotonic"]
    slope: float | None = None
    intercept: float | None = None
    scores: tuple[float, ...] = ()
    probabilities: tuple[Annotated[float, Field(ge=0, le=1)], ...] = ()


def fit_platt(p: npt.ArrayLike, y: npt.ArrayLike) -> Platt:
    """Fit slope and intercept by Newton's method.

    Labels are moved to ``(n1 + 1) / (n1 + 2)`` and ``1 / (n0 + 2)`` [1]_, so that the fit stays finite
    even if the score separates the classes.

    Raises
    ------
    InputError
        If labels or probabilities can't be used.

    References
    ----------
    .. [1] Platt (1999), section 2.2.
    """
    from scipy.special import expit

    labels, scores = check_binary(y, check_probabilities(p))
    positives = labels.sum()
    target = np.where(labels == 1, (positives + 1) / (positives + 2), 1 / (len(labels) - positives + 2))
    design = np.column_stack([logit(scores), np.ones(len(scores))])
    line = np.array([0.0, np.log((positives + 1) / (len(labels) - positives + 1))])
    loss = _line_loss(design, target, line)
    for _ in range(100):
        q = expit(design @ line)
        hessian = (design * (q * (1 - q))[:, None]).T @ design + 1e-9 * np.eye(2)
        step = np.linalg.solve(hessian, design.T @ (q - target))
        while (tried_loss := _line_loss(design, target, line - step)) > loss and np.abs(step).max() > _EDGE:
            step = step / 2
        line, loss = line - step, tried_loss
        if np.abs(step).max() < _EDGE:
            break
    return Platt(float(line[0]), float(line[1]))


def fit_isotonic(p: npt.ArrayLike, y: npt.ArrayLike, weight: npt.ArrayLike | None = None) -> Isotonic:
    """Fit the monotone least-squares map; it never returns exactly 0 or 1.

    Heights are cut to ``[1 / (n + 2), 1 - 1 / (n + 2)]``: n rows without a positive do not prove that there
    is none.

    Raises
    ------
    InputError
        If labels or scores can't be used.
    """
    from sklearn.isotonic import IsotonicRegression

    labels, scores = check_binary(y, p)
    fitted = IsotonicRegression(out_of_bounds="clip").fit(scores, labels, sample_weight=weight)
    edge = 1 / (len(labels) + 2)
    heights = np.clip(fitted.y_thresholds_, edge, 1 - edge)
    return Isotonic(tuple(fitted.X_thresholds_.tolist()), tuple(heights.tolist()))


def save(calibrator: Calibrator, path: Path) -> None:
    """Write a calibrator as JSON."""
    path.write_text(json.dumps(calibrator.as_dict(), indent=1) + "\n", encoding="utf-8")


def load(path: Path) -> Calibrator:
    """Read a calibrator from JSON.

    Raises
    ------
    IntegrityError
        If the file names no known method, lacks a number, or its points do not ascend.
    """
    content = read_part(path, _Content)
    if content.method == "none":
        return Identity()
    if content.method == "platt" and content.slope is not None and content.intercept is not None:
        return Platt(content.slope, content.intercept)
    points = content.scores, content.probabilities
    ascend = all(len(part) and (np.diff(part) >= 0).all() for part in points)
    if content.method == "isotonic" and ascend and len(content.scores) == len(content.probabilities):
        return Isotonic(*points)
    raise IntegrityError(f"{path}: it has not what the method {content.method} needs; train the model again")


def logit(p: Floats) -> Floats:
    """Return ``log(p / (1 - p))`` of probabilities, which are cut to [1e-12, 1 - 1e-12]."""
    inside = np.clip(p, _EDGE, 1 - _EDGE)
    return np.asarray(np.log(inside) - np.log1p(-inside))


def _line_loss(design: Floats, target: Floats, line: Floats) -> float:
    margin = design @ line
    return float(np.sum(np.logaddexp(0, margin) - target * margin))
