"""What the tests of scoring share."""

import pytest


@pytest.fixture
def project(tmp_path, monkeypatch):
    """An empty project that is the working folder."""
    (tmp_path / "configs").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CRM_ML_DATA", raising=False)
    return tmp_path
