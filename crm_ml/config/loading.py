"""Load ``configs/*.yaml``: one file is one run; its folder names the family."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

from crm_ml.config.run import Run, run_classes
from crm_ml.errors import ConfigError
from crm_ml.storage.paths import configs_folder, inside
from crm_ml.tables.safe_yaml import parse_yaml, read_yaml
from crm_ml.tables.strict import Strict, validate

Loaded = TypeVar("Loaded", bound=Strict)


def load(path: Path, model: type[Loaded], overrides: Sequence[str] = ()) -> Loaded:
    """Read one YAML file, apply ``key=value`` overrides and validate it.

    Parameters
    ----------
    path : Path
    model : type
        Strict model of the file.
    overrides : sequence of str
        Dotted keys with YAML values, such as ``"model.options.rounds=50"``. Another ``name`` of a model, data
        set or learner drops the ``options`` that the file has for the former one.

    Raises
    ------
    ConfigError
        Listing every breach.
    """
    return validate(overridden(read_yaml(path), overrides), model, path.name)


def overridden(content: Any, overrides: Sequence[str]) -> Any:
    """Return plain content, changed in place, with ``key=value`` overrides; raises as `load`."""
    for text in sorted(overrides, key=lambda text: not text.partition("=")[0].endswith(".name")):
        _override(content, text)  # names first, since another name drops the options of the one in the file
    return content


def load_run(name: str, overrides: Sequence[str] = ()) -> Run:
    """Read the run ``configs/<name>.yaml``; the first part of its name is the family.

    Raises
    ------
    ConfigError
        If there is no project, or no such file or family, or the file is invalid; lists every breach.
    """
    configs, classes = configs_folder(), run_classes()
    path = inside(configs, f"{name}.yaml")
    if not path.is_file():
        files = [file for family in classes for file in configs.glob(f"{family}/*.yaml")]
        known = sorted(str(file.relative_to(configs).with_suffix("")) for file in files)
        raise ConfigError(f"{name}: no run of that name; there are {', '.join(known)}")
    family = name.split("/", maxsplit=1)[0]
    if family not in classes:
        raise ConfigError(f"{name}: {family!r} is no family; there are {', '.join(classes)}")
    return load(path, classes[family], overrides)


def _override(content: Any, text: str) -> None:
    key, sign, value = text.partition("=")
    if not sign:
        raise ConfigError(f"--set {text}: write it as key=value")
    override(content, key, parse_yaml(value, f"--set {key}"), f"--set {text}: {key} is no key of this file")


def override(content: Any, key: str, value: Any, refusal: str) -> None:
    """Set a value of plain content in place; another ``name`` drops the ``options`` of the former one.

    Parameters
    ----------
    content : dict
    key : str
        Dotted.
    value : plain YAML types
    refusal : str
        Message where a part of the key stands for no mapping.

    Raises
    ------
    ConfigError

    Examples
    --------
    >>> content = {"model": {"name": "blend", "options": {"rounds": 9}}}
    >>> override(content, "model.name", "logistic", "no such key")
    >>> content
    {'model': {'name': 'logistic'}}
    """
    *parents, last = key.split(".")
    for parent in parents:
        content = content.setdefault(parent, {}) if isinstance(content, dict) else None
    if not isinstance(content, dict):
        raise ConfigError(refusal)
    if last == "name" and content.get("name", value) != value:
        content.pop("options", None)
    content[last] = value
