"""Scripts of experiments as modules, under names that no package has."""

import importlib.util
import sys
from pathlib import Path

EXPERIMENTS = Path(__file__).parents[2] / "experiments"


def load(path, monkeypatch):
    """Run a script of a folder of experiments without its main part and return its module."""
    found = EXPERIMENTS / path
    name = f"script_{found.parent.name}_{found.stem}"
    monkeypatch.syspath_prepend(found.parent)
    monkeypatch.syspath_prepend(EXPERIMENTS)
    spec = importlib.util.spec_from_file_location(name, found)
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, name, module)
    spec.loader.exec_module(module)
    return module


def plain(path):
    """Return a module of functions alone, which tests may take before they begin."""
    spec = importlib.util.spec_from_file_location(Path(path).stem, EXPERIMENTS / path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
