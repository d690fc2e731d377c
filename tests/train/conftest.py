"""Tracking stores of their own for tests that train small runs."""

import pytest
from challenge_world import new_store


@pytest.fixture
def new_runs(template, monkeypatch, tmp_path):
    """An empty store of its own, in use; its folder."""
    return new_store(template, tmp_path / "runs", monkeypatch)
