"""The tables of a list, and the engine that makes it."""

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from crm_ml.config.parts import Data
from crm_ml.errors import ConfigError
from crm_ml.parts.spark_session import check_master


def _master(address: str) -> str:
    try:
        return check_master(address)
    except ConfigError as error:
        raise ValueError(str(error)) from error


class ScoreData(Data):
    """The tables that a list is made of; parameters beside those of `Data`.

    Parameters
    ----------
    engine : {"duckdb", "spark"}
        Who works on the parts: processes of this machine, or the tasks of a Spark cluster. It changes nothing
        in the list.
    master : str, optional
        Of ``engine: spark``: ``local[2]``, ``spark://host:port``, ``sc://host:port`` (Spark Connect), ...
    engine_options : dict of str to str
        Options of Spark, such as ``spark.executor.memory: 4g``.
    """

    engine: Literal["duckdb", "spark"] = "duckdb"
    master: Annotated[str, AfterValidator(_master)] | None = None
    engine_options: dict[str, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.engine == "spark" and self.master is None:
            raise ValueError("engine: spark needs master, the address of a cluster, such as local[2]")
        if self.engine != "spark" and (self.master is not None or self.engine_options):
            raise ValueError("master and engine_options belong to engine: spark")
        return self


def engine_settings(address: str | None) -> list[str]:
    """Return the settings that ``--engine`` stands for: ``duckdb``, or the address of a cluster.

    Examples
    --------
    >>> engine_settings("local[2]")
    ['data.engine=spark', 'data.master=local[2]']
    """
    if address is None:
        return []
    if address == "duckdb":
        return ["data.engine=duckdb", "data.master=null", "data.engine_options={}"]
    return ["data.engine=spark", f"data.master={address}"]
