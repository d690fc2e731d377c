"""Alternating least squares on implicit feedback."""

from dataclasses import dataclass
from typing import Any

from crm_ml.extras import require
from crm_ml.recommend.matrix_factorisation import MatrixFactorisation


@dataclass(kw_only=True, eq=False)
class ALS(MatrixFactorisation):
    """``min sum c(u, i) (p(u, i) - x_u . y_i)^2 + l2``, with confidence by the number of events.

    References
    ----------
    .. [1] Hu, Koren and Volinsky (2008). Collaborative filtering for implicit feedback datasets. ICDM,
       equation 3.
    """

    def _class(self) -> Any:
        require("implicit.cpu.als", "fitting als")
        from implicit.cpu.als import AlternatingLeastSquares

        return AlternatingLeastSquares
