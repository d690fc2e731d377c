"""The four parts of an action, and its fields side by side as a catalogue file gives them."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError
from pydantic_core import InitErrorDetails

from crm_ml.actions.action_audience import Audience
from crm_ml.actions.action_identity import ActionIdentity
from crm_ml.actions.action_limits import ActionLimits
from crm_ml.actions.action_value import ActionValue
from crm_ml.tables.strict import Strict

PARTS: Mapping[str, type[Strict]] = {
    "identity": ActionIdentity, "value": ActionValue, "limits": ActionLimits, "audience": Audience
}  # fmt: skip


def dealt(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields by the part that has them; unknown ones stay beside the parts."""
    parts = {
        name: {key: value for key, value in content.items() if key in part.model_fields}
        for name, part in PARTS.items()
    }
    known = {key for part in parts.values() for key in part}
    return {**parts, **{key: value for key, value in content.items() if key not in known}}


def without_parts(error: ValidationError) -> list[InitErrorDetails]:
    """Return the mistakes at the places where the fields stand: without the name of the part."""
    return [
        InitErrorDetails(
            type=fault["type"],
            loc=fault["loc"][1:] if fault["loc"][:1] and fault["loc"][0] in PARTS else fault["loc"],
            input=fault["input"],
            ctx=fault.get("ctx", {}),
        )
        for fault in error.errors(include_url=False)
    ]
