"""The Spark session of a job: a cluster, local threads or Spark Connect, with what the parts need of it."""

import os
import re
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from crm_ml import environment
from crm_ml.errors import ClusterFailed, ConfigError
from crm_ml.extras import require
from crm_ml.parts.spark_workers import SparkWorkers, first_words, quiet_pyspark

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

MASTER = re.compile(r"local(\[(\d+|\*)\])?|spark://\S+|sc://\S+|k8s://\S+|yarn|\$\{\w+\}")
_FROM_ENVIRONMENT = re.compile(r"\$\{(\w+)\}")
_CONNECT = "sc://"
_LOOPBACK = re.compile(r"local\b|spark://(127\.|localhost\b|\[::1\])")
_RETRIES = 4  # a local task is else given up at its first failure
_EVERYWHERE = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.execution.arrow.pyspark.enabled": "true",
    "spark.sql.execution.arrow.maxRecordsPerBatch": "100000",
}
_OF_A_DRIVER = {
    "spark.app.name": "crm_ml",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.log.level": "WARN",  # it says so if the cluster has no room for the executors
    "spark.driver.memory": "1g",
}
_ON_LOOPBACK = {"spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1"}


def check_master(master: str) -> str:
    """Return the address of a cluster as Spark takes it.

    Parameters
    ----------
    master : str
        ``local[2]``, ``spark://host:port``, ``sc://host:port`` (Spark Connect), ``k8s://...`` or ``yarn``; or
        ``${NAME}`` to take it from the environment, since an address may hold a token.

    Raises
    ------
    ConfigError

    Examples
    --------
    >>> check_master("local[2]")
    'local[2]'
    """
    if not MASTER.fullmatch(master):
        raise ConfigError(
            f"engine: {master!r} is no address of Spark; write local[2], spark://HOST:PORT, sc://HOST:PORT "
            "(Spark Connect), k8s://... or yarn"
        )
    return master


@contextmanager
def spark_workers(master: str, options: Mapping[str, str] | None = None) -> Iterator[SparkWorkers]:
    """Yield the workers of a session; one that was started here is stopped at the end of the block.

    Parameters
    ----------
    master : str
        As `check_master` takes it.
    options : mapping of str to str, optional
        Of Spark, such as ``{"spark.executor.memory": "4g"}``; they win over those set here, and ``${NAME}``
        is taken from the environment. Of a Connect session only those of its SQL session count.

    Raises
    ------
    ConfigError
        If the address is none, or PySpark or Java is absent.
    ClusterFailed
        If the cluster can't be reached.
    """
    chosen = {name: _resolved(name, value) for name, value in (options or {}).items()}
    started, session = _session(check_master(_resolved("master", check_master(master))), chosen)
    try:
        yield SparkWorkers(session, _threads(session, chosen))
    finally:
        if started:
            session.stop()


def _resolved(name: str, value: str) -> str:
    """Return a value, or that of the variable that it names."""
    match = _FROM_ENVIRONMENT.fullmatch(value)
    if match is None:
        return value
    resolved = environment.text(match[1])
    if resolved is None:
        raise ConfigError(f"engine: {name} is {value}, and the environment has no {match[1]}; set it")
    return resolved


def _session(master: str, options: dict[str, str]) -> "tuple[bool, SparkSession]":
    """Return a session, and whether it was started here."""
    require("pyspark", "engine: spark")
    connect = master.startswith(_CONNECT)
    if not connect:
        _check_java()
    from pyspark.errors import PySparkException
    from pyspark.sql import SparkSession

    with quiet_pyspark():
        active = SparkSession.getActiveSession()
        builder: Any = SparkSession.builder
        settings = {**_EVERYWHERE, **options} if connect else {**_of_driver(master), **options}
        for name, value in settings.items():
            builder = builder.config(name, value)
        builder = builder.remote(master) if connect else builder.master(_with_retries(master))
        if not connect:
            os.environ.setdefault("PYSPARK_PYTHON", options.get("spark.pyspark.python", sys.executable))
        try:
            return active is None, builder.getOrCreate()
        except (PySparkException, OSError, RuntimeError) as error:
            raise ClusterFailed(f"{master}: no session of Spark: {first_words(str(error))}") from None


def _of_driver(master: str) -> dict[str, str]:
    return {**_EVERYWHERE, **_OF_A_DRIVER, **(_ON_LOOPBACK if _LOOPBACK.match(master) else {})}


def _with_retries(master: str) -> str:
    """Return the address, of local threads with as many attempts of a task as a cluster makes.

    Examples
    --------
    >>> _with_retries("local[2]"), _with_retries("local"), _with_retries("yarn")
    ('local[2,4]', 'local[1,4]', 'yarn')
    """
    match = re.fullmatch(r"local(?:\[(\d+|\*)\])?", master)
    return master if match is None else f"local[{match[1] or 1},{_RETRIES}]"


def _threads(session: "SparkSession", options: Mapping[str, str]) -> int:
    text = options.get("spark.task.cpus") or session.conf.get("spark.task.cpus", "1") or "1"
    return int(text) if text.isdecimal() and int(text) else 1


def _check_java() -> None:
    home = os.environ.get("JAVA_HOME")
    if not (home or shutil.which("java")):
        raise ConfigError(
            "engine: spark needs Java 17 (Debian: openjdk-17-jre-headless), and there is none; install it, "
            "set JAVA_HOME, or use Spark Connect (sc://HOST:PORT), which needs none here"
        )
