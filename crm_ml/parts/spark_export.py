"""Tables of a Spark catalogue as files of the shared storage, dealt by the raw id of the customer."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from crm_ml.errors import InputError
from crm_ml.parts.spark_workers import SparkWorkers, cluster_errors, quiet_pyspark
from crm_ml.tables.contract import contracts
from crm_ml.tables.engine import connect
from crm_ml.tables.file_sources import ParquetFile
from crm_ml.tables.mapping import TableMapping
from crm_ml.tables.sources import content_sums, digest_of_sums

if TYPE_CHECKING:
    import duckdb
    from pyspark.sql import DataFrame

CUSTOMER = "customer_id"
_PART = "_crm_ml_part"


@dataclass(frozen=True)
class ExportedTable(ParquetFile):
    """The rows of a table of Spark, in Parquet files.

    Parameters
    ----------
    content : str
        Hash of the rows that does not depend on their order.
    """

    content: str = ""

    def open(self, connection: "duckdb.DuckDBPyConnection", view: str) -> dict[str, str]:
        """Create the view.

        Raises
        ------
        InputError
            If there is no row.
        """
        if not self.parts:
            raise InputError("has no rows; fill the table or leave it out")
        return super().open(connection, view)

    def digest(self) -> str:
        """Return the hash of the rows: the names and order of the files differ between exports."""
        return self.content


def export(workers: SparkWorkers, name: str, table: TableMapping, folder: Path, count: int) -> ExportedTable:
    """Write a table of Spark into folders of parts, one customer in one of them.

    Parameters
    ----------
    workers : SparkWorkers
    name : str
        Of the contract.
    table : TableMapping
        With ``spark_table``.
    folder : Path
        Takes ``<number>/*.parquet``; all rows of a table without customers are in ``0``.
    count : int
        Parts.

    Raises
    ------
    ClusterFailed
        If there is no such table, or the cluster fails.
    """
    with quiet_pyspark(), cluster_errors():
        frame = workers.session.table(str(table.spark_table))
        part = _part(name, table, frame, count)
        dealt = frame.selectExpr("*", f"{part} AS {_PART}").repartition(count, _PART)
        dealt.write.partitionBy(_PART).mode("overwrite").parquet(str(folder))
    for place in folder.glob(f"{_PART}=*"):
        place.rename(folder / place.name.partition("=")[2])  # key=value would be read as a column
    files = tuple(sorted(folder.glob("*/*.parquet")))
    sums, types = zip(*workers.map(_sums, files), strict=True) if files else ((), ())
    return ExportedTable(folder, parts=files, content=digest_of_sums(sums, types[0]) if files else "empty")


def _part(name: str, table: TableMapping, frame: "DataFrame", count: int) -> str:
    """Return the SQL (Spark) of the part of a row, by the text of the raw id."""
    if not any(column.name == CUSTOMER for column in contracts()[name].columns):
        return "0"
    how = table.columns.get(CUSTOMER)
    column = CUSTOMER if how is None else how.column
    if column is None or column not in frame.columns:
        return "0"  # refused when it is cleaned, with everything else that is wrong
    quoted = f"`{column.replace('`', '``')}`"
    whole = f"CAST({quoted} AS BIGINT)" if how is not None and how.cast == "integer" else quoted
    return f"pmod(xxhash64(CAST({whole} AS STRING)), {count})"


def _sums(file: Path) -> tuple[Sequence[int], dict[str, str]]:
    with connect() as connection:
        types = ParquetFile(file).open(connection, "raw")
        return content_sums(connection, "raw", types), types
