"""Propensity: the probability that a customer responds to an action, or buys in a category, in a window.

An occasion is an action or category at a moment. Its rows have the features of the customer, the past
responses to actions of its kind, the action's attributes, and the overlap of past baskets with the items on
offer. The models are in `crm_ml.models`.
"""

from crm_ml.propensity.campaign_responses import answers, sent_campaigns
from crm_ml.propensity.occasion_rows import labelled_rows
from crm_ml.propensity.purchases import category_occasions, purchases_in

__all__ = ["answers", "category_occasions", "labelled_rows", "purchases_in", "sent_campaigns"]
