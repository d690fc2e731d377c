"""An action that stands only for what a score is about: nothing is decided by it."""

import re
from typing import Any

from crm_ml.actions.catalog import Action

_ASSUMED = {
    "cost_cents": 0,
    "margin_cents": 0,
    "assumed_effect": 1.0,
    "assumption": "nothing is decided by it",
}


def usual_action(about: str, **value: Any) -> Action:
    """Return an action that is named by what it is about.

    Parameters
    ----------
    about : str
    **value
        Fields of `ActionValue` that say what is predicted: ``answer`` with its score, or ``recommend``.

    Examples
    --------
    >>> usual_action("DOG FOODS", recommend={"items": 3}).action_id
    'dog_foods'
    """
    name = re.sub(r"[^a-z0-9]+", "_", about.lower()).strip("_") or "all"
    fields = {"action_id": name, "channel": "any", "expires_after_days": 1}
    return Action.model_validate({**fields, **_ASSUMED, **value})
