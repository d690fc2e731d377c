import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
sys.path[:0] = [str(DOCS), str(DOCS / "site_pages")]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the site be looked at after the notebooks were run, whose outputs it shows."""
    items.sort(key=lambda item: item.path.name == "test_site.py")
