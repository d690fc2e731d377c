"""Other Pythons than that of the environment, as far as they are at hand.

``python tests/helpers/pythons.py`` compiles every module under each of them, with warnings as errors, and
imports those that need no library. An environment takes minutes: ``make release`` makes one for each, and
tries the wheel in it.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
VERSIONS = ("3.11", "3.12", "3.13")
CODE = """
import compileall, importlib, pkgutil, sys, warnings
warnings.simplefilter("error")
folder, cache = sys.argv[1:]
sys.path.insert(0, folder)
sys.pycache_prefix = cache
folders = [f"{folder}/{name}" for name in ("crm_ml", "docs", "notebooks")]
if not all([compileall.compile_dir(one, quiet=1, force=True) for one in folders]):
    sys.exit("a module does not compile")
import crm_ml
imported = 0
for module in pkgutil.walk_packages(crm_ml.__path__, "crm_ml.", onerror=lambda name: None):
    try:
        importlib.import_module(module.name)
        imported += 1
    except ModuleNotFoundError as error:
        if error.name.startswith("crm_ml"):
            raise
print(f"Python {sys.version.split()[0]}: all modules compile; imported without libraries: {imported}")
"""


def at_hand(version: str) -> Path | None:
    """The program of a version that runs: on the path, else of pyenv; None where there is none."""
    named = shutil.which(f"python{version}")
    home = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    pyenv = sorted(home.glob(f"{version}.*/bin/python"))
    for path in [*([Path(named)] if named else []), *pyenv]:  # a shim of pyenv may have no version behind it
        done = subprocess.run([path, "-c", ""], capture_output=True, check=False)
        if done.returncode == 0:
            return path
    return None


def others() -> dict[str, Path | None]:
    """Programs of the other versions."""
    own = "{}.{}".format(*sys.version_info)
    return {version: at_hand(version) for version in VERSIONS if version != own}


def main() -> int:
    """Check each Python that is at hand; 1 if one fails."""
    failed = False
    for version, program in others().items():
        if program is None:
            sys.stdout.write(f"Python {version}: not at hand, skipped\n")
            continue
        with tempfile.TemporaryDirectory() as cache:
            done = subprocess.run([program, "-I", "-c", CODE, PROJECT, cache], check=False)
        failed |= done.returncode != 0
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
