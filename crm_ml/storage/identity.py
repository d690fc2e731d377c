"""Ids of derived content: a hash of the inputs it is made from."""

import hashlib
import json
from typing import Any


def identity(ingredients: Any) -> str:
    """Return the id of content made from some inputs: a hash of them, 32 hexadecimal digits."""
    text = json.dumps(ingredients, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8")).hexdigest()[:32]
