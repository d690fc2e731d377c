"""The files of a new project, and where each comes from in the package."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from crm_ml.errors import ConfigError
from crm_ml.private_files import as_usual

HERE = Path(__file__).parent
CONFIGS = HERE / "configs"
LISTS = ("score/default", "score/simulated")
TEMPLATES = {
    "Makefile": "Makefile",
    "README.md": "README.md",
    "gitignore": ".gitignore",
    "first_look.ipynb": "notebooks/first_look.ipynb",
}


def project_files(every_config: bool = False) -> dict[str, Path]:
    """Return the source of each file of a new project by its path in it.

    The configs are those that training and scoring take when none is named, the list of the simulated shop,
    which needs no data, and the template of own tables.

    Parameters
    ----------
    every_config : bool
        Whether to take all configs of the package: also the studies of further data sets.
    """
    names = sorted(_all_configs() if every_config else {*_first_configs()})
    configs = {f"configs/{name}": CONFIGS / name for name in names}
    return configs | {path: HERE / "templates" / name for name, path in TEMPLATES.items()}


def lay_out(folder: Path, every_config: bool = False) -> list[str]:
    """Write the files of a new project, if none of them is there; return their paths in it.

    Raises
    ------
    ConfigError
        If any of them is there, or the folder can't be written; nothing is written over.
    """
    files = project_files(every_config)
    there = [path for path in files if (folder / path).exists() or (folder / path).is_symlink()]
    if there:
        raise ConfigError(
            f"{folder}: there are already {', '.join(there)}; move them away, or name another folder"
        )
    try:
        with as_usual():
            for path, source in files.items():
                (folder / path).parent.mkdir(parents=True, exist_ok=True)
                with (folder / path).open("xb") as file:
                    file.write(source.read_bytes())
    except OSError as error:
        raise ConfigError(f"{folder}: can't be written: {error.strerror}; name another folder") from error
    return list(files)


def _all_configs() -> set[str]:
    return {path.relative_to(CONFIGS).as_posix() for path in CONFIGS.glob("**/*.yaml")}


def _first_configs() -> Iterator[str]:
    yield "default.yaml"
    yield "data/own_tables.yaml"
    yield from (f"{run}.yaml" for run in _content("default.yaml")["runs"])
    for name in LISTS:
        yield f"{name}.yaml"
        yield _content(f"{name}.yaml")["actions"].removeprefix("configs/")


def _content(name: str) -> Any:
    import yaml

    return yaml.safe_load((CONFIGS / name).read_text(encoding="utf-8"))
