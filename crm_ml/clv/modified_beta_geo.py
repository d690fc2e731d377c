"""MBG/NBD: a customer may drop out after any purchase, including the first."""

from collections.abc import Sequence
from typing import ClassVar

from crm_ml.clv.beta_geo import BetaGeo
from crm_ml.clv.purchase_histories import Floats


class ModifiedBetaGeo(BetaGeo):
    """MBG/NBD: as BG/NBD, with a coin after the first purchase as well.

    So customers without a repeat purchase may have dropped out. ``params_``: r, alpha (a time), a, b.

    References
    ----------
    .. [1] Batislam, Denizel and Filiztekin (2007). Empirical validation and comparison of models for customer
       base analysis. International Journal of Research in Marketing 24, appendix A.
    .. [2] Wagner and Hoppe (2008). Erratum on the MBG/NBD model. International Journal of Research in
       Marketing 25.
    """

    EXTRA: ClassVar[int] = 1

    def expected_since_first(self, times: Sequence[float]) -> Floats:
        """Return the expected repeat purchases of a new customer, alive at first with b / (a + b)."""
        self._check_fitted()
        a, b = self.params_["a"], self.params_["b"]
        return self._new(b / (a + b), times)
