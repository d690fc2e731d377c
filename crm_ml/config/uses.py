"""Which configs register a model, and which lists use it: read from ``configs/`` as it is."""

from collections.abc import Iterator, Mapping
from typing import Any

from crm_ml.config.run import run_classes
from crm_ml.errors import CrmError
from crm_ml.storage.paths import project_root
from crm_ml.tables.safe_yaml import read_yaml


def lists_naming(family: str, model: str) -> dict[str, dict[str, str]]:
    """Return the configs of lists that name a model of a family under any alias, with all their models.

    Examples
    --------
    >>> lists_naming("uplift", "uplift")
    {'score/simulated': {'uplift': 'uplift@champion'}}
    """
    named = {}
    for name, content in _configs("score"):
        models = content.get("models", {"churn": "churn@champion"})
        if isinstance(models, Mapping) and str(models.get(family)).partition("@")[0] == model:
            named[name] = {str(key): str(value) for key, value in models.items() if value}
    return named


def runs_registering(family: str, model: str) -> list[str]:
    """Return the configs of a family that register a model of a name.

    Examples
    --------
    >>> runs_registering("clv", "clv")
    ['clv/bg_nbd']
    """
    if family not in run_classes():
        return []
    return [name for name, content in _configs(family) if _registered(content) == model]


def runs_of(data: str) -> dict[str, Mapping[str, Any]]:
    """Return the configs that train on a mapping or data set, by name, with their content.

    Examples
    --------
    >>> list(runs_of("hillstrom"))
    ['uplift/hillstrom', 'uplift/hillstrom_spend']
    """
    return {
        name: content
        for family in run_classes()
        for name, content in _configs(family)
        if _named(content.get("data")) == data and _registered(content)
    }


def _named(content: Any) -> Any:
    return content.get("name") if isinstance(content, Mapping) else None


def _registered(content: Mapping[str, Any]) -> Any:
    return _named(content.get("register_as"))


def _configs(folder: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield name and content of the configs of a folder; what can't be read is another command's error."""
    paths = (project_root() / "configs" / folder).glob("*.yaml")
    for path in sorted(paths, key=lambda path: (path.stem != "default", path.stem)):  # the default first
        try:
            content = read_yaml(path)
        except CrmError:
            continue
        if isinstance(content, Mapping):
            yield f"{folder}/{path.stem}", content
