"""Numbers as text, brought to plain decimals where they can have one meaning alone.

Signs of a currency, brackets or a minus behind for less than nothing, full-width digits, what a spreadsheet
puts around a text, and separators of thousands and decimals are taken off. A text that could be two numbers
is none, and its cell names the reason.
"""

from crm_ml.tables.contract import Column
from crm_ml.tables.mapping_parts import ColumnMapping
from crm_ml.tables.row_checks import Check
from crm_ml.tables.row_currency import RowCurrency
from crm_ml.tables.sql import literal

_PLAIN = r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?"
_WHOLE = r"[+-]?[0-9]+([eE][+-]?[0-9]+)?"
_WIDE = "".join(map(chr, range(0xFF01, 0xFF5F))) + "\uffe5\uffe1\u3000\u00a0\u202f\u2009\u2019\u2212"
_USUAL = "".join(map(chr, range(0x21, 0x7F))) + "¥£    '-"
_SIGN = r"[A-Za-z]{0,3}\p{Sc}|[A-Z]{3}|元|円|원|kr\.?|zł|Kč|Ft|SFr\.?|Fr\.?|Rs\.?|TL"
_DIGITS = r"[0-9][0-9.,' ]*[0-9]|[0-9]|[.,][0-9]+"
_PARTS = rf"^ *(\(?) *([+-]?) *({_SIGN}|) *([+-]?) *({_DIGITS}) *({_SIGN}|) *(-?) *(\)?) *$"
_NAMES = "['opened', 'minus', 'sign', 'minus_within', 'digits', 'sign_behind', 'minus_behind', 'closed']"
_GROUPED_BY_COMMA = r"[1-9][0-9]{0,2}(,[0-9]{3})+\.[0-9]+|[1-9][0-9]{0,2}(,[0-9]{3}){2,}"
_GROUPED_BY_SPACE = r"[1-9][0-9]{0,2}([ ''][0-9]{3})+(\.[0-9]+)?"
_WITH_COMMA = r"([1-9][0-9]{0,2}([ ''.][0-9]{3})+|[0-9]*),[0-9]{1,2}|[1-9][0-9]{0,2}(\.[0-9]{3}){2,}"
_ONE_OF_TWO = r"[1-9][0-9]{0,2},[0-9]{3}"
# Names in lambdas: DuckDB takes a column of the source of the same name in their place
_PARTS_OF, _NUMBER, _LESS = '"cell:parts"', '"cell:number"', '"cell:less"'
#: Reasons why an amount is no number, written into its cell.
MARKS = ("currency_sign", "decimal_comma", "thousands")


def unwrapped(source: str, kind: str, column: Column) -> str:
    """Return the SQL of a text without what spreadsheets put around: ``="007"``, and ``'007`` of digits."""
    if kind != "VARCHAR":
        return source
    digits = "[0-9].*" if column.kind not in ("id", "text") else "[0-9]+"
    quoted = f"replace(regexp_extract({source}, '^=\"(.*)\"$', 1, 's'), '\"\"', '\"')"
    return (
        f"CASE WHEN regexp_full_match({source}, '=\".*\"', 's') THEN {quoted} "
        f"WHEN regexp_full_match({source}, '''{digits}') THEN substr({source}, 2) ELSE {source} END"
    )


def number_cell(source: str, how: ColumnMapping, currency: RowCurrency | None = None) -> str:
    """Return the SQL of the plain decimal of a text; one of `MARKS` after ``?``; or the text as it is.

    With declared separators a number whose separators stand in other places is none, and never guessed.

    Parameters
    ----------
    source : str
        SQL of the raw text.
    how : ColumnMapping
    currency : RowCurrency, optional
        Of an amount of money, whose signs may stand in it.
    """
    declared = how.thousands is not None or how.decimal != "."
    text = f"translate({source}, {literal(_WIDE)}, {literal(_USUAL)})"
    parts = f"regexp_extract({text}, {literal(_PARTS)}, {_NAMES})"
    minus = ", ".join(f"{_PARTS_OF}.{name} = '-'" for name in ("minus", "minus_within", "minus_behind"))
    less = f"list_count(list_filter([{_PARTS_OF}.opened = '(', {minus}], lambda {_LESS}: {_LESS}))"
    digits = f"{_PARTS_OF}.digits"
    plain = _declared(digits, how) if declared else _undeclared(digits, currency)
    number = f"list_transform([{plain}], lambda {_NUMBER}: {_signed(_NUMBER, less)})[1]"
    foreign = " OR ".join(f"NOT {_fits(f'{_PARTS_OF}.{name}', currency)}" for name in ("sign", "sign_behind"))
    wrong = f"{digits} = '' OR {less} > 1 OR ({_PARTS_OF}.opened = '(') <> ({_PARTS_OF}.closed = ')')"
    read = f"CASE WHEN {wrong} THEN {source} WHEN {foreign} THEN '?currency_sign' ELSE {number} END"
    otherwise = f"coalesce(list_transform([{parts}], lambda {_PARTS_OF}: {read})[1], {source})"
    as_is = f"{source} IS NULL OR regexp_full_match(trim({source}), '{_WHOLE if declared else _PLAIN}')"
    as_is += f" OR NOT regexp_matches({source}, '[0-9\uff10-\uff19]')"
    return f"CASE WHEN {as_is} THEN {source} ELSE {otherwise} END"


def respelled(cell: str, source: str, how: ColumnMapping) -> str:
    """Return the SQL of whether a cell was written otherwise, beyond its declared separators."""
    declared = how.thousands is not None or how.decimal != "."
    beyond = f" AND NOT regexp_full_match({source}, '[-+0-9., '']*')" if declared else ""
    return f"{cell} <> {source} AND NOT starts_with({cell}, '?'){beyond}"


def marked(column: Column, cells: list[str]) -> list[Check]:
    """Return the checks of cells that could be two numbers, or are in another currency."""
    return [
        Check(kind, column.name, " OR ".join(f"{cell} = '?{kind}'" for cell in cells))
        for kind in (MARKS if cells else ())
    ]


def with_decimal_comma(source: str) -> str:
    """Return the SQL of whether a text has a comma before its decimals, or points in its thousands."""
    return f"regexp_matches({source}, ',[0-9]{{1,2}}[^0-9]*$|[.][0-9]{{3}}[.,]')"


def _declared(digits: str, how: ColumnMapping) -> str:
    group, point = how.thousands, f"[{how.decimal}]"
    whole = f"[0-9]{{1,3}}([{group}][0-9]{{3}})+|[0-9]+" if group else "[0-9]+"
    joined = f"replace({digits}, {literal(group)}, '')" if group else digits
    formed = f"regexp_full_match({digits}, {literal(f'({whole})({point}[0-9]*)?')})"
    return f"CASE WHEN {formed} THEN replace({joined}, {literal(how.decimal)}, '.') ELSE 'unreadable' END"


def _undeclared(digits: str, currency: RowCurrency | None) -> str:
    """Return the SQL of digits whose separators can have one meaning.

    With three digits after the point in the currency, a comma and a point could both separate thousands.
    """
    with_comma = f"replace(regexp_replace({digits}, '[ ''.]', '', 'g'), ',', '.')"
    if currency is not None:
        with_comma = f"CASE WHEN {currency.per_major()} < 1000 THEN {with_comma} ELSE '?decimal_comma' END"
    cases = {
        _PLAIN: digits,
        _GROUPED_BY_COMMA: f"replace({digits}, ',', '')",
        _GROUPED_BY_SPACE: f"regexp_replace({digits}, '[ '']', '', 'g')",
        _WITH_COMMA: with_comma,
        _ONE_OF_TWO: "'?thousands'",
    }
    listed = " ".join(f"WHEN regexp_full_match({digits}, '{form}') THEN {sql}" for form, sql in cases.items())
    return f"CASE {listed} ELSE 'unreadable' END"


def _signed(number: str, less: str) -> str:
    return f"CASE WHEN {less} = 1 AND NOT starts_with({number}, '?') THEN '-' || {number} ELSE {number} END"


def _fits(sign: str, currency: RowCurrency | None) -> str:
    return f"({sign} = '' OR {currency.has_sign(sign) if currency else 'false'})"
