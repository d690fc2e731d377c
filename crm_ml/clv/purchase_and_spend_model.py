"""A purchase model and a spend model combined into the value of a customer."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from crm_ml.clv.beta_geo import BetaGeo
from crm_ml.clv.gamma_gamma import GammaGamma
from crm_ml.clv.lifetime_value import lifetime_value, values_of
from crm_ml.clv.lifetime_value import terms as value_terms
from crm_ml.clv.mbg_cnbd_k import MbgCnbdK
from crm_ml.clv.modified_beta_geo import ModifiedBetaGeo
from crm_ml.clv.pareto_nbd import ParetoNBD
from crm_ml.clv.purchase_model import PurchaseModel
from crm_ml.clv.purchase_outlook import outlook_of
from crm_ml.clv.spend_summary import Spend
from crm_ml.clv.valuation_terms import Terms
from crm_ml.clv.with_covariates import WithCovariates

if TYPE_CHECKING:
    import pandas as pd

PURCHASES: dict[str, type[PurchaseModel]] = {
    "beta_geo": BetaGeo,
    "modified_beta_geo": ModifiedBetaGeo,
    "pareto_nbd": ParetoNBD,
    "mbg_cnbd_k": MbgCnbdK,
}


@dataclass(frozen=True, eq=False)
class Valuer:
    """A fitted purchase model and a fitted spend model.

    Parameters
    ----------
    name : str
        Of the purchase model, a key of `PURCHASES`.
    purchases : PurchaseModel
    spend : GammaGamma
    """

    name: str
    purchases: PurchaseModel
    spend: GammaGamma

    @classmethod
    def fit(
        cls,
        name: str,
        summary: "pd.DataFrame",
        first_purchase: bool = False,
        largest_correlation: float = 0.3,
    ) -> "Valuer":
        """Fit both models to a summary; raises as their ``fit``."""
        spend = GammaGamma(first_purchase, largest_correlation).fit(summary)
        return cls(name, PURCHASES[name]().fit(summary), spend)

    def value(self, summary: "pd.DataFrame", terms: Terms) -> "pd.Series[float]":
        """Return the lifetime value of each customer, shape (n,)."""
        return lifetime_value(
            self.purchases, self.spend, summary, terms.length, terms.annual_discount_rate, terms.margin
        )

    def expectations(self, summary: "pd.DataFrame", terms: Terms) -> "pd.DataFrame":
        """Return the first three columns of `table`."""
        return self._predicted(summary, terms, with_value=False)

    def table(self, summary: "pd.DataFrame", terms: Terms) -> "pd.DataFrame":
        """Return p_alive, expected_purchases, expected_value, clv, clv_low and clv_high of each customer.

        ``expected_purchases`` are those within the horizon, not discounted; NaN for an infinite horizon.
        """
        return self._predicted(summary, terms, with_value=True)

    def _predicted(self, summary: "pd.DataFrame", terms: Terms, with_value: bool) -> "pd.DataFrame":
        import pandas as pd

        length, force = value_terms(self.purchases, summary, terms.length, terms.annual_discount_rate)
        histories = self.purchases.histories_of(summary)
        spend = Spend.of(summary, self.spend.use_first_purchase)
        outlook = outlook_of(self.purchases, histories, length, force)
        unknown = terms.horizon is None
        columns = {
            "p_alive": histories.for_each(outlook.alive),
            "expected_purchases": np.nan if unknown else histories.for_each(outlook.expected),
            "expected_value": self.spend.expected(spend),
        }
        if with_value:
            columns |= values_of(self.purchases, self.spend, histories, spend, outlook, terms.margin)
        return pd.DataFrame(columns, index=summary.index)

    @property
    def covariates(self) -> tuple[str, ...]:
        """Columns that a summary must have beside its own; none without covariates."""
        model = self.purchases
        names = (*model.purchases, *model.dropout) if isinstance(model, WithCovariates) else ()
        return tuple(dict.fromkeys(names))

    def as_dict(self) -> dict[str, Any]:
        """Return both models, ready for JSON."""
        return {"name": self.name, "purchases": self.purchases.as_dict(), "spend": self.spend.as_dict()}

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> "Valuer":
        """Return the valuer that `as_dict` described."""
        kind, fitted = PURCHASES[content["name"]], content["purchases"]
        purchases: PurchaseModel = (
            WithCovariates.read(kind(), fitted) if "covariates" in fitted else kind.from_dict(fitted)
        )
        return cls(content["name"], purchases, GammaGamma.from_dict(content["spend"]))
