"""Churn: who of the active customers will not order within the window."""

from crm_ml.models.model import MODELS
from crm_ml.train.families.churn.experiment import execute
from crm_ml.train.training_family import Card

CARD = Card("the probability that an active customer does not order within the window")

__all__ = ["CARD", "MODELS", "execute"]
