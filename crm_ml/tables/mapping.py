"""Strict models of ``configs/data/*.yaml``: which source and which of its columns fill our tables."""

from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from crm_ml.errors import ConfigError
from crm_ml.tables.contract import contracts


class Strict(BaseModel):
    """A frozen model that refuses unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


def _short_form(value: Any) -> Any:
    return {"column": value} if isinstance(value, str) else value


class ColumnMapping(Strict):
    """Where one of our columns comes from; a plain text in YAML is the short form of `column`.

    Parameters
    ----------
    column, sum, constant
        Exactly one: a column of the source, several whose amounts are added, or a value for every row.
    times : str, optional
        A further column that amounts are multiplied with, such as a quantity beside a unit price.
    unit : {"minor", "major"}
        Of money: ``major`` 1.23 becomes 123 cents, exactly, by decimals.
    format : str, optional
        Of times that are written in another way than ISO 8601, such as ``"%d.%m.%Y"``.
    epoch : {"s", "ms"}, optional
        Of times that are counted since 1970-01-01 UTC.
    cast : {"integer"}, optional
        Of ids that the source stores as floats: 13085.0 becomes "13085"; anything that is no integer
        below 2^53 is quarantined.
    kind : {"text", "integer", "number", "boolean", "time", "cents"}
        Of attributes; contract columns have theirs.
    """

    column: str | None = None
    sum: Annotated[tuple[str, ...], Field(strict=False)] | None = None
    constant: str | int | None = None
    times: str | None = None
    unit: Literal["minor", "major"] = "minor"
    format: str | None = None
    epoch: Literal["s", "ms"] | None = None
    cast: Literal["integer"] | None = None
    kind: Literal["text", "integer", "number", "boolean", "time", "cents"] = "text"

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        given = [name for name in ("column", "sum", "constant") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"give one of column, sum and constant; given: {', '.join(given) or 'none'}")
        return self

    @property
    def theirs(self) -> tuple[str, ...]:
        """Columns of the source that this one reads."""
        names = self.sum or ((self.column,) if self.column is not None else ())
        return (*names, self.times) if self.times is not None else tuple(names)


Mapped = Annotated[ColumnMapping, BeforeValidator(_short_form)]


class Cancellations(Strict):
    """Rows that take back an order without saying which: those whose `column` starts with `starts_with`."""

    column: str
    starts_with: str


class Currency(Strict):
    """The one currency of all money, and rates that bring others to it (as text, such as ``"1.08"``)."""

    code: str
    rates: dict[str, str] = Field(default_factory=dict)

    @field_validator("rates")
    @classmethod
    def _decimal(cls, rates: dict[str, str]) -> dict[str, str]:
        for code, rate in rates.items():
            try:
                positive = Decimal(rate) > 0
            except ArithmeticError:
                positive = False
            if not positive:
                raise ValueError(f"the rate of {code} is {rate!r}; write a positive decimal in quotes")
        return rates


class TableMapping(Strict):
    """One of our tables: its source and its columns.

    Parameters
    ----------
    path : str, optional
        A CSV (``.csv``, ``.csv.gz``, ``.txt``, ``.tsv``) or Parquet file, relative to the project root.
    database, table : str, optional
        A DuckDB file, relative to the project root, and a table or view in it.
    url, query : str, optional
        An SQLAlchemy URL, or ``${NAME}`` to take it from the environment, and a query.
    ids_of : tuple of str, optional
        Tables whose ids make this one, where there is no source of customers or items of its own.
    columns : dict
        Ours to theirs; a column of the same name needs no line.
    attributes : dict
        Further columns of customers to keep.
    ignore : tuple of str
        Columns of the source that are left aside on purpose; others that are not used are warned about.
    """

    path: str | None = None
    delimiter: str = ","
    encoding: Literal["utf-8", "utf-16", "latin-1"] = "utf-8"
    database: str | None = None
    table: str | None = None
    url: str | None = None
    query: str | None = None
    ids_of: Annotated[tuple[str, ...], Field(strict=False)] | None = None
    columns: dict[str, Mapped] = Field(default_factory=dict)
    attributes: dict[str, Mapped] = Field(default_factory=dict)
    ignore: Annotated[tuple[str, ...], Field(strict=False)] = ()
    cancellations: Cancellations | None = None

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        given = [name for name in ("path", "database", "url", "ids_of") if getattr(self, name) is not None]
        if len(given) > 1:
            raise ValueError(f"give one of path, database, url and ids_of; given: {', '.join(given)}")
        if (self.database is None) != (self.table is None):
            raise ValueError("database and table go together")
        if (self.url is None) != (self.query is None):
            raise ValueError("url and query go together")
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
        Absolute folder that paths are relative to and must stay in; without it the project root, which is
        the folder that holds ``configs/``.
    timezone : str, optional
        Zone of times that carry none; UTC without it.
    currency : Currency, optional
        Without it all money must be in one currency, whichever it is.
    known_until : date or datetime, optional
        The moment the data was taken; rows at or after it are future and go to quarantine.
    profile : str, optional
        JSON of medians that an earlier report recorded, to find changed units.
    """

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$")
    root: str | None = None
    timezone: str | None = None
    currency: Currency | None = None
    known_until: datetime | date | None = None
    profile: str | None = None
    tables: dict[str, TableMapping]

    @field_validator("timezone")
    @classmethod
    def _zone(cls, name: str | None) -> str | None:
        try:
            return name if name is None else ZoneInfo(name).key
        except (ValueError, OSError) as error:
            raise ValueError(f"{name!r} is no time zone; write one such as Europe/Berlin") from error

    @field_validator("root")
    @classmethod
    def _absolute(cls, root: str | None) -> str | None:
        if root is not None and not Path(root).is_absolute():
            raise ValueError(f"{root!r} is not absolute; leave it out to use the project root")
        return root

    @model_validator(mode="after")
    def _known_names(self) -> Self:
        faults = list(_faults(self.tables))
        if faults:
            raise ValueError("; ".join(faults))
        return self


def _faults(tables: dict[str, TableMapping]) -> "list[str]":
    known = contracts()
    faults = [
        f"{name} is no table; ours are {', '.join(sorted(known))}" for name in tables if name not in known
    ]
    faults += [
        f"{name} is missing" for name, contract in known.items() if contract.required and name not in tables
    ]
    for name, table in tables.items():
        if name not in known:
            continue
        ours = {column.name for column in known[name].columns}
        faults += [f"{name} has no column {column}; ours are {', '.join(sorted(ours))}"
                   for column in table.columns if column not in ours]  # fmt: skip
        if table.attributes and not known[name].attributes:
            faults.append(f"{name} has no attributes")
        faults += [f"{name}: the attribute {column} is a column of the contract"
                   for column in table.attributes if column in ours]  # fmt: skip
        faults += [f"{name}: ids_of names {other}, which is not mapped"
                   for other in table.ids_of or () if other not in tables]  # fmt: skip
    return faults


def parse_mapping(content: Any, where: str) -> Mapping:
    """Check the content of a mapping file.

    Raises
    ------
    ConfigError
        With all errors at once.
    """
    from pydantic import ValidationError

    try:
        return Mapping.model_validate(content)
    except ValidationError as error:
        lines = [
            f"{where}: {'.'.join(str(part) for part in fault['loc']) or 'file'}: "
            + fault["msg"].removeprefix("Value error, ")
            for fault in error.errors()
        ]
        raise ConfigError("\n".join(lines)) from None


def read_mapping(path: Path) -> Mapping:
    """Read a mapping file.

    Raises
    ------
    ConfigError
        If the file is absent, no YAML, too large, or wrong; with all errors at once.
    """
    from crm_ml.tables.safe_yaml import read_yaml

    return parse_mapping(read_yaml(path), str(path))
