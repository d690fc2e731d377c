"""What each module of this folder attacks: the promise, as the documentation states it."""

PROMISES: dict[str, str] = {}
