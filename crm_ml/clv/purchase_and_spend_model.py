"""A purchase model and a spend model combined into the value of a customer."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from crm_ml.clv.beta_geo import BetaGeo
from crm_ml.clv.gamma_gamma import GammaGamma
from crm_ml.clv.lifetime_value import lifetime_value, value_with_interval
from crm_ml.clv.mbg_cnbd_k import MbgCnbdK
from crm_ml.clv.modified_beta_geo import ModifiedBetaGeo
from crm_ml.clv.pareto_nbd import ParetoNBD
from crm_ml.clv.purchase_model import PurchaseModel
from crm_ml.clv.valuation_terms import Terms

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

    def table(self, summary: "pd.DataFrame", terms: Terms) -> "pd.DataFrame":
        """Return p_alive, expected_purchases, expected_value, clv, clv_low and clv_high of each customer.

        ``expected_purchases`` are those within the horizon, not discounted; NaN for an infinite horizon.
        """
        values = value_with_interval(
            self.purchases, self.spend, summary, terms.length, terms.annual_discount_rate, terms.margin
        )
        expected = (
            float("nan")
            if terms.horizon is None
            else self.purchases.expected_purchases(summary, terms.horizon)
        )
        columns = {
            "p_alive": self.purchases.probability_alive(summary),
            "expected_purchases": expected,
            "expected_value": self.spend.expected_value(summary),
        }
        return values.assign(**columns)[[*columns, *values.columns]]

    def as_dict(self) -> dict[str, Any]:
        """Return both models, ready for JSON."""
        return {"name": self.name, "purchases": self.purchases.as_dict(), "spend": self.spend.as_dict()}

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> "Valuer":
        """Return the valuer that `as_dict` described."""
        purchases = PURCHASES[content["name"]].from_dict(content["purchases"])
        return cls(content["name"], purchases, GammaGamma.from_dict(content["spend"]))
