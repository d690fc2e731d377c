"""Strict models of ``configs/data/*.yaml``: the source and source columns of each table."""

from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, field_validator, model_validator

from crm_ml.errors import ConfigError
from crm_ml.rules.grammar import parse
from crm_ml.tables.encodings import Encoding
from crm_ml.tables.limits import wrong_allowances
from crm_ml.tables.mapping_faults import mapping_faults
from crm_ml.tables.mapping_parts import Cancellations, Cancelled, DeclaredCurrency, FilledDown, Mapped
from crm_ml.tables.ready_mappings import with_ready
from crm_ml.tables.strict import Strict, validate
from crm_ml.tables.zones import zone_name

_SOURCES = ("path", "glob", "database", "url", "spark_table", "ids_of")


def _moment(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return datetime.fromisoformat(value)
    except ValueError as error:
        raise ValueError(f"{value!r} is no date; write it as YYYY-MM-DD") from error


def _files(value: Any) -> str | tuple[str, ...] | None:
    """Return the name of a file, or those of several; a union of types would tell a mistake twice."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, list | tuple) and value and all(isinstance(name, str) for name in value):
        return tuple(value)
    raise ValueError("Input should be a valid string, or a list of them")


class TableMapping(Strict):
    """Source and columns of one table.

    Parameters
    ----------
    path : str or tuple of str, optional
        A CSV file (``.csv``, ``.txt``, ``.tsv``, also with ``.gz``, ``.zst`` or ``.zip``) or a Parquet file,
        relative to the project root, or several that are one table. With ``*``, ``?`` or ``[`` in it, it is a
        name all the same and no pattern.
    parts : bool
        Whether `path` is a folder whose CSV or Parquet files, also in folders below it, are the parts of the
        table. Folders such as ``year=2024`` are columns. Names that start with ``_`` or ``.`` are left out.
    glob : str, optional
        In place of `path`: a pattern such as ``"orders/2024-*.csv"`` of the files that are the parts.
    delimiter : str
        Of CSV files.
    encoding : str, optional
        Of CSV files, one of `crm_ml.tables.encodings.CODECS`; without it, it is found from the bytes.
    header : bool
        Whether the first line of a CSV file names the columns; otherwise they are ``"1"``, ``"2"``, ...
    member : str, optional
        File in a zip archive that holds several.
    database : str, optional
        A DuckDB file, relative to the project root.
    table : str, optional
        A table or view in `database`.
    url : str, optional
        An SQLAlchemy URL, or ``${NAME}`` to take it from the environment.
    query : str, optional
        A query to `url`.
    spark_table : str, optional
        A table of a Spark catalogue such as ``shop.orders``, or files that Spark reads, such as
        ``parquet.`/warehouse/orders```; for lists that are made on Spark (``engine: spark``).
    ids_of : tuple of str, optional
        Tables whose ids make up this one, if customers or items have no source of their own.
    columns : dict
        Contract column to source column; columns of the same name need no entry.
    attributes : dict
        Further columns of customers.
    ignore : tuple of str
        Source columns that are unused on purpose; other unused columns give a warning. ``"*"``: all of them.
    personal : tuple of str
        Source columns whose cells are read as keyed pseudonyms, also where rows are set aside; see
        `crm_ml.tables.personal`.
    fill_down : FilledDown, optional
        Cells that stand once an order, on its first row; filled before all else.
    where : str, optional
        Rule of `crm_ml.rules.grammar` over the source columns, for the rows of this table; others are left
        out and counted. Names that are no plain words stand in backquotes.
    cancelled : Cancelled, optional
        Orders that never came to be, by their status; left out and counted.
    cancellations : Cancellations, optional
        Rows that cancel an order without naming it.
    equal_rows : {"one", "all"}
        Whether rows that are equal in every column, and have no whole key or are refunds, are one row that
        was exported again, or each something of its own, such as two equal refunds of one second.
    allow : dict of str to float
        Reason to the share of rows, or of money where it is rounded, up to which the table is not refused for
        it; see `crm_ml.tables.limits`.
    one_day : bool
        Whether all orders may be on one day, such as the outcomes of a single trial.
    """

    path: Annotated[str | tuple[str, ...] | None, BeforeValidator(_files)] = None
    parts: bool = False
    glob: str | None = None
    delimiter: str = ","
    encoding: Encoding | None = None
    header: bool = True
    member: str | None = None
    database: str | None = None
    table: str | None = None
    url: str | None = None
    query: str | None = None
    spark_table: Annotated[str | None, Field(exclude_if=lambda name: name is None)] = None
    ids_of: Annotated[tuple[str, ...], Field(strict=False)] | None = None
    columns: dict[str, Mapped] = Field(default_factory=dict)
    attributes: dict[str, Mapped] = Field(default_factory=dict)
    ignore: Annotated[tuple[str, ...], Field(strict=False)] = ()
    personal: Annotated[tuple[str, ...], Field(strict=False, exclude_if=lambda names: not names)] = ()
    fill_down: FilledDown | None = None
    where: str | None = None
    cancelled: Cancelled | None = None
    cancellations: Cancellations | None = None
    equal_rows: Literal["one", "all"] = "one"
    allow: dict[str, Annotated[float, Field(strict=False)]] = Field(default_factory=dict)
    one_day: bool = False

    @field_validator("where")
    @classmethod
    def _rule(cls, rule: str | None) -> str | None:
        try:
            if rule is not None:
                parse(rule)
        except ConfigError as error:
            raise ValueError(str(error)) from error
        return rule

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        declared = [name for name in _SOURCES if getattr(self, name) is not None]
        if len(declared) > 1:
            raise ValueError(f"give one of {', '.join(_SOURCES)}; given: {', '.join(declared)}")
        if self.parts and not isinstance(self.path, str):
            raise ValueError("parts goes with path, which is then the folder of the parts")
        if (self.database is None) != (self.table is None):
            raise ValueError("database and table go together")
        if (self.url is None) != (self.query is None):
            raise ValueError("url and query go together")
        faults = wrong_allowances(self.allow)
        if faults:
            raise ValueError("; ".join(faults))
        if len(self.delimiter) != 1:
            raise ValueError(f"delimiter is {self.delimiter!r}; it is one character")
        return self


class Mapping(Strict):
    """All sources of one set of customer tables.

    Parameters
    ----------
    name : str
        Name of the folder of the cleaned tables: letters, digits, ``_`` and ``-``.
    root : str, optional
        Absolute folder that paths are relative to and must stay in; by default the project root, which holds
        ``configs/``.
    timezone : str, optional
        Zone of times without one, and of the days, weekdays and hours of all tables; UTC by default.
    currency : DeclaredCurrency, optional
        By default all money must be in one currency, of any code.
    known_until : date or datetime, optional
        Time of extraction, in `timezone` unless it has its own; rows at or after it lie in the future and are
        quarantined.
    profile : str, optional
        JSON of medians recorded by an earlier report, to detect changed units.
    like : str, optional
        Ready mapping that these keys stand on top of, see `crm_ml.tables.ready_mappings`.
    unverified : bool
        Of a ready mapping: whether no real file was read by it yet, which the report then says.
    """

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$")
    root: str | None = None
    timezone: str | None = None
    currency: DeclaredCurrency | None = None
    known_until: Annotated[datetime | date | None, BeforeValidator(_moment)] = None
    profile: str | None = None
    like: str | None = None
    unverified: bool = False
    tables: dict[str, TableMapping]

    @field_validator("timezone")
    @classmethod
    def _zone(cls, name: str | None) -> str | None:
        try:
            return name if name is None else zone_name(name)
        except ConfigError as error:
            raise ValueError(str(error)) from error

    @property
    def zone(self) -> str:
        """Zone of the tables; ``"UTC"`` where none is declared."""
        return zone_name(self.timezone or "UTC")

    @field_validator("root")
    @classmethod
    def _absolute(cls, root: str | None) -> str | None:
        if root is not None and not Path(root).is_absolute():
            raise ValueError(f"{root!r} is not absolute; leave it out to use the project root")
        return root

    @model_validator(mode="after")
    def _known_names(self) -> Self:
        faults = mapping_faults(self.tables)
        if faults:
            raise ValueError("; ".join(faults))
        return self


def parse_mapping(content: Any, where: str) -> Mapping:
    """Check the content of a mapping file.

    Raises
    ------
    ConfigError
        Listing all errors.
    """
    return validate(with_ready(content, where), Mapping, where)


def read_mapping(path: Path) -> Mapping:
    """Read a mapping file.

    Raises
    ------
    ConfigError
        If the file is absent, no YAML, too large, or invalid; lists all errors.
    """
    from crm_ml.tables.safe_yaml import read_yaml

    return parse_mapping(read_yaml(path), str(path))
