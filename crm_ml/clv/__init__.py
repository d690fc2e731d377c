"""Customer lifetime value: how often a customer will buy, for how much, and what that is worth."""

from crm_ml.clv.alive_path import alive_path
from crm_ml.clv.beta_geo import BetaGeo
from crm_ml.clv.beta_geo_beta_binom import BetaGeoBetaBinom
from crm_ml.clv.cohort_retention import retention
from crm_ml.clv.covariate_timeline import timeline
from crm_ml.clv.cumulative_purchases import cumulative
from crm_ml.clv.customer_attributes import with_attributes
from crm_ml.clv.dynamic_pareto_nbd import DynamicParetoNBD
from crm_ml.clv.gamma_gamma import GammaGamma
from crm_ml.clv.generator import generate
from crm_ml.clv.lifetime_value import discounted_purchases, lifetime_value, value_with_interval
from crm_ml.clv.mbg_cnbd_k import MbgCnbdK
from crm_ml.clv.modified_beta_geo import ModifiedBetaGeo
from crm_ml.clv.pareto_nbd import ParetoNBD
from crm_ml.clv.prior_effect import prior_effect
from crm_ml.clv.profile_likelihood import profile_intervals
from crm_ml.clv.purchase_calendar import with_gaps
from crm_ml.clv.summary import summarize
from crm_ml.clv.time_units import months
from crm_ml.clv.with_covariates import WithCovariates

__all__ = [
    "BetaGeo",
    "BetaGeoBetaBinom",
    "DynamicParetoNBD",
    "GammaGamma",
    "MbgCnbdK",
    "ModifiedBetaGeo",
    "ParetoNBD",
    "WithCovariates",
    "alive_path",
    "cumulative",
    "discounted_purchases",
    "generate",
    "lifetime_value",
    "months",
    "prior_effect",
    "profile_intervals",
    "retention",
    "summarize",
    "timeline",
    "value_with_interval",
    "with_attributes",
    "with_gaps",
]
