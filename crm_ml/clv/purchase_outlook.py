"""What a purchase model expects of histories: purchases within a horizon, discounted too, and slopes."""

import copy
import math
from collections import OrderedDict
from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np

from crm_ml.clv.age_interpolation import AgePolynomials
from crm_ml.clv.purchase_histories import Floats, Histories, Ints
from crm_ml.clv.purchase_model import PurchaseModel
from crm_ml.clv.quadrature import gauss_legendre

_NODES = 24
_FOREVER = 45.0
_STEP = 1e-4
_TINY = 1e-300
_MOST = 64
_kept: OrderedDict[tuple[object, ...], AgePolynomials] = OrderedDict()


class Outlook:
    """Expectations of some histories, each computed when it is asked for and then kept.

    Every value follows from its own history alone, to the bit, whatever stands beside it: a customer has the
    same value in a part of the customers as among all.

    Parameters
    ----------
    model : PurchaseModel
        Fitted.
    histories : Histories, of k distinct ones
    length : float, or numpy.ndarray, shape (k,)
        Horizon in the unit of the histories, of all or of each; may be infinite.
    force : float
        Force of interest for each such unit.
    """

    def __init__(
        self, model: PurchaseModel, histories: Histories, length: Floats | float, force: float
    ) -> None:
        self._model, self._histories = model, histories
        self._length, self._force = length, force

    @cached_property
    def alive(self) -> Floats:
        """Probability of not having dropped out, shape (k,)."""
        if self._model.states == 1:
            return np.asarray(self._states[0][0])
        return self._model.alive_with_slopes(self._model.theta_, self._histories)[0]

    @cached_property
    def expected(self) -> Floats:
        """Expected purchases within the horizon, not discounted, shape (k,)."""
        x, T = self._histories.x, self._histories.T
        theta = self._model.each(self._model.theta_, self._histories)
        future = self._model.future_of_states(self._states[0], theta, x, T)
        return future.expected(self._length)

    @cached_property
    def discounted(self) -> Floats:
        """Discounted expected purchases, shape (k,)."""
        if self._force == 0:
            return self.expected
        each = self._states[0] * np.exp(self._logs)
        return np.asarray(sum(each))  # in order: a sum of numpy depends on the number of histories

    @cached_property
    def log_slopes(self) -> Floats:
        """Gradient of the logarithm of `discounted` by those of the parameters, shape (d, k)."""
        alive, of_alive = self._states
        if_alive = self._by_age(_slopes_if_alive)
        shape = (self._model.states, -1, if_alive.shape[1])
        slopes = of_alive + self._model.along(if_alive.reshape(shape), self._histories)
        if self._model.states == 1:
            return np.asarray(slopes[0])
        with np.errstate(divide="ignore"):
            logs = self._logs + np.log(alive)
        share = np.exp(logs - np.logaddexp.reduce(logs, axis=0))
        return np.asarray(sum(part * slope for part, slope in zip(share, slopes, strict=True)))

    @cached_property
    def _states(self) -> tuple[Floats, Floats]:
        return self._model.states_with_slopes(self._model.theta_, self._histories)

    @cached_property
    def _logs(self) -> Floats:
        return self._by_age(_logs_if_alive)

    def _by_age(
        self, quantity: "Callable[[PurchaseModel, Ints, Floats, Floats | float, float], Floats]"
    ) -> Floats:
        """Return a quantity of each history, by polynomials that all customers of a model share."""
        parts = self._model.parts(self._histories)
        each = [self._of_part(quantity, model, rows) for model, rows in parts]
        if len(parts) == 1:
            return each[0]
        joined = np.empty((len(each[0]), len(self._histories.x)))
        for values, (_, rows) in zip(each, parts, strict=True):
            joined[:, rows] = values
        return joined

    def _of_part(
        self, quantity: "Callable[[PurchaseModel, Ints, Floats, Floats | float, float], Floats]",
        model: PurchaseModel, rows: Any,
    ) -> Floats:  # fmt: skip
        x, T, terms = self._histories.x[rows], self._histories.T[rows], (self._length, self._force)
        if not isinstance(self._length, float):  # each history has its own horizon
            return quantity(model, x, T, self._length[rows], self._force)
        if model.theta_.ndim > 1:  # or parameters
            return quantity(model, x, T, *terms)
        key = (quantity, type(model), model.states, model.theta_.tobytes(), *terms)
        if key not in _kept:
            pinned = copy.copy(model)  # which may be fitted again
            _kept[key] = AgePolynomials(lambda x, T: quantity(pinned, x, T, *terms), model.age_scale)
            while len(_kept) > _MOST:
                _kept.popitem(last=False)
        return _kept[key](x, T)


def outlook_of(model: PurchaseModel, histories: Histories, length: Floats | float, force: float) -> Outlook:
    """Return the outlook of a model: its own, as one of discrete opportunities has, or that in time."""
    own = getattr(model, "outlook", None)
    return Outlook(model, histories, length, force) if own is None else own(histories, length, force)


def _slopes_if_alive(
    model: PurchaseModel, x: Ints, T: Floats, length: Floats | float, force: float
) -> Floats:
    """Return the gradient of `log_if_alive` of each state, shape (states * d, j), by central differences."""
    steps = _STEP * np.eye(len(model.theta_))
    if model.theta_.ndim > 1:
        steps = steps[:, :, None]
    slopes = []
    for state in range(model.states):
        up, down = (
            [log_if_alive(model, state, model.theta_ + step, x, T, length, force) for step in side]
            for side in (steps, -steps)
        )
        slopes.append((np.array(up) - np.array(down)) / (2 * _STEP))
    return np.concatenate(slopes)


def _logs_if_alive(model: PurchaseModel, x: Ints, T: Floats, length: Floats | float, force: float) -> Floats:
    """Return `log_if_alive` of each state at the fitted parameters, shape (states, j)."""
    states = range(model.states)
    return np.array([log_if_alive(model, state, model.theta_, x, T, length, force) for state in states])


def log_if_alive(
    model: PurchaseModel, state: int, theta: Floats, x: Ints, T: Floats, length: Floats | float, force: float
) -> Floats:
    """Return the log of the discounted expected purchases of customers alive in a state, shape (j,).

    By parts ``integral e^(-d t) dE(t) = e^(-d h) E(h) + d integral e^(-d t) E(t) dt``, by Gauss and Legendre
    over ``log(1 + t / c)`` with c the customer's own scale of time, alpha + T; for ever is until
    ``e^(-d t)`` is ``e^-45``.
    """
    future = model.future_in(state, np.ones(len(x)), theta, x, T)
    if force == 0:
        return np.log(np.maximum(future.expected(length), _TINY))
    each = not isinstance(length, float)
    end = np.minimum(length, _FOREVER / force) if each else min(float(length), _FOREVER / force)
    c = future.alpha
    longest = np.log1p(end / c)
    total = (np.exp(-force * end) if each else math.exp(-force * end)) * future.expected(end)
    for node, weight in gauss_legendre(2 * _NODES if each or end != length else _NODES):
        time = c * np.expm1(longest * node)
        step = weight * longest * (c + time) * np.exp(-force * time)
        total = total + force * step * future.expected(time)
    return np.log(np.maximum(total, _TINY))
