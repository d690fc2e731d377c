"""The exporters by name: those of the package, those that are installed, and one's own."""

import importlib
import pkgutil
from collections.abc import Callable

from crm_ml.delivery.exporters.export_plan import ExportPlan, Options
from crm_ml.errors import ConfigError
from crm_ml.plugins import installed, is_own, named

PACKAGE = "crm_ml.delivery.exporters"
GROUP = "crm_ml.exporters"
Exporter = Callable[[Options], ExportPlan]


def tools() -> dict[str, Exporter]:
    """Return the exporters of the package by the name of their tool.

    Examples
    --------
    >>> sorted(tools())[:3]
    ['braze', 'braze-cloud', 'google']
    """
    exporters: dict[str, Exporter] = {}
    for module in pkgutil.iter_modules(importlib.import_module(PACKAGE).__path__):
        exporters |= getattr(importlib.import_module(f"{PACKAGE}.{module.name}"), "TOOLS", {})
    return exporters


def tool_names() -> list[str]:
    """Return the names of the package's tools and of the installed entry points, none of which is loaded."""
    return sorted({*tools(), *installed(GROUP)})


def plan_of(options: Options) -> ExportPlan:
    """Return the plan of a tool.

    Parameters
    ----------
    options : Options
        ``to`` names a tool of the package, an entry point of the group ``crm_ml.exporters``, or an exporter
        of one's own as ``module:name``.

    Raises
    ------
    ConfigError
        If there is no such tool, an option is given that the tool does not have, or an exporter of one's own
        can't be imported or makes no `ExportPlan`.
    """
    exporter = _exporter(options.to)
    try:
        plan = exporter(options)
    except TypeError as error:
        if error.__traceback__ is not None and error.__traceback__.tb_next is not None:
            raise  # of what it does, not of how it is called
        raise ConfigError(f"{options.to} can't be called with the options of an export: {error}") from error
    if not isinstance(plan, ExportPlan):
        raise ConfigError(f"{options.to} returns {type(plan).__name__} and not the ExportPlan of an exporter")
    return plan


def _exporter(name: str) -> Exporter:
    built_in, points = tools(), installed(GROUP)
    if name in built_in:
        return built_in[name]
    if not is_own(name) and name not in points:
        known = ", ".join(tool_names())
        raise ConfigError(f"there is no exporter {name!r}; there are {known}, and one's own as module:name")
    exporter = named(name if is_own(name) else points[name].value)
    if not callable(exporter):
        raise ConfigError(f"{name} can't be called; name a function that takes the options of an export")
    made: Exporter = exporter
    return made
