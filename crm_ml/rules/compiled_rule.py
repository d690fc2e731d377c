"""Eligibility rules over feature and score columns, compiled to expressions of the same result in any engine.

A customer is eligible only where the rule is known to be true. A test of an empty value (null or NaN) is not
true, and neither is its negation: ``not x >= 3`` means ``x < 3``. Only ``is null`` and ``is not null`` can be
true of empty values. Numbers compare as doubles; text compares byte by byte and only for equality.
"""

import difflib
import functools
import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import narwhals as nw

from crm_ml.errors import ConfigError
from crm_ml.rules.grammar import NEGATED, Junction, Literal, Negation, Node, Test, columns, parse

_COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_SHORT, _MOST_SHORT = 4, 10  # values of a list, and lists of a test
_KINDS = {float: "number", str: "text", bool: "boolean"}


def compile_rule(rule: str, schema: Mapping[str, Any]) -> nw.Expr:
    """Compile a rule to an expression that is true or false, never null.

    Parameters
    ----------
    rule : str
        A rule of `crm_ml.rules.grammar`.
    schema : mapping of str to narwhals dtype
        Columns that the rule may name, such as ``frame.collect_schema()``.

    Raises
    ------
    ConfigError
        If the text is no rule, or with every column that is unknown or of another kind than its literal.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = nw.from_native(pd.DataFrame({"orders": [1.0, 5.0, None]}))
    >>> frame.filter(compile_rule("not orders < 3", frame.schema)).to_native()["orders"].tolist()
    [5.0]
    >>> compile_rule("order > 3", frame.schema)
    Traceback (most recent call last):
    ...
    crm_ml.errors.ConfigError: at character 1: there is no column 'order'; did you mean 'orders'?
    """
    node = parse(rule)
    breaches = [breach for test in columns(node) for breach in breaches_of(test, schema)]
    if breaches:
        raise ConfigError("; ".join(dict.fromkeys(breaches)))
    return _expression(node, schema, negated=False)


def breaches_of(test: Test, schema: Mapping[str, Any]) -> list[str]:
    """Return why a test can't be made: its column is unknown, or of another kind than its literals.

    Parameters
    ----------
    test : Test
    schema : mapping of str to narwhals dtype
    """
    where = f"at character {test.position}"
    if test.column not in schema:
        near = difflib.get_close_matches(test.column, list(schema), n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"there are {len(schema)} columns"
        return [f"{where}: there is no column {test.column!r}; {hint}"]
    kind = _kind(schema[test.column])
    if kind is None:
        return [
            f"{where}: column {test.column!r} is {schema[test.column]}; rules know numbers, text and booleans"
        ]
    breaches = []
    if kind != "number" and test.operator not in ("=", "!=", "in", "null"):
        breaches.append(f"{where}: column {test.column!r} is {kind}, which {test.operator!r} can't order")
    for value in test.literals:
        if _KINDS[type(value)] != kind:
            shown = f"{value:g}" if isinstance(value, float) else repr(value)
            breaches.append(
                f"{where}: column {test.column!r} is {kind}, but {shown} is {_KINDS[type(value)]}"
            )
    return breaches


def _kind(dtype: Any) -> str | None:
    if dtype == nw.Boolean:
        return "boolean"
    if dtype.is_numeric():
        return "number"
    return "text" if dtype in (nw.String, nw.Categorical, nw.Enum) else None


def _expression(node: Node, schema: Mapping[str, Any], *, negated: bool) -> nw.Expr:
    """Compile with every ``not`` moved into the tests, which an empty value fails with and without it."""
    if isinstance(node, Negation):
        return _expression(node.part, schema, negated=not negated)
    if isinstance(node, Junction):
        join = operator.and_ if (node.word == "and") != negated else operator.or_
        return functools.reduce(join, (_expression(part, schema, negated=negated) for part in node.parts))
    return _test(node, schema[node.column], negated=negated != node.negated)


def _test(test: Test, dtype: Any, *, negated: bool) -> nw.Expr:
    kind = _kind(dtype)
    column = nw.col(test.column)
    if kind == "number":
        column = column.cast(nw.Float64)
    elif kind == "text" and dtype != nw.String:
        column = column.cast(nw.String)
    empty = column.is_null()
    if kind == "number":
        empty = empty | column.is_nan()
    if test.operator == "null":
        return ~empty if negated else empty
    return ~empty & _comparison(column, test, negated=negated)


def _comparison(column: nw.Expr, test: Test, *, negated: bool) -> nw.Expr:
    if test.operator == "in":
        inside = _listed(column, test.literals)
        return ~inside if negated else inside
    if test.operator == "between":
        low, high = test.literals
        return (column < low) | (column > high) if negated else (column >= low) & (column <= high)
    word = NEGATED[test.operator] if negated else test.operator
    result: nw.Expr = _COMPARE[word](column, test.literals[0])
    return result


def _listed(column: nw.Expr, values: Sequence[Literal]) -> nw.Expr:
    """Say whether a value is among some, by short lists, since DuckDB makes a join of each longer one."""
    step = _SHORT if len(values) <= _MOST_SHORT * _SHORT else len(values)
    parts = (column.is_in(list(values[start : start + step])) for start in range(0, len(values), step))
    return functools.reduce(operator.or_, parts)
