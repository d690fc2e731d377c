"""BG/NBD: a customer may drop out after each repeat purchase."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np

from crm_ml.clv.beta_geometric import alive_with_slopes, log_likelihood, log_likelihood_each
from crm_ml.clv.conditional_future import BetaGeometricFuture
from crm_ml.clv.purchase_histories import Floats, Histories, Ints
from crm_ml.clv.purchase_model import PurchaseModel, of_new


class BetaGeo(PurchaseModel):
    """BG/NBD: Poisson purchases, and after each repeat purchase a coin that decides whether it was the last.

    Rates vary as Gamma(r, alpha), the coins as Beta(a, b). A customer without a repeat purchase is alive
    with probability 1. ``params_``: r, alpha (a time), a, b.

    References
    ----------
    .. [1] Fader, Hardie and Lee (2005). "Counting your customers" the easy way: an alternative to the
       Pareto/NBD model. Marketing Science 24, equations 6 (likelihood) and 8 to 10.

    Examples
    --------
    >>> import pandas as pd
    >>> rows = [(0, 0, 38), (1, 9, 38), (2, 20, 36), (5, 30, 35), (0, 0, 30), (3, 12, 39)]
    >>> summary = pd.DataFrame(rows, columns=["frequency", "recency", "T"])
    >>> BetaGeo().fit(summary).probability_alive(summary).round(2).tolist()[:1]
    [1.0]
    >>> BetaGeo().fit(summary.assign(frequency=0, recency=0.0))
    Traceback (most recent call last):
    ...
    crm_ml.errors.InputError: summary: none of 6 customers has a repeat purchase, so nothing tells how ...
    """

    NAMES: tuple[str, ...] = ("r", "alpha", "a", "b")
    TIMES: tuple[str, ...] = ("alpha",)
    STARTS: ClassVar[tuple[tuple[float, ...], ...]] = (
        (0.3, 0.15, 0.8, 2.5),
        (1.0, 0.5, 0.3, 3.0),
        (2.0, 0.2, 2.0, 5.0),
    )
    EXTRA: ClassVar[int] = 0
    DROPOUT_EFFECTS: ClassVar[Mapping[str, float]] = {"a": 0.5, "b": -0.5}

    def _log_likelihood(self, theta: Floats, histories: Histories) -> tuple[float, Floats]:
        return log_likelihood(theta, histories, self.EXTRA)

    def log_likelihood_each(self, theta: Floats, histories: Histories) -> tuple[Floats, Floats]:
        """Return the log-likelihood of each history, and its gradient by the logarithms of the parameters."""
        return log_likelihood_each(theta, histories, self.EXTRA)

    def alive_with_slopes(self, theta: Floats, histories: Histories) -> tuple[Floats, Floats]:
        """Return P(alive), ``1 / (1 + odds)``, and the gradient of its logarithm."""
        return alive_with_slopes(theta, histories, self.EXTRA)

    def future_if(self, alive: Floats, theta: Floats, x: Ints, T: Floats) -> BetaGeometricFuture:
        """Return the future of customers of some frequencies and ages, alive with some probabilities."""
        r, alpha, a, b = np.exp(theta)
        return BetaGeometricFuture(alive, r + x, alpha + T, a, b + x + self.EXTRA)

    def expected_since_first(self, times: Sequence[float]) -> Floats:
        """Return the expected repeat purchases of a new customer until some times: equation 9 of [1]_."""
        return self._new(1.0, times)

    def _new(self, alive: float, times: Sequence[float]) -> Floats:
        self._check_fitted()
        r, alpha, a, b = (self.params_[name] for name in self.NAMES)
        ones = np.ones(1)
        return of_new(
            BetaGeometricFuture(alive * ones, r * ones, alpha * ones, a, (b + self.EXTRA) * ones), times
        )
