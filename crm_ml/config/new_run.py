"""A new config file for one's own tables: suggested settings, with their reasons as comments."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from textwrap import wrap
from typing import Any

import yaml

from crm_ml.config.loading import overridden
from crm_ml.config.parts import Data
from crm_ml.config.suggested import suggested, suggested_families
from crm_ml.errors import ConfigError
from crm_ml.private_files import write_usual
from crm_ml.storage.paths import inside, project_root
from crm_ml.tables.strict import Strict, validate

_WIDTH = 110


class _Plain(yaml.SafeDumper):
    """Writes a value that stands twice twice, without an alias."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
        return True


class _OfData(Strict):
    data: Data


@dataclass(frozen=True)
class NewRun:
    """A written config.

    Parameters
    ----------
    run : str
        Its name for ``python -m crm_ml.train``, such as ``"churn/mine"``.
    path : Path
    reasons : tuple of str
    """

    run: str
    path: Path
    reasons: tuple[str, ...]


def data_name(data: str) -> str:
    """Return the name of a mapping file or data set, as it stands in names of configs and models.

    Examples
    --------
    >>> data_name("configs/data/My shop.yaml"), data_name("simulated")
    ('my_shop', 'simulated')
    """
    stem = Path(data).stem if data.endswith((".yaml", ".yml")) else data
    name = re.sub(r"[^a-z0-9_-]+", "_", stem.lower()).strip("_-")
    return name or "mine"


def write_run(
    family: str, data: str, name: str | None = None, overrides: Sequence[str] = (), force: bool = False
) -> NewRun:
    """Write ``configs/<family>/<name>.yaml``, suggested from tables.

    Parameters
    ----------
    family : str
    data : str
        Mapping of one's own tables, such as ``"configs/data/mine.yaml"``, or a data set.
    name : str, optional
        That of `data` without it.
    overrides : sequence of str
        ``key=value`` settings that win; those of ``data.`` say how the tables are read.
    force : bool
        Write over a file that is there.

    Raises
    ------
    ConfigError
        If there is such a file already, or the family or a setting is none.
    InputError
        If the tables can't be read or have too little.
    """
    if family not in suggested_families():
        raise ConfigError(f"--new {family}: no family; there are {', '.join(suggested_families())}")
    name = data_name(name or data)
    run = f"{family}/{name}"
    path = free_path(f"{run}.yaml", force)
    stated: dict[str, Any] = overridden({}, overrides)
    given = stated.pop("data", {})
    read = {"name": data, **given} if isinstance(given, dict) else given
    declared = validate({"data": read}, _OfData, f"--new {family}").data
    from crm_ml import datasets

    tables = datasets.load(declared.name, declared.path, **declared.options)
    if read.get("ends_at"):
        stated.setdefault("ends_at", read["ends_at"])
    result = suggested(family, tables, **{"name": name, **stated})
    if stated.get("ends_at"):
        read["ends_at"] = stated["ends_at"]
    heading = f"{family} of {data}; days and windows follow from its orders, and why stands here"
    write_config(path, heading, result.reasons, _in_order(result.content, read))
    return NewRun(run, path, result.reasons)


def free_path(name: str, force: bool) -> Path:
    """Return the path of a config that is not there yet; raises `ConfigError` unless `force`."""
    path = inside(project_root() / "configs", name)
    if path.exists() and not force:
        raise ConfigError(f"configs/{name} is there already; --force writes it anew, --name OTHER beside it")
    return path


def write_config(path: Path, heading: str, reasons: Sequence[str], content: Mapping[str, Any]) -> None:
    """Write a config with its heading and reasons as comments."""
    comment = [f"# {line}" for line in wrap(heading, _WIDTH)]
    for reason in reasons:
        comment += [
            f"# {'-' if place == 0 else ' '} {line}" for place, line in enumerate(wrap(reason, _WIDTH))
        ]
    write_usual(path, "\n".join([*comment, plain_yaml(content)]))


def plain_yaml(content: Mapping[str, Any], one_line: bool = True) -> str:
    """Return a mapping as YAML in its own order, with short values on one line unless told otherwise."""
    flow = None if one_line else False
    style: dict[str, Any] = {"sort_keys": False, "default_flow_style": flow, "width": _WIDTH}
    text: str = yaml.dump(dict(content), Dumper=_Plain, allow_unicode=True, **style)
    return text


def _in_order(content: Mapping[str, Any], data: Mapping[str, Any]) -> dict[str, Any]:
    """Return a content with its data after the family and what is registered at the end."""
    last = ("seed", "register_as")
    middle = {key: value for key, value in content.items() if key not in ("family", *last)}
    return {"family": content["family"], "data": dict(data), **middle, **{key: content[key] for key in last}}
