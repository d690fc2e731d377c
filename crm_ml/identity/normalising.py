"""Identifiers in one form, so that equal ones are equal text; done in DuckDB."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final, Literal

from pydantic import Field

from crm_ml.tables.engine import connect
from crm_ml.tables.sql import ident, literal
from crm_ml.tables.strict import Strict

if TYPE_CHECKING:
    import pyarrow as pa

_WIDE: Final = "０１２３４５６７８９＋"  # noqa: RUF001
_DOTLESS: Final = "('gmail.com', 'googlemail.com')"


class Identifier(Strict):
    """How the values of a column become one form.

    Parameters
    ----------
    kind : {"id", "phone", "email", "text", "date"}
        ``id``: without blanks around it. ``phone``: digits, with ``+`` and country code where it is known.
        ``email``: lower case; what has no ``@`` is no value. ``text``: lower case without accents, single
        blanks. ``date``: YYYY-MM-DD; what is no date is no value.
    country_code : str, optional
        Of phones without one, such as ``"86"``; a leading 0 falls away.
    national_digits : int, optional
        Digits of a phone without its country code; a longer one that begins with the code has it.
    ignore_dots : bool
        Whether dots before the ``@`` of Google's addresses count for nothing.
    ignore_tag : bool
        Whether what follows a ``+`` before the ``@`` counts for nothing.
    """

    kind: Literal["id", "phone", "email", "text", "date"] = "id"
    country_code: str | None = Field(default=None, pattern=r"^[1-9]\d{0,2}$")
    national_digits: int | None = Field(default=None, ge=4, le=14)
    ignore_dots: bool = False
    ignore_tag: bool = False


KNOWN: Final[Mapping[str, Identifier]] = {
    "phone": Identifier(kind="phone"),
    "email": Identifier(kind="email"),
    "name": Identifier(kind="text"),
    "address": Identifier(kind="text"),
    "birth_date": Identifier(kind="date"),
}


def normalised(
    profiles: "pa.Table", names: Sequence[str], identifiers: Mapping[str, Identifier]
) -> "pa.Table":
    """Return columns in their form; empty text is null.

    Parameters
    ----------
    profiles : pyarrow.Table
    names : sequence of str
    identifiers : mapping of str to Identifier
        A column that is absent has the form of its name in `KNOWN`, else that of an id.

    Examples
    --------
    >>> import pyarrow as pa
    >>> phones = pa.table({"phone": ["0138 0013 8000", "+86 138-0013-8000", " "]})
    >>> forms = {"phone": Identifier(kind="phone", country_code="86", national_digits=11)}
    >>> normalised(phones, ["phone"], forms)["phone"].to_pylist()
    ['+8613800138000', '+8613800138000', None]
    """
    columns = ", ".join(f"{form(name, identifiers)} AS {ident(name)}" for name in names)
    with connect() as connection:
        connection.register("profiles", profiles)
        table: pa.Table = connection.sql(f"SELECT {columns} FROM profiles").to_arrow_table()
    return table


def form(name: str, identifiers: Mapping[str, Identifier]) -> str:
    """Return the SQL of the form of a column."""
    identifier = identifiers.get(name, KNOWN.get(name, Identifier()))
    text = f"trim(CAST({ident(name)} AS VARCHAR))"
    if identifier.kind == "phone":
        text = _phone(text, identifier)
    elif identifier.kind == "email":
        text = _email(text, identifier)
    elif identifier.kind == "text":
        text = f"trim(regexp_replace(lower(strip_accents({text})), '\\s+', ' ', 'g'))"
    elif identifier.kind == "date":
        text = f"CAST(TRY_CAST({text} AS DATE) AS VARCHAR)"
    return f"nullif({text}, '')"


def _phone(text: str, identifier: Identifier) -> str:
    signs = f"regexp_replace(translate({text}, {literal(_WIDE)}, '0123456789+'), '[^0-9+]', '', 'g')"
    digits = f"regexp_replace({signs}, '^00|[+]', '', 'g')"
    outside = f"regexp_matches({signs}, '^([+]|00[1-9])')"
    code, length = identifier.country_code, identifier.national_digits
    if code is None:
        return f"CASE WHEN {outside} THEN '+' || {digits} ELSE {digits} END"
    if length is not None:
        outside = f"({outside} OR (starts_with({digits}, '{code}') AND length({digits}) > {length}))"
    national = f"regexp_replace({digits}, '^0', '')"
    return (
        f"CASE WHEN {digits} = '' THEN NULL WHEN {outside} THEN '+' || {digits} "
        f"ELSE '+{code}' || {national} END"
    )


def _email(text: str, identifier: Identifier) -> str:
    address = f"lower({text})"
    name, domain = f"split_part({address}, '@', 1)", f"split_part({address}, '@', 2)"
    if identifier.ignore_tag:
        name = f"regexp_replace({name}, '[+].*$', '')"
    if identifier.ignore_dots:
        name = f"CASE WHEN {domain} IN {_DOTLESS} THEN replace({name}, '.', '') ELSE {name} END"
    return f"CASE WHEN regexp_matches({address}, '^[^@ ]+@[^@ ]+$') THEN {name} || '@' || {domain} END"
