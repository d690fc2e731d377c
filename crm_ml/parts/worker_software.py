"""The software that parts are computed with, which must be alike on all workers for the same bytes."""

import hashlib
import platform
from functools import cache
from pathlib import Path

import crm_ml
from crm_ml.errors import ConfigError
from crm_ml.storage.code_version import library_version

_LIBRARIES = ("duckdb", "lightgbm", "narwhals", "numba", "numpy", "pandas", "pyarrow", "scipy", "sklearn")


@cache
def software() -> dict[str, str]:
    """Return the versions of Python and the libraries, and a hash of the source of this package.

    Examples
    --------
    >>> len(software()["crm_ml"])
    16
    """
    versions = {name: library_version(name) for name in _LIBRARIES}
    return {"python": platform.python_version(), **versions, "crm_ml": _source_hash()}


def _source_hash() -> str:
    folder = Path(crm_ml.__file__).parent
    total = hashlib.sha256()
    for path in sorted(folder.rglob("*.py")):
        total.update(f"{path.relative_to(folder).as_posix()}\0".encode())
        total.update(hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()[:16]


def refuse_other_software(of_driver: dict[str, str]) -> None:
    """Refuse to compute with other software than the driver's.

    Raises
    ------
    ConfigError
        Naming all that differs.
    """
    here = software()
    different = [
        f"{name} {here.get(name) or 'absent'} (driver: {version or 'absent'})"
        for name, version in of_driver.items()
        if here.get(name) != version
    ]
    if different:
        raise ConfigError(
            f"a worker has other software than the driver: {', '.join(different)}; install the same"
        )
