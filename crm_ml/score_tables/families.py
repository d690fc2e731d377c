"""Which families have score tables, found by their modules and by entry points."""

import importlib
import pkgutil
from functools import cache
from types import ModuleType

from crm_ml.config.run import GROUP
from crm_ml.errors import ConfigError, InputError
from crm_ml.plugins import imported, installed

_MODULE = "score_table"


@cache
def score_table_families() -> dict[str, ModuleType]:
    """Return the module of each family with a score table, by family, in their order.

    Those are the modules of this package, and of each entry point of the group ``crm_ml.families`` (its name
    is the family, its value a package) the module ``score_table``.

    Raises
    ------
    ConfigError
        If the module of an entry point can't be imported or is no score table, or its name is taken.
    """
    package = importlib.import_module(__package__)
    names = [info.name for info in pkgutil.iter_modules(package.__path__)]
    modules = {name: importlib.import_module(f"{__package__}.{name}") for name in names}
    families = {name: module for name, module in modules.items() if not _lacking(module)}
    for family, point in installed(GROUP).items():
        where = f"entry point {family} of {GROUP}"
        if family in families:
            raise ConfigError(f"{where}: crm_ml has a family of that name; give yours another one")
        module = imported(f"{point.value}.{_MODULE}", where)
        if _lacking(module):
            raise ConfigError(f"{where}: {module.__name__} has no {', '.join(_lacking(module))}")
        families[family] = module
    return dict(sorted(families.items()))


def _lacking(module: ModuleType) -> list[str]:
    return [name for name in ("NEEDS", "SCORES", "label", "load") if not hasattr(module, name)]


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


def probability_scores() -> list[str]:
    """Return the scores that an action may be valued by: those named as probabilities are, p_..."""
    scores = (score for module in score_table_families().values() for score in module.SCORES)
    return sorted(score for score in scores if score.startswith("p_"))
