"""Recommendation: the items that a customer will buy within the window, in order."""

from crm_ml.recommend.recommenders import RECOMMENDERS as MODELS
from crm_ml.train.families.recommend.experiment import execute
from crm_ml.train.training_family import Card

CARD = Card("the items that a customer will buy within the window, in order")

__all__ = ["CARD", "MODELS", "execute"]
