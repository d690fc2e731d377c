"""Lifetime value: what a customer will spend, and how often they will buy, from a day on."""

from collections.abc import Mapping
from typing import Any

from crm_ml.clv.challenger import Challenger
from crm_ml.train.families.clv.experiment import execute
from crm_ml.train.training_family import Card


def _limits(details: Mapping[str, Any]) -> list[str]:
    return ["It predicts what happens, not what an action changes.", *details.get("cautions", ())]


CARD = Card("what a customer will spend, and how often they will buy, from a day on", _limits)
MODELS = {"challenger": Challenger}

__all__ = ["CARD", "MODELS", "execute"]
