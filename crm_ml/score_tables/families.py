"""Which families have score tables, found by their modules and by entry points."""

import importlib
import pkgutil
from functools import cache
from importlib.metadata import entry_points
from types import ModuleType

from crm_ml.errors import InputError

GROUP = "crm_ml.families"
_MODULE = "score_table"


@cache
def score_table_families() -> dict[str, ModuleType]:
    """Return the module of each family with ``SCORES`` and ``load``, by family, in their order.

    Those are the modules of this package, and of each entry point of the group ``crm_ml.families`` (its name
    is the family, its value a package) the module ``score_table``.
    """
    package = importlib.import_module(__package__)
    names = {info.name: f"{__package__}.{info.name}" for info in pkgutil.iter_modules(package.__path__)}
    names |= {point.name: f"{point.value}.{_MODULE}" for point in entry_points(group=GROUP)}
    modules = {family: importlib.import_module(name) for family, name in sorted(names.items())}
    return {
        family: module
        for family, module in modules.items()
        if hasattr(module, "load") and hasattr(module, "SCORES")
    }


def family_module(family: str) -> ModuleType:
    """Return the module of a family.

    Raises
    ------
    InputError
        If there is none.
    """
    known = score_table_families()
    if family not in known:
        raise InputError(f"no family {family!r} has score tables; there are {', '.join(known)}")
    return known[family]


def family_of(score: str) -> str | None:
    """Return the family that gives a score; None where no family does."""
    return next((name for name, module in score_table_families().items() if score in module.SCORES), None)
