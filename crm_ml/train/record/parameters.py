"""The parameters of a run's models, with the defaults of the code beside what its config sets."""

import copy
import inspect
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from crm_ml.train.training_family import training_family

_THREADS = "num_threads"
Content = dict[str, Any]


def resolved(content: Mapping[str, Any]) -> Content:
    """Return a config in which each model has all of its parameters, but the number of threads.

    Parameters
    ----------
    content : mapping
        Plain dump of a run's config.

    Examples
    --------
    >>> found = resolved({"family": "churn", "model": {"name": "blend", "options": {"seed": 3}}})
    >>> found["model"]["options"]["seed"], "rounds" in found["model"]["options"]
    (3, True)
    """
    complete = copy.deepcopy(dict(content))
    for options, kind in _models(complete):
        options.update({k: v for k, v in _defaults(kind).items() if k not in options})
        options.pop(_THREADS, None)
    return complete


def with_threads(content: Mapping[str, Any], threads: int) -> Content:
    """Return a config in which each model that counts its threads has this number of them.

    Examples
    --------
    >>> with_threads({"family": "churn", "model": {"name": "blend", "options": {}}}, 1)["model"]["options"]
    {'num_threads': 1}
    """
    changed = copy.deepcopy(dict(content))
    for options, kind in _models(changed):
        if _THREADS in _defaults(kind):
            options[_THREADS] = threads
    return changed


def seeds(content: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return every setting that is a seed by its dotted name.

    Examples
    --------
    >>> seeds({"seed": 1, "data": {"options": {"seed": 2}}, "baselines": [{"options": {"seed": 3}}]})
    {'seed': 1, 'data.options.seed': 2, 'baselines.1.options.seed': 3}
    """
    by_name: dict[str, Any] = {}
    for key, value in content.items():
        if key == "seed":
            by_name[f"{prefix}{key}"] = value
        inner = dict(enumerate(value, 1)) if isinstance(value, (list, tuple)) else {None: value}
        for place, part in inner.items():
            if isinstance(part, Mapping):
                by_name |= seeds(part, f"{prefix}{key}." if place is None else f"{prefix}{key}.{place}.")
    return by_name


def _models(content: Content) -> Iterator[tuple[Content, Callable[..., Any]]]:
    """Yield the options of each model, to be changed in place, with what makes it."""
    known = training_family(content["family"]).MODELS
    for key, value in content.items():
        for part in value if isinstance(value, list | tuple) else [value]:
            name = part.get("name", key) if isinstance(part, Mapping) and "options" in part else None
            if name is not None and key != "data" and name in known:
                yield part["options"], known[name]


def _defaults(kind: Callable[..., Any]) -> Content:
    parameters = inspect.signature(kind).parameters.values()
    return {
        parameter.name: _default(parameter)
        for parameter in parameters
        if parameter.default is not inspect.Parameter.empty and not parameter.name.endswith("_")
    }


def _default(parameter: inspect.Parameter) -> Any:
    """Return a default; that of a dataclass's factory has no name that repeats."""
    plain = parameter.default is None or isinstance(
        parameter.default, (bool, int, float, str, list, tuple, dict)
    )
    return parameter.default if plain else "default of the code"
