"""Tracking stores of their own for tests that train small runs."""

import pytest
from challenge_world import empty_database, new_store


@pytest.fixture(scope="session")
def template(tmp_path_factory):
    """A database of MLflow in which nothing is yet."""
    return empty_database(tmp_path_factory)


@pytest.fixture
def new_runs(template, monkeypatch, tmp_path):
    """An empty store of its own, in use; its folder."""
    return new_store(template, tmp_path / "runs", monkeypatch)
