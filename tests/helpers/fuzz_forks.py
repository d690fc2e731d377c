"""Play mutations, each in a fork: ``python tests/helpers/fuzz_forks.py FOLDER`` reads orders, one a line.

Libraries are imported once and nothing has started a thread before a fork, so that a case costs as little
CPU as its command. ``python tests/helpers/fuzz_forks.py --alone SEED NUMBER`` plays one and shows it.
"""

import contextlib
import gc
import importlib
import json
import os
import pkgutil
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
from pathlib import Path

os.environ |= {"OPENBLAS_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE", "OMP_NUM_THREADS": "1"}
import fuzz_cases
import fuzz_judge
import fuzz_world
import numpy as np

import crm_ml
from crm_ml.allocation import lagrangian
from crm_ml.allocation.lagrangian import Customers
from crm_ml.allocation.problem import ActionGroup, ProblemLimits, problem_of
from crm_ml.allocation.value_parts import MemoryParts, ValuePart, draws_of_rows
from crm_ml.storage import code_version

PRELOADED = (
    "alembic.command", "alembic.config", "duckdb", "duckdb.func", "joblib", "lightgbm",
    "matplotlib.backends.backend_agg", "matplotlib.figure", "mlflow", "mlflow.pyfunc",
    "mlflow.store.model_registry.sqlalchemy_store", "mlflow.store.tracking.sqlalchemy_store", "narwhals",
    "narwhals._arrow.namespace", "narwhals._duckdb.namespace", "numba", "numpy", "pandas", "phonenumbers",
    "pyarrow.compute", "pyarrow.dataset", "pyarrow.parquet", "rich.console", "rich.progress", "rich.table",
    "scipy.optimize", "scipy.stats", "sklearn.linear_model", "sqlalchemy",
)  # fmt: skip
WALL_S, CPU_S = 20.0, 20
GROWTH_BYTES = 2 * 2**30
BACKSTOP_BYTES = 4 * 2**30  # of addresses beyond those of the parent; a thread takes many and uses few
FILE_BYTES = 300 * 2**20
OPENS = {"open", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.link", "os.symlink", "sqlite3.connect"}


def run_words(words):
    """Run a command as the script does, and return its exit code."""
    sys.argv = ["crm-ml", *words]
    try:
        code = importlib.import_module("crm_ml.__main__").main(words)
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BaseException:
        traceback.print_exc()
        code = 1
    with contextlib.suppress(BaseException):
        sys.stdout.flush()
    gc.collect()
    return code or 0


def begin(case):
    """Turn a fork into a process that a command finds itself in."""
    for name in [name for name in os.environ if name.startswith(("CRM_ML_", "MLFLOW_"))]:
        del os.environ[name]
    os.environ |= {"HOME": str(case / "home"), "TMPDIR": str(case / "tmp"), "COLUMNS": "200"}
    tempfile.tempdir = None
    os.chdir(case / "project")
    empty = os.open(os.devnull, os.O_RDONLY)
    os.dup2(empty, 0)
    for number, name in ((1, "stdout"), (2, "stderr")):
        file = os.open(case / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.dup2(file, number)
    addresses = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (addresses + BACKSTOP_BYTES,) * 2)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if hasattr(time, "tzset"):
        time.tzset()


def watch(case):
    """Refuse, and note, what Python writes outside of the folder of the case; no file may be too long."""
    own = (f"{case}/", "/dev/", "/proc/self/", "/memfd")
    compiled = f"{Path(crm_ml.__path__[0])}/"
    log = os.open(case / "outside.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def hook(event, arguments):
        if event not in OPENS:
            return
        path = arguments[1] if event in ("os.link", "os.symlink", "os.rename") else arguments[0]
        if event == "open" and not (arguments[2] or 0) & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC):
            return
        if isinstance(path, int) or (event == "sqlite3.connect" and ":memory:" in str(path)):
            return
        text = os.path.realpath(os.fsdecode(path))
        if text.startswith(compiled) and "__pycache__" in text:
            return
        if event != "sqlite3.connect" and not text.startswith(own) and text != str(case):
            os.write(log, f"{event} {text}\n".encode(errors="backslashreplace"))
            raise PermissionError(13, "outside of the case", text)

    resource.setrlimit(resource.RLIMIT_FSIZE, (FILE_BYTES,) * 2)
    sys.addaudithook(hook)


def fork(work):
    sys.stdout.flush()
    number = os.fork()
    if number:
        return number
    code = 99
    try:
        code = work() or 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def waited_for_a_core(number):
    """Seconds that the first thread of a process stood in the queue of the scheduler."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        return int(Path(f"/proc/{number}/schedstat").read_text().split()[1]) / 1e9
    return 0.0


def finish(number):
    """Wait for a fork, kill it after its time; return its status, what it used, and whether it was killed."""
    started, hung, pause = time.monotonic(), False, 0.002
    while True:
        ended, status, used = os.wait4(number, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status), used, hung
        if time.monotonic() - started > WALL_S:
            spent = time.monotonic() - started - waited_for_a_core(number)
            if spent > WALL_S and not hung:
                hung = True
                os.kill(number, signal.SIGKILL)
        time.sleep(pause)
        pause = min(pause * 1.3, 0.05)


class Player:
    """Plays cases in copies of one world, all at the same place, since a store knows where its files lie."""

    def __init__(self, folder):
        self.folder = Path(folder).resolve()
        self.world, self.case = self.folder / "world", self.folder / "case"
        if not self.world.exists():
            self._build()
        gc.collect()
        gc.freeze()

    def _build(self):
        self._lay_out(self.case)

        def run(words):
            def work():
                begin(self.case)
                return run_words(words) if words else fuzz_world.write_data(self.case / "project/data")

            code, used, _ = finish(fork(work))
            sys.stderr.write(f"{words} {used.ru_utime + used.ru_stime:.1f} CPU s\n")
            if code:
                sys.stderr.write((self.case / "stderr").read_text())
            return code

        fuzz_world.build(self.case / "project", run)
        self.case.rename(self.world)

    @staticmethod
    def _lay_out(case):
        for name in ("project", "home", "tmp", "outside"):
            (case / name).mkdir(parents=True, exist_ok=True)
        (case / "outside/other.csv").write_text("id;joined;city;age\nc9;01.01.2024;Rome;3\n")

    def _around(self):
        """Return what lies beside a case and at home, where a library may write that no hook sees."""
        beside = {str(path): path.lstat().st_mtime_ns for path in [self.folder, *self.world.rglob("*")]}
        beside.pop(str(self.folder))  # the case comes and goes
        names = {entry.path for place in (self.folder, Path.home()) for entry in os.scandir(place)}
        return {*beside.items(), *((name, 0) for name in names - {str(self.case)})}

    def play(self, order):
        """Play one case and return the verdict on it."""
        case = self.case
        fuzz_judge.remove(case)
        shutil.copytree(self.world, case, symlinks=True)
        before = fuzz_judge.listing(case)
        resident, around = _resident(), self._around()

        def work():
            begin(case)
            plan = fuzz_cases.mutate(case, order["seed"], order["number"])
            (case / "plan.json").write_text(json.dumps(plan, default=repr), encoding="utf-8")
            os.environ |= plan["environment"]
            watch(case)
            return run_words(plan["words"])

        started = time.monotonic()
        code, used, hung = finish(fork(work))
        seconds = time.monotonic() - started
        verdict = fuzz_judge.judge(case, before, code, hung, used.ru_maxrss * 1024 - resident, GROWTH_BYTES)
        verdict |= {"seconds": round(seconds, 2), "cpu": round(used.ru_utime + used.ru_stime, 2)} | order
        if self._around() != around:
            verdict["faults"].append(f"left {sorted(self._around() ^ around)[0]} outside of the case")
        if not order.get("keep"):
            fuzz_judge.remove(case)
        return verdict


def warm_up():
    """Import and load what commands need; no solver, model or connection, whose threads a fork would miss."""
    for name in PRELOADED:
        importlib.import_module(name)
    for module in pkgutil.walk_packages(crm_ml.__path__, "crm_ml."):
        importlib.import_module(module.name)
    code_version.import_closure("crm_ml.score.__main__")
    limits = ProblemLimits(groups=(ActionGroup("all", (0, 1), 1.0),))
    problem, _ = problem_of((3, 2), None, None, limits)
    customers = Customers(MemoryParts([ValuePart(0, np.ones((3, 2)), draws_of_rows(3))]), 3, 1.0)
    lagrangian.smooth(problem, customers, np.zeros(1), 1.0)
    lagrangian.exact(problem, customers, np.zeros(1))


def _resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def main(arguments):
    warm_up()
    if arguments[0] == "--alone":
        folder = Path(tempfile.mkdtemp(prefix="crm_ml_fuzz_"))
        verdict = Player(folder).play({"seed": int(arguments[1]), "number": int(arguments[2]), "keep": True})
        sys.stdout.write(json.dumps(verdict, indent=1, ensure_ascii=False) + f"\n{folder}\n")
        return
    player = Player(arguments[0])
    for line in sys.stdin:
        sys.stdout.write(json.dumps(player.play(json.loads(line))) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
