"""Build the source archive and the wheel into dist/, check both, and try the wheel in fresh environments.

Only files that git knows are built: a config of one's own, with its paths, stays at home.
``python tests/helpers/check_release.py`` (``make release``): the wheel is built of the unpacked archive; its
metadata are validated; then, for this Python and each other one at hand, a fresh environment gets the
libraries of a scoring job from requirements.lock and the wheel. Training is tried with the extra ``plots``,
which is taken away again before a list is written. Nothing is uploaded.
"""

import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from email.parser import HeaderParser
from pathlib import Path
from zipfile import ZipFile

from installed_sizes import closure
from packaging.metadata import Metadata
from packaging.utils import canonicalize_name
from pythons import others
from wheel_project import (
    CHAMPION,
    PROJECT,
    TRAIN,
    before_training,
    build,
    copy_sources,
    untracked,
    write_list,
)

DIST = PROJECT / "dist"
CUSTOMERS = 400
AT_MOST_MB = 951  # 85 % of the 1,119 that the package took before it had extras


def main() -> int:
    """Build, check and try; an error ends it."""
    shutil.rmtree(DIST, ignore_errors=True)
    DIST.mkdir()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        wheel = _build(folder)
        _check_metadata(wheel)
        for version, program in {"": Path(sys.executable), **others()}.items():
            if program is None:
                _tell(f"Python {version}: not at hand, skipped")
            else:
                _try(wheel, program, folder / f"python{version}")
    return 0


def _build(folder: Path) -> Path:
    (folder / "source").mkdir()
    for path in untracked():
        _tell(f"{path}: left out, git does not know it")
    archive = build("sdist", copy_sources(folder / "source"), DIST)
    with tarfile.open(archive) as file:
        file.extractall(folder / "unpacked", filter="data")
    wheel = build("wheel", next((folder / "unpacked").iterdir()), DIST)
    for path in (archive, wheel):
        _tell(f"dist/{path.name}: {path.stat().st_size:,} bytes")
    return wheel


def _check_metadata(wheel: Path) -> None:
    """Refuse metadata that an index would, a version that the changelog lacks, and a page without text."""
    with ZipFile(wheel) as archive:
        path = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        text = archive.read(path)
    metadata = Metadata.from_email(text, validate=True)
    changes = (PROJECT / "CHANGELOG.md").read_text(encoding="utf-8")
    if not re.search(rf"^## \[?{re.escape(str(metadata.version))}\b", changes, re.M):
        sys.exit(f"CHANGELOG.md has no section of {metadata.version}; write it")
    content = HeaderParser().parsestr(text.decode())["Description-Content-Type"]
    if not metadata.description or not str(content).startswith("text/markdown"):
        sys.exit("the metadata have no description in Markdown; see readme in pyproject.toml")
    _tell(f"{metadata.name} {metadata.version}: metadata are valid; {metadata.license_expression}")


def _try(wheel: Path, program: Path, folder: Path) -> None:
    """Go from an empty folder to a list in a fresh environment of a Python."""
    subprocess.run([program, "-m", "venv", folder / "environment"], check=True)
    bin_folder = folder / "environment" / "bin"
    scoring, plots = closure(), closure("plots") - closure()
    _install(bin_folder, folder, scoring)
    pip = [bin_folder / "python", "-m", "pip", "--disable-pip-version-check"]
    subprocess.run([*pip, "install", "--quiet", "--no-deps", "--no-compile", "--no-index", wheel], check=True)
    subprocess.run([*pip, "check"], check=True, stdout=subprocess.DEVNULL)
    size = int(
        subprocess.run(
            ["du", "-sm", bin_folder.parent], capture_output=True, text=True, check=True
        ).stdout.split()[0]
    )
    if size > AT_MOST_MB:
        sys.exit(f"a scoring job takes {size} MB on disk, more than {AT_MOST_MB}; see installed_sizes.py")

    def run(*words: str, folder: Path = folder / "shop") -> str:
        command = [bin_folder / "crm-ml", *words]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        if done.returncode:
            sys.exit(f"crm-ml {' '.join(words)}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout + done.stderr

    before_training(run, folder / "shop", CUSTOMERS)
    _install(bin_folder, folder, plots)
    if CHAMPION not in run(*TRAIN):
        sys.exit("the model of the small shop is no champion")
    subprocess.run([*pip, "uninstall", "--quiet", "--yes", *sorted(plots)], check=True)
    rows = write_list(run, folder / "shop")
    version = subprocess.run(
        [bin_folder / "python", "-V"], capture_output=True, text=True, check=True
    ).stdout.strip()
    _tell(f"{version}: a scoring job takes {size} MB on disk; init, train and score: a list of {rows} rows")


def _install(bin_folder: Path, folder: Path, names: set[str]) -> None:
    """Install distributions as requirements.lock pins them."""
    lock = (PROJECT / "requirements.lock").read_text(encoding="utf-8")
    pins = re.split(r"\n(?=\S)", lock)
    wanted = [pin for pin in pins if canonicalize_name(re.split(r"[=\s\[]", pin)[0]) in names]
    (folder / "wanted.txt").write_text("\n".join(wanted) + "\n", encoding="utf-8")
    install = [
        "install",
        "--quiet",
        "--no-deps",
        "--no-compile",
        "--require-hashes",
        "-r",
        folder / "wanted.txt",
    ]
    subprocess.run([bin_folder / "python", "-m", "pip", "--disable-pip-version-check", *install], check=True)


def _tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
