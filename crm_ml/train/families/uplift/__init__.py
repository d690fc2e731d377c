"""Uplift: what an action changes for a customer, from randomised campaigns."""

from collections.abc import Mapping
from typing import Any

from crm_ml.train.families.uplift.experiment import execute
from crm_ml.train.training_family import Card
from crm_ml.uplift.learners import LEARNERS as MODELS


def _limits(details: Mapping[str, Any]) -> list[str]:
    lines = []
    if details.get("verified_arms") == []:
        lines.append("No arm is verified: no order by uplift is better than both controls.")
    if details.get("draw", "holds") != "holds":
        lines.append(f"The draw does not hold, so that nothing here is an effect: {details['draw']}.")
    if details.get("unsplit"):
        parts = ", ".join(details["unsplit"])
        lines.append(f"Parts whose trees could not split say one number for everybody: {parts}.")
    return lines


CARD = Card("what an action changes for a customer, from randomised campaigns", _limits)

__all__ = ["CARD", "MODELS", "execute"]
