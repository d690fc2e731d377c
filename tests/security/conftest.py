"""How many attacks a test plays, so that the documentation can say how many were tried and held."""

from collections.abc import Callable

import pytest


@pytest.fixture
def tried(record_property: Callable[[str, object], None]) -> Callable[[int], None]:
    """Report how many attacks a test plays; a test that does not is one attack (`docs/count_attacks.py`)."""
    return lambda count: record_property("tried", count)
