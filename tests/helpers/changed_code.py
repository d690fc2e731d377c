"""Modules whose code is another one, as far as versions of code know."""

import pytest

from crm_ml.storage import code_version


def changed_modules(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Return a set: a module whose name is put into it has other content from then on."""
    names: set[str] = set()
    real = code_version._digest

    def digest(path):
        return real(path) + b"changed" * any(code_version.source_of(name) == path for name in names)

    monkeypatch.setattr(code_version, "_digest", digest)
    return names
