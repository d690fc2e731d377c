"""Parts of a mapping: the source of a column, cancellations, and the currency."""

from decimal import Decimal
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, field_validator, model_validator

from crm_ml.tables.strict import Strict

MAX_RATE = Decimal(10_000_000)  # a rial is worth some 0.000007 dinar
MAX_RATE_SIGNS = 20


def _short_form(value: Any) -> Any:
    return {"column": value} if isinstance(value, str) else value


class ColumnMapping(Strict):
    """Source of a contract column; a plain text in YAML is the short form of `column`.

    Parameters
    ----------
    column : str, optional
        A source column. Exactly one of `column`, `sum`, `constant` and `made` is given.
    sum : tuple of str, optional
        Source columns whose amounts are added.
    constant : str or int, optional
        A value for every row.
    made : {"customer_time", "customer_day", "position"}, optional
        Ids that the source does not have: of orders, ``customer_time`` or ``customer_day``, what a customer
        buys in one second or on one day of the zone; of lines, ``position`` in their order
        (`crm_ml.tables.made_ids`).
    times : str, optional
        A further column that amounts are multiplied by, such as a quantity beside a unit price.
    less : tuple of str
        Of `paid_cents`: further columns, each with an amount of the whole order such as a discount or refund,
        that are taken off its lines in proportion (`crm_ml.tables.shared_amounts`).
    per : {"order"}, optional
        Of `discount_cents` and `coupon_cents`: the amount is one of the whole order, shared over its lines.
    unit : {"minor", "major"}
        Of money: ``major`` 1.23 becomes 123 cents, exactly, by decimals; how many minor units a major one has
        follows from the currency (ISO 4217): 1.234 KWD become 1,234 fils, and 1200 JPY stay 1200.
    thousands : str, optional
        What separates thousands in numbers that are text: ``"."`` with ``decimal: ","`` reads 1.234,56.
    decimal : {".", ","}
        What stands before the fraction in numbers that are text.
    format : str, optional
        Of times that are not in ISO 8601, such as ``"%d.%m.%Y"``.
    epoch : {"s", "ms", "us", "ns"}, optional
        Unit of times counted since 1970-01-01 UTC.
    cast : {"integer"}, optional
        Of ids that the source stores as floats: 13085.0 becomes "13085"; anything that is no integer
        below 2^53 is quarantined.
    nulls : tuple of str, optional
        Words that stand for a missing value, besides those of every text id such as ``NULL`` and ``n/a``
        (`crm_ml.tables.nulls`): ids of guests for example. Upper and lower case are alike. ``[]``: no word.
    kind : {"text", "integer", "number", "boolean", "time", "cents"}
        Of attributes; contract columns have a fixed kind.
    """

    column: str | None = None
    sum: Annotated[tuple[str, ...], Field(strict=False)] | None = None
    constant: str | int | None = None
    made: Literal["customer_time", "customer_day", "position"] | None = None
    times: str | None = None
    less: Annotated[tuple[str, ...], Field(strict=False)] = ()
    per: Literal["order"] | None = None
    unit: Literal["minor", "major"] = "minor"
    thousands: Literal[",", ".", " ", "'"] | None = None
    decimal: Literal[".", ","] = "."
    format: str | None = None
    epoch: Literal["s", "ms", "us", "ns"] | None = None
    cast: Literal["integer"] | None = None
    nulls: Annotated[tuple[str, ...], Field(strict=False)] | None = None
    kind: Literal["text", "integer", "number", "boolean", "time", "cents"] = "text"

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        origins = ("column", "sum", "constant", "made")
        declared = [name for name in origins if getattr(self, name) is not None]
        if len(declared) != 1:
            raise ValueError(
                f"give one of column, sum, constant and made; given: {', '.join(declared) or 'none'}"
            )
        if isinstance(self.constant, str) and not self.constant.strip():
            raise ValueError("constant is empty; write a value, or leave the column out where it is optional")
        if self.thousands == self.decimal:
            raise ValueError(f"thousands and decimal are both {self.decimal!r}; declare how they differ")
        return self

    @property
    def theirs(self) -> tuple[str, ...]:
        """Source columns that the value of a row is read from."""
        names = self.sum or ((self.column,) if self.column is not None else ())
        return (*names, self.times) if self.times is not None else tuple(names)

    @property
    def named(self) -> tuple[str, ...]:
        """All source columns that this one needs."""
        return (*self.theirs, *self.less)


Mapped = Annotated[ColumnMapping, BeforeValidator(_short_form)]


class Cancellations(Strict):
    """Rows that cancel an order without naming it: those whose `column` starts with `starts_with`.

    Parameters
    ----------
    column : str
        Column that shows it, such as the number of the order.
    starts_with : str
        First letters of a cancellation.
    """

    column: str
    starts_with: str


class FilledDown(Strict):
    """Cells that an export writes once an order, on its first row.

    Parameters
    ----------
    columns : tuple of str
        Source columns whose empty cells take the last value above, in the order of the source.
    within : str
        Source column, such as the number of the order, whose rows of one value take each other's cells.
    """

    columns: Annotated[tuple[str, ...], Field(strict=False, min_length=1)]
    within: str

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        if len({*self.columns, self.within}) <= len(self.columns):
            raise ValueError("name each column once, and `within` only as what groups the rows")
        return self


class Cancelled(Strict):
    """Orders that never came to be: rows whose `column` holds one of `values`.

    Where the export writes the status once an order, `fill_down` has it on all of its rows.

    Parameters
    ----------
    column : str
        Column of the status.
    values : tuple of str
        Its values of an order that never came to be.
    """

    column: str
    values: Annotated[tuple[str | int, ...], Field(strict=False, min_length=1)]


def _capitals(code: Any) -> Any:
    return code.upper() if isinstance(code, str) and code.islower() else code


class DeclaredCurrency(Strict):
    """Currency of all money, and rates that convert others to it.

    Parameters
    ----------
    code : str
        Three letters (ISO 4217); they say what the minor unit is. Small letters, here and in the column
        ``currency``, are read as capitals: ``usd`` is USD. Mixed ones stay: ``GBp`` is no GBP.
    rates : dict of str to str
        By code as the column ``currency`` has it: how many major units of the declared currency one major
        unit is worth, as text such as ``"1.08"``.
    """

    code: Annotated[str, BeforeValidator(_capitals), Field(pattern=r"^[A-Z]{3}$")]
    rates: dict[Annotated[str, BeforeValidator(_capitals), Field(pattern=r"^[A-Za-z]{3}$")], str] = Field(
        default_factory=dict
    )

    @field_validator("rates")
    @classmethod
    def _decimal(cls, rates: dict[str, str]) -> dict[str, str]:
        for code, rate in rates.items():
            try:
                amount = Decimal(rate)
                usable = amount.is_finite() and 1 / MAX_RATE <= amount <= MAX_RATE
            except ArithmeticError:
                usable = False
            if not usable or len(f"{amount:f}") > MAX_RATE_SIGNS:
                raise ValueError(
                    f"the rate of {code} is {rate!r}; write a decimal in quotes, from {1 / MAX_RATE:f} to "
                    f"{MAX_RATE:,f} and of at most {MAX_RATE_SIGNS} signs"
                )
        return rates
