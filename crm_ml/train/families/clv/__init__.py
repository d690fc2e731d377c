"""Lifetime value: what a customer will spend, and how often they will buy, from a day on."""

from crm_ml.clv.challenger import Challenger
from crm_ml.train.families.clv.experiment import execute
from crm_ml.train.families.family import Card

CARD = Card("what a customer will spend, and how often they will buy, from a day on")
MODELS = {"challenger": Challenger}

__all__ = ["CARD", "MODELS", "execute"]
