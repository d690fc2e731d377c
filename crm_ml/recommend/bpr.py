"""Bayesian personalised ranking: items that were bought rank above those that were not."""

from dataclasses import dataclass
from typing import Any

from crm_ml.extras import require
from crm_ml.recommend.matrix_factorisation import MatrixFactorisation


@dataclass(kw_only=True, eq=False)
class BPR(MatrixFactorisation):
    """``max sum ln sigma(x_u . (y_i - y_j)) - l2`` over pairs of a bought and another item, on one thread.

    Its implementation uses whether an item was bought, so `half_life_days` has no effect on it.

    References
    ----------
    .. [1] Rendle, Freudenthaler, Gantner and Schmidt-Thieme (2009). BPR: Bayesian personalized ranking from
       implicit feedback. UAI, section 4.
    """

    iterations: int = 100
    regularization: float = 0.01

    def _class(self) -> Any:
        require("implicit.cpu.bpr", "fitting bpr")
        from implicit.cpu.bpr import BayesianPersonalizedRanking

        return BayesianPersonalizedRanking
