"""What the package and its extras weigh on disk: the files of all distributions that each brings.

``python tests/helpers/installed_sizes.py`` prints the table of docs/how_to/install.md, from the environment
that it runs in; the environment must have all extras. Compiled modules are left out, as of an installation
without them.
"""

import sys
import tomllib
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PROJECT = Path(__file__).resolve().parents[2]
MIB = 2**20
LARGE = 20 * MIB
BLOCK = 512  # bytes, of st_blocks


def declared() -> tuple[list[str], dict[str, list[str]]]:
    """Requirements of the package, and those of each extra."""
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return project["dependencies"], project["optional-dependencies"]


def closure(*extras: str) -> set[str]:
    """Names of all distributions that the package brings with extras, itself left out."""
    base, optional = declared()
    waiting = [Requirement(line) for line in base]
    waiting += [Requirement(line) for extra in extras for line in optional[extra]]
    names: set[str] = set()
    followed: set[tuple[str, frozenset[str]]] = set()
    while waiting:
        wanted = waiting.pop()
        name = canonicalize_name(wanted.name)
        key = (name, frozenset(wanted.extras))
        if key in followed:
            continue
        followed.add(key)
        if name == "crm-ml":
            waiting += [Requirement(line) for extra in wanted.extras for line in optional[extra]]
            continue
        names.add(name)
        waiting += _requirements(name, wanted.extras)
    return names


def _requirements(name: str, extras: Iterable[str]) -> Iterator[Requirement]:
    for line in distribution(name).requires or []:
        requirement = Requirement(line)
        if requirement.marker is None or any(
            requirement.marker.evaluate({"extra": extra}) for extra in ("", *extras)
        ):
            yield requirement


@cache
def files_of(name: str) -> frozenset[Path]:
    """Files of a distribution, without compiled modules."""
    installed: Distribution = distribution(name)
    paths = (Path(str(installed.locate_file(file))) for file in installed.files or [])
    return frozenset(path for path in paths if path.suffix != ".pyc" and path.is_file())


def bytes_on_disk(names: Iterable[str]) -> int:
    """Blocks that the files of distributions take; a file that several have counts once."""
    files = set().union(*map(files_of, names))
    return sum(file.stat().st_blocks for file in files) * BLOCK


def table() -> Iterator[str]:
    """Lines of a Markdown table: the package, and what each extra adds to it."""
    alone = closure()
    yield "| installation | distributions | MB | the largest of them, MB |"
    yield "|---|---|---|---|"
    yield _line("`crm_ml`", alone, "")
    for extra in sorted(set(declared()[1]) - {"dev", "docs", "spark", "all"}):
        yield _line(f"`crm_ml[{extra}]`", closure(extra) - alone, "+ ")
    yield _line("`crm_ml[all]`", closure("all"), "")


def _line(label: str, names: set[str], sign: str) -> str:
    sizes = sorted(((bytes_on_disk([name]), name) for name in names), reverse=True)
    large = ", ".join(f"{name} {size / MIB:.0f}" for size, name in sizes[:6] if size > LARGE)
    return f"| {label} | {sign}{len(names)} | {sign}{bytes_on_disk(names) / MIB:,.0f} | {large} |"


if __name__ == "__main__":
    try:
        sys.stdout.writelines(f"{line}\n" for line in table())
    except PackageNotFoundError as error:
        sys.exit(f"{error.name} is not installed; run this in the environment of make")
