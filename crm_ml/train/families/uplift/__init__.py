"""Uplift: what an action changes for a customer, from randomised campaigns."""

from collections.abc import Mapping
from typing import Any

from crm_ml.train.families.family import Card
from crm_ml.train.families.uplift.experiment import execute
from crm_ml.uplift.learners import LEARNERS as MODELS


def _unverified(details: Mapping[str, Any]) -> list[str]:
    if details.get("verified_arms") != []:
        return []
    return ["No arm is verified: no order by uplift is better than both controls."]


CARD = Card("what an action changes for a customer, from randomised campaigns", _unverified)

__all__ = ["CARD", "MODELS", "execute"]
