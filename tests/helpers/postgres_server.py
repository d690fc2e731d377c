"""A PostgreSQL server for the tests, started from the system's package in a temporary folder."""

import contextlib
import itertools
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest

_NUMBERS = itertools.count()
ABSENT = "PostgreSQL is not installed (Debian: postgresql); its sink is not tested"


@dataclass(frozen=True)
class Server:
    """A running server: its folder, and the commands of its package as the user that may run them."""

    folder: Path
    binaries: Path
    prefix: tuple[str, ...]

    def address(self, database="postgres", user="crm"):
        """Return the address of a database, through the socket in the folder."""
        return f"postgresql://{user}@/{database}?host={self.folder}"

    def run(self, program, *arguments):
        """Run a program of the package to its end."""
        command = [*self.prefix, str(self.binaries / program), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, cwd="/", check=False)
        assert done.returncode == 0, f"{program}: {done.stdout} {done.stderr}"
        return done.stdout


def _binaries():
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    on_path = shutil.which("initdb")
    return found[-1].parent if found else Path(on_path).parent if on_path else None


@pytest.fixture(scope="session")
def server():
    """A server on a socket alone; root lets an unprivileged user run it, since PostgreSQL refuses root."""
    binaries = _binaries()
    if binaries is None:
        sys.stdout.write(ABSENT + "\n")
        pytest.skip(ABSENT)
    folder = Path(tempfile.mkdtemp(prefix="crm_ml_pg_"))
    prefix = ()
    if os.geteuid() == 0:
        names = {one.pw_name for one in pwd.getpwall()}
        user = "postgres" if "postgres" in names else "nobody"
        prefix = ("runuser", "-u", user, "--")
        shutil.chown(folder, user)
    one = Server(folder, binaries, prefix)
    try:
        data, log = str(folder / "data"), str(folder / "log")
        one.run("initdb", "-D", data, "-U", "crm", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
        options = f"-k {folder} -c listen_addresses='' -c fsync=off -c shared_buffers=16MB"
        one.run("pg_ctl", "-D", data, "-l", log, "-w", "-o", options, "start")
        try:
            yield one
        finally:
            with contextlib.suppress(AssertionError):
                one.run("pg_ctl", "-D", data, "-m", "immediate", "-w", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def database(server, monkeypatch):
    """A new database whose address stands in the environment."""
    name = f"db_{next(_NUMBERS)}"
    server.run("psql", "-h", str(server.folder), "-U", "crm", "postgres", "-qc", f"CREATE DATABASE {name}")
    monkeypatch.setenv("CRM_ML_POSTGRES", server.address(name))
    return server.address(name)
