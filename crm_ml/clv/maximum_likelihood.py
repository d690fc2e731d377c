"""Maximum likelihood from several starting points, with a record of the searches."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from crm_ml.clv.newton import BOUND, Floats, Objective, Top, free_parameters, newton, numerical_hessian
from crm_ml.errors import InputError

_FLAT = 1e-6


class NotConverged(InputError):
    """A likelihood whose maximum was not found from any start."""


@dataclass(frozen=True)
class Start:
    """Start and end of one search: logarithms of the parameters, and the mean log-likelihood."""

    start: tuple[float, ...]
    end: tuple[float, ...]
    mean_log_likelihood: float
    evaluations: int
    message: str


@dataclass(frozen=True)
class FitRecord:
    """Diagnostics of a fit.

    Parameters
    ----------
    starts : tuple of Start
    evaluations : int
        Evaluations of the likelihood in total.
    gradient : float
        Largest slope of the mean log-likelihood at the end, per unit of a parameter's logarithm, of the
        parameters that are not at a bound.
    at_bound : tuple of str
        Parameters at the end of their range: the data do not rule out 0 or infinity. They have no standard
        error.
    spread : float
        Largest difference of the mean log-likelihood between the best start and any other usable one.
    """

    starts: tuple[Start, ...]
    evaluations: int
    gradient: float
    at_bound: tuple[str, ...]
    spread: float

    def as_dict(self) -> dict[str, Any]:
        """Return the record as plain data."""
        return asdict(self)


@dataclass(frozen=True, eq=False)
class Fit:
    """The maximum: logarithms of the parameters, covariance of them, and the record."""

    theta: Floats
    covariance: Floats
    record: FitRecord

    def led_back(self, turn: Floats, shift: Floats) -> "Fit":
        """Return the fit by parameters that are `turn` times those of the search, plus `shift`.

        What has no standard error where it is searched for has none after it.
        """
        unknown = np.isnan(np.diag(self.covariance))
        covariance = turn @ np.nan_to_num(self.covariance) @ turn.T
        covariance[unknown], covariance[:, unknown] = np.nan, np.nan
        return Fit(turn @ self.theta + shift, covariance, self.record)


def maximise(
    objective: Objective, names: Sequence[str], starts: Sequence[Sequence[float] | Floats], customers: float,
    search: Objective | None = None,
) -> Fit:  # fmt: skip
    """Maximise a mean log-likelihood over the logarithms of positive parameters.

    Parameters
    ----------
    objective : callable
        Maps logarithms, shape (d,), to the mean log-likelihood of a customer and its gradient.
    names : sequence of str
        Of the parameters.
    starts : sequence of sequence of float
        Logarithms to start at.
    customers : float
        Number of customers behind the mean.
    search : callable, optional
        The objective of a sample of the customers; the starts are tried on it, and only the best one is
        continued on `objective`.

    Returns
    -------
    Fit
        ``covariance`` is the inverse of minus the Hessian, NaN for parameters at a bound and where the
        likelihood is flat: along a flat direction one parameter is held fixed.

    Raises
    ------
    NotConverged
        If no start leads to a maximum.

    Notes
    -----
    L-BFGS-B within ``exp(-14)`` to ``exp(14)`` times the unit of the objective, then Newton's method with
    a Hessian from central differences of the gradient until the gradient is below 1e-8.
    """
    from threadpoolctl import threadpool_limits

    counted = _Counted(objective)
    with threadpool_limits(1, "blas"):  # matrices of four rows: threads only wait for each other
        tried = [_search(search or objective, np.asarray(start, dtype=float)) for start in starts]
        usable = [attempt for attempt in tried if np.isfinite(attempt.mean_log_likelihood)]
        if not usable:
            raise NotConverged(f"the likelihood is not finite from any of {len(starts)} starts")
        best = max(usable, key=lambda attempt: attempt.mean_log_likelihood)
        theta = np.array(best.end)
        if search is not None:
            theta = np.array(_search(counted, theta).end)
        top = newton(counted, theta, numerical_hessian(counted, theta))
        top = replace(top, hessian=numerical_hessian(counted, top.theta))
    if not top.is_maximum:
        raise NotConverged(
            f"the likelihood has a slope of {top.slope:.2g} where the search ended ({best.message}); "
            "give more customers, or customers with more repeat purchases"
        )
    evaluations = counted.calls + sum(attempt.evaluations for attempt in tried)
    spread = best.mean_log_likelihood - min(attempt.mean_log_likelihood for attempt in usable)
    return _fit(top, names, customers, tuple(tried), evaluations, spread)


def follow(
    objective: Objective, names: Sequence[str], start: Floats, hessian: Floats, customers: float
) -> Fit:
    """Maximise by Newton's method from a point close to the maximum, or by `maximise` where that fails.

    Parameters, raises: as `maximise`, with one start. `hessian` is about the one at the start, such as that
    of the same customers with other weights; it is updated by gradients, and so the covariance is rough.
    """
    from threadpoolctl import threadpool_limits

    counted = _Counted(objective)
    with threadpool_limits(1, "blas"):
        top = newton(counted, np.asarray(start, dtype=float), hessian)
    if not top.is_maximum:
        return maximise(objective, names, [start], customers)
    return _fit(top, names, customers, (), counted.calls, 0.0)


def _fit(
    top: Top,
    names: Sequence[str],
    customers: float,
    starts: tuple[Start, ...],
    evaluations: int,
    spread: float,
) -> Fit:
    free = free_parameters(top.theta)
    at_bound = tuple(name for name, inside in zip(names, free, strict=True) if not inside)
    record = FitRecord(starts, evaluations, top.slope, at_bound, spread)
    return Fit(top.theta, covariance_of(top.hessian, free) / customers, record)


class _Counted:
    def __init__(self, objective: Objective) -> None:
        self.objective, self.calls = objective, 0

    def __call__(self, theta: Floats) -> tuple[float, Floats]:
        self.calls += 1
        return self.objective(theta)


def _search(objective: Objective, start: Floats) -> Start:
    from scipy.optimize import minimize

    def loss(theta: Floats) -> tuple[float, Floats]:
        value, gradient = objective(theta)
        return -value, -gradient

    result = minimize(
        loss, start, jac=True, method="L-BFGS-B", bounds=[(-BOUND, BOUND)] * len(start),
        options={"maxiter": 500, "ftol": 1e-13, "gtol": 1e-7},
    )  # fmt: skip
    message = str(result.message)
    return Start(
        tuple(start.tolist()), tuple(result.x.tolist()), -float(result.fun), int(result.nfev), message
    )


def covariance_of(hessian: Floats, free: npt.NDArray[np.bool_]) -> Floats:
    """Invert minus the Hessian over the free parameters; NaN for those along a flat direction."""
    covariance = np.full(hessian.shape, np.nan)
    known = np.flatnonzero(free)
    while len(known):
        values, vectors = np.linalg.eigh(-hessian[np.ix_(known, known)])
        if values[0] > _FLAT:
            covariance[np.ix_(known, known)] = (vectors / values) @ vectors.T
            break
        known = np.delete(known, np.abs(vectors[:, 0]).argmax())
    return covariance
