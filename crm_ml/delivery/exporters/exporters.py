"""The tools that lists can be exported to, found in the modules of the package."""

import importlib
import pkgutil
from collections.abc import Callable

from crm_ml.delivery.exporters.export_plan import Options, Plan
from crm_ml.errors import ConfigError

PACKAGE = "crm_ml.delivery.exporters"


def tools() -> dict[str, Callable[[Options], Plan]]:
    """Return what plans the files of each tool, by the name of the tool.

    Examples
    --------
    >>> sorted(tools())[:3]
    ['braze', 'braze-cloud', 'google']
    """
    found: dict[str, Callable[[Options], Plan]] = {}
    package = importlib.import_module(PACKAGE)
    for module in pkgutil.iter_modules(package.__path__):
        found |= getattr(importlib.import_module(f"{PACKAGE}.{module.name}"), "TOOLS", {})
    return found


def plan_of(options: Options) -> Plan:
    """Return the plan of a tool.

    Raises
    ------
    ConfigError
        If there is no such tool, or an option that the tool does not have is given.
    """
    known = tools()
    if options.to not in known:
        raise ConfigError(f"there is no exporter {options.to!r}; there are {', '.join(sorted(known))}")
    return known[options.to](options)
