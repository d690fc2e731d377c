"""Propensity: who answers an action, or buys in a category, in time."""

from crm_ml.models.model import MODELS
from crm_ml.train.families.propensity.experiment import execute
from crm_ml.train.training_family import Card

CARD = Card("the probability that a customer answers an action, or buys in a category, in time")

__all__ = ["CARD", "MODELS", "execute"]
