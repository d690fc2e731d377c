"""Rules over the raw columns of a source as SQL: texts compare trimmed, numbers also where they are texts.

The meaning is that of `crm_ml.rules`: a test of an empty cell is not true, and neither is its negation. A
filled text that a rule compares with a number and that is none leaves the rule undecided.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from crm_ml.errors import InputError
from crm_ml.rules.grammar import NEGATED, Junction, Negation, Node, Test, columns, parse
from crm_ml.tables.cell_shape import shown_of_file
from crm_ml.tables.sql import INTEGERS, ident, literal

if TYPE_CHECKING:
    from crm_ml.rules.grammar import Literal

_SPACES = literal(" \t\r\n\u00a0\u3000")
_NUMBER = r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?"
_FLOATS = ("FLOAT", "DOUBLE")


def trimmed(name: str) -> str:
    """Return the SQL of a raw column as text without the spaces around it, null where nothing is left."""
    return f"nullif(trim(CAST({ident(name)} AS VARCHAR), {_SPACES}), '')"


@dataclass(frozen=True)
class RawRule:
    """A rule over raw columns.

    Parameters
    ----------
    rule : str
        A rule of `crm_ml.rules.grammar`.
    types : mapping of str to str
        Raw columns and their DuckDB types.
    plain : callable
        Takes a raw column and the SQL of its text, and returns the SQL of the plain number that it is.

    Raises
    ------
    InputError
        With every column that is unknown or of another kind than its literal, and the columns that there are.
    """

    rule: str
    types: Mapping[str, str]
    plain: Callable[[str, str], str]
    node: Node = field(init=False)

    def __post_init__(self) -> None:
        from crm_ml.rules.compiled_rule import breaches_of

        object.__setattr__(self, "node", parse(self.rule))
        breaches = [text for test in columns(self.node) for text in breaches_of(test, self._schema(test))]
        if breaches:
            present = shown_of_file(self.types, self.types, self.columns)
            raise InputError(f"where: {'; '.join(dict.fromkeys(breaches))}; present are {present}")

    @property
    def columns(self) -> set[str]:
        """Raw columns that the rule names."""
        return {test.column for test in columns(self.node)}

    def numbers(self) -> str:
        """Return the SQL of further columns that the predicates use: texts that the rule takes as numbers."""
        tests = [test for test in columns(self.node) if _reads_number(test)]
        names = sorted({test.column for test in tests if _is_text(self.types[test.column])})
        added = []
        for name in names:
            text = _of("text", name)
            number = f"CASE WHEN regexp_full_match({text}, '{_NUMBER}') THEN {text} END"
            added.append(f", {self.plain(name, trimmed(name))} AS {text}")
            added.append(f", TRY_CAST({number} AS DOUBLE) AS {_of('number', name)}")
        return "".join(added)

    def true(self) -> str:
        """Return the SQL predicate of rows of which the rule is known to be true."""
        return self._sql(self.node, negated=False, undecided=False)

    def possible(self) -> str:
        """Return the SQL predicate of rows of which the rule is true, or would be for some number."""
        return self._sql(self.node, negated=False, undecided=True)

    def _schema(self, test: Test) -> dict[str, Any]:
        """Return the kinds of the columns, as `test` reads its own: texts as numbers where it names one."""
        import narwhals as nw

        kinds: dict[str, Any] = {name: _kind(type_) for name, type_ in self.types.items()}
        if test.column in kinds and test.operator == "null":
            kinds[test.column] = nw.String()
        elif kinds.get(test.column) == nw.String() and _reads_number(test):
            kinds[test.column] = nw.Float64()
        return kinds

    def _sql(self, node: Node, *, negated: bool, undecided: bool) -> str:
        """Return SQL that is never null, with every ``not`` moved into the tests."""
        if isinstance(node, Negation):
            return self._sql(node.part, negated=not negated, undecided=undecided)
        if isinstance(node, Junction):
            word = "AND" if (node.word == "and") != negated else "OR"
            parts = (self._sql(part, negated=negated, undecided=undecided) for part in node.parts)
            return "(" + f" {word} ".join(parts) + ")"
        return self._test(node, negated=negated != node.negated, undecided=undecided)

    def _test(self, test: Test, *, negated: bool, undecided: bool) -> str:
        is_number = _reads_number(test)
        cell, unread = self._number(test.column) if is_number else (self._cell(test.column), "")
        if test.operator == "null":
            return f"{cell} IS {'NOT ' if negated else ''}NULL"
        known = f"coalesce({_comparison(cell, test, negated=negated)}, false)"
        return f"({known} OR {unread})" if undecided and unread else known

    def _cell(self, name: str) -> str:
        kind = self.types[name]
        if kind in _FLOATS:
            return f"CASE WHEN NOT isnan({ident(name)}) THEN {ident(name)} END"
        return trimmed(name) if _is_text(kind) else ident(name)

    def _number(self, name: str) -> tuple[str, str]:
        """Return the SQL of a cell as number, and of whether it is a text that is none."""
        if not _is_text(self.types[name]):
            return f"CAST({self._cell(name)} AS DOUBLE)", ""
        number = _of("number", name)
        return number, f"({trimmed(name)} IS NOT NULL AND {number} IS NULL)"


def _reads_number(test: Test) -> bool:
    return bool(test.literals) and all(isinstance(value, float) for value in test.literals)


def _of(what: str, name: str) -> str:
    return ident(f"{what} of {name}")


def _comparison(cell: str, test: Test, *, negated: bool) -> str:
    values = [_value(value) for value in test.literals]
    if test.operator == "in":  # no list: DuckDB makes a join of each list of five values and more
        sign, word = ("<>", "AND") if negated else ("=", "OR")
        return "(" + f" {word} ".join(f"{cell} {sign} {value}" for value in values) + ")"
    if test.operator == "between":
        return f"{cell} {'NOT ' if negated else ''}BETWEEN {values[0]} AND {values[1]}"
    return f"{cell} {NEGATED[test.operator] if negated else test.operator} {values[0]}"


def _value(value: "Literal") -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return literal(value) if isinstance(value, str) else f"CAST('{value!r}' AS DOUBLE)"


def _is_text(kind: str) -> bool:
    return kind in ("VARCHAR", "UUID") or kind.startswith("ENUM")


def _kind(type_: str) -> Any:
    """Return the kind of a raw column; of what is no number, text or boolean its own name."""
    import narwhals as nw

    if _is_text(type_):
        return nw.String()
    if type_ in INTEGERS or type_ in _FLOATS or type_.startswith("DECIMAL"):
        return nw.Float64()
    if type_ == "DATE" or type_.startswith("TIMESTAMP"):
        return nw.Datetime()
    return nw.Boolean() if type_ == "BOOLEAN" else nw.Unknown()
