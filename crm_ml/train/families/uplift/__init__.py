"""Uplift: what an action changes for a customer, from randomised campaigns."""

from crm_ml.train.families.family import Card
from crm_ml.train.families.uplift.experiment import execute
from crm_ml.uplift.learners import LEARNERS as MODELS

CARD = Card("what an action changes for a customer, from randomised campaigns", limits=())

__all__ = ["CARD", "MODELS", "execute"]
