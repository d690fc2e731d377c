"""Modelling and experimentation for the customer relationship management of internet companies.

The way data takes: ``tables`` (contract, cleaning) -> ``features`` and targets at a ``Snapshot`` -> an
experiment of ``train`` (fit, calibrate, evaluate, log, register) -> the champion -> ``score_tables`` ->
``actions`` (open, valued and allocated in ``decision``) -> ``lists`` -> ``delivery`` and ``learning``.

In a notebook ``crm_ml.fit`` and ``crm_ml.decide`` go that way in two calls.
"""

import importlib
from typing import Any

from crm_ml.threads import let_idle_threads_sleep
from crm_ml.version import VERSION

__version__ = VERSION
__all__ = ["Action", "__version__", "decide", "fit", "load_model"]

# type checkers read __init__.pyi; imports here would make every code version follow the whole package
_HOMES = {
    "Action": "crm_ml.actions.catalog",
    "decide": "crm_ml.front.decide",
    "fit": "crm_ml.front.fit",
    "load_model": "crm_ml.front.fitted_model",
}
_ROOMS = (
    "allocation",
    "churn",
    "clv",
    "datasets",
    "decision",
    "evaluation",
    "features",
    "learning",
    "lists",
    "models",
    "monitoring",
    "plots",
    "propensity",
    "recommend",
    "snapshots",
    "tables",
    "tracking",
    "uplift",
)

let_idle_threads_sleep()  # before an OpenMP library is loaded


def __getattr__(name: str) -> Any:
    """Import what a notebook uses when it is first asked for."""
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    if name in _ROOMS:
        return importlib.import_module(f"crm_ml.{name}")
    raise AttributeError(f"module 'crm_ml' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, *_ROOMS})
