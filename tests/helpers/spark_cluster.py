"""A standalone Spark cluster on loopback: a master and two workers, from the jars of PySpark."""

import contextlib
import importlib.util
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import pytest

ABSENT = "PySpark or Java is not installed (make .venv/spark-installed, Debian: openjdk-17-jre-headless)"
LIGHT_JAVA = "-XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Xss4m"  # each of six would else compile for itself
_WAIT_S = 180.0


def free_port():
    """Return a port that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@dataclass
class Cluster:
    """A running cluster; `connect_port` is of the server that the session of the tests brings."""

    folder: Path
    port: int
    connect_port: int
    workers: int = 2
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def master(self):
        """Address for ``--engine``."""
        return f"spark://127.0.0.1:{self.port}"

    @property
    def connect(self):
        """Address of its Spark Connect server, while the session runs."""
        return f"sc://127.0.0.1:{self.connect_port}"

    @property
    def options(self):
        """Options of a session of a gigabyte in all, with the Connect server in its driver."""
        plugin = "org.apache.spark.sql.connect.SparkConnectPlugin"
        return {
            "spark.executor.memory": "512m",
            "spark.driver.extraJavaOptions": LIGHT_JAVA,
            "spark.executor.extraJavaOptions": LIGHT_JAVA,
            "spark.plugins": plugin,
            "spark.connect.grpc.binding.address": "127.0.0.1",
            "spark.connect.grpc.binding.port": str(self.connect_port),
        }

    def start(self):
        """Start the master, wait until it listens, and start the workers."""
        self._run("Master", "master", "--host", "127.0.0.1", "--port", str(self.port))
        self._wait("master", "I have been elected leader", 1)
        for number in range(self.workers):
            work = str(self.folder / f"work{number}")
            limits = ("--cores", "1", "--memory", "600m", "--work-dir", work)
            self._run("Worker", f"worker{number}", "--host", "127.0.0.1", *limits, self.master)
        self._wait("master", "Registering worker", self.workers)

    def executors(self):
        """Return the process numbers of all executors."""
        found = []
        for worker in self.processes[1:]:
            children = Path(f"/proc/{worker.pid}/task").glob("*/children")
            found += [int(pid) for file in children for pid in file.read_text().split()]
        return sorted(found)

    def stop(self):
        """Kill all of it; each process is the leader of a group of its own, with its executors."""
        for process in self.processes:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def _run(self, role, name, *arguments):
        java = "org.apache.spark.deploy"
        command = [str(_home() / "bin" / "spark-class"), f"{java}.{role.lower()}.{role}", *arguments]
        environment = os.environ | {
            "SPARK_HOME": str(_home()),
            "SPARK_LOCAL_IP": "127.0.0.1",
            "SPARK_DAEMON_MEMORY": "128m",
            "SPARK_DAEMON_JAVA_OPTS": LIGHT_JAVA,
        }
        with (self.folder / f"{name}.log").open("w") as log:
            process = subprocess.Popen(
                [*command, "--webui-port", "0"],
                stdout=log,
                stderr=log,
                env=environment,
                cwd=self.folder,
                start_new_session=True,
            )
        self.processes.append(process)

    def _wait(self, name, words, times):
        log, deadline = self.folder / f"{name}.log", time.monotonic() + _WAIT_S
        while len(re.findall(words, log.read_text(encoding="utf-8", errors="replace"))) < times:
            if time.monotonic() > deadline or any(process.poll() is not None for process in self.processes):
                logs = (file.read_text(errors="replace")[-2000:] for file in self.folder.glob("*.log"))
                raise AssertionError("\n".join(logs))
            time.sleep(0.1)


@contextlib.contextmanager
def killing_executor(cluster, log, killed):
    """Kill the executor whose daemon of Python stands in a log, once it is there, and leave a file then."""

    def kill():
        while not (log.exists() and log.read_text().endswith("\n")):
            time.sleep(0.05)
        status = Path(f"/proc/{log.read_text().split()[0]}/stat").read_text()
        executor = int(status.rpartition(")")[2].split()[1])
        assert executor in cluster.executors()
        os.kill(executor, signal.SIGKILL)
        killed.touch()

    with ThreadPoolExecutor(1) as pool:
        killing = pool.submit(kill)
        yield
        killing.result()


def _home():
    return Path(importlib.util.find_spec("pyspark").origin).parent


def require_spark():
    """Skip where PySpark or Java is absent."""
    java = shutil.which("java") or os.environ.get("JAVA_HOME")
    if importlib.util.find_spec("pyspark") is None or not java:
        sys.stdout.write(ABSENT + "\n")
        pytest.skip(ABSENT)


@pytest.fixture(scope="session")
def cluster():
    """A master and two workers; all their processes end with the session of the tests."""
    require_spark()
    folder = Path(tempfile.mkdtemp(prefix="crm_ml_spark_"))
    running = Cluster(folder, free_port(), free_port())
    try:
        running.start()
        yield running
    finally:
        running.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def standalone(cluster):
    """The workers of one session on the cluster, which answers Spark Connect too."""
    from crm_ml.parts.spark_session import spark_workers

    with spark_workers(cluster.master, cluster.options) as workers:
        yield workers
