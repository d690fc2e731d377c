"""The content of a config that fits tables: days, horizon and activity window from their reach and rhythm."""

import importlib
import pkgutil
from collections.abc import Mapping
from functools import cache
from types import ModuleType
from typing import Any

from crm_ml.config import suggestion
from crm_ml.config.run import run_classes
from crm_ml.config.suggestion.suggestion import Suggestion
from crm_ml.errors import ConfigError
from crm_ml.tables.bundle import Tables
from crm_ml.tables.strict import validate

_LEAST = {
    "horizon_days": 1, "active_within_days": 1, "gap_days": 0, "training_snapshots": 1, "every_days": 1,
    "months": 1, "k": 1,
}  # fmt: skip
__all__ = ["Suggestion", "suggested", "suggested_families"]


def suggested(family: str, tables: Tables, **stated: Any) -> Suggestion:
    """Suggest what a config of a family holds for tables, without ``data``.

    Gaps between orders are measured before the first test day, so that no test label chose a setting.

    Parameters
    ----------
    family : str
    tables : Tables
    **stated
        Settings that win: ``as_of``, ``ends_at``, ``horizon_days``, ``purpose``, ``name`` of the data (the
        model is registered as ``<family>_<name>``) and others of the family, see ``STATED`` in its module of
        `crm_ml.config.suggestion`; and any key of the config, such as ``model={"name": "logistic"}``, whose
        mappings are merged into the suggested ones.

    Returns
    -------
    Suggestion
        Its content is one that the config class of the family accepts.

    Raises
    ------
    ConfigError
        If there is no such family, or a stated setting does not fit; lists every breach.
    InputError
        If the tables have too little; it says what there is and what is needed.

    Examples
    --------
    >>> from crm_ml import datasets
    >>> shop = suggested("churn", datasets.load("simulated", customers=300))
    >>> shop.content["target"]
    {'horizon_days': 56, 'active_within_days': 112, 'purpose': 'analytics'}
    """
    modules = _modules()
    if family not in modules:
        raise ConfigError(
            f"{family!r}: no config is suggested for it, only for {', '.join(modules)}; write "
            f"configs/{family}/<name>.yaml by hand"
        )
    module = modules[family]
    parts = {key: value for part in ("target", "split") for key, value in stated.get(part, {}).items()}
    known = {**parts, **stated}  # also where they stand in the config: --set target.silence=...
    short = {key: value for key, value in known.items() if key in module.STATED and value is not None}
    _check_whole(family, short)
    result: Suggestion = module.suggest(tables, short)
    keys = {key: value for key, value in stated.items() if key not in module.STATED}
    content = _merged(result.content, keys)
    validate({"data": {"name": "tables"}, **content}, run_classes()[family], f"suggested {family}")
    return Suggestion(content, result.reasons)


def _check_whole(family: str, stated: Mapping[str, Any]) -> None:
    """Refuse stated days and numbers that are not whole, or too small."""
    lines = [
        f"  {name}: {stated[name]!r} is no whole number of at least {least}"
        for name, least in _LEAST.items()
        if name in stated and not (_is_whole(stated[name]) and int(stated[name]) >= least)
    ]
    if lines:
        mistakes = "1 mistake" if len(lines) == 1 else f"{len(lines)} mistakes"
        raise ConfigError(f"{family}: {mistakes}\n" + "\n".join(lines))


def _is_whole(value: object) -> bool:
    if isinstance(value, float):
        return value.is_integer()
    return hasattr(value, "__index__") and not isinstance(value, bool)


def suggested_families() -> tuple[str, ...]:
    """Return the families that a config is suggested for."""
    return tuple(_modules())


@cache
def _modules() -> dict[str, ModuleType]:
    """Return the modules of `crm_ml.config.suggestion` that suggest, by family."""
    modules = {
        info.name: importlib.import_module(f"{suggestion.__name__}.{info.name}")
        for info in pkgutil.iter_modules(suggestion.__path__)
    }
    return {name: module for name, module in sorted(modules.items()) if hasattr(module, "suggest")}


def _merged(content: Mapping[str, Any], stated: Mapping[str, Any]) -> dict[str, Any]:
    """Return a mapping with stated values in place of its own, inside of mappings too."""
    result = dict(content)
    for key, value in stated.items():
        own = result.get(key)
        nested = isinstance(own, Mapping) and isinstance(value, Mapping) and key != "model"
        result[key] = _merged(own, value) if nested else value  # type: ignore[arg-type]
    return result
