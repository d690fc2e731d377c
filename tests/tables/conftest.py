from pathlib import Path

import pytest
from shop import Shop


@pytest.fixture(autouse=True)
def _own_data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRM_ML_DATA", str(tmp_path / "data"))


@pytest.fixture(params=["csv", "parquet"])
def shop(tmp_path: Path, request: pytest.FixtureRequest) -> Shop:
    return Shop(tmp_path, request.param)


@pytest.fixture
def csv_shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path, "csv")
