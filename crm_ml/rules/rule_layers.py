"""Columns that rules define, of which some name others: one layer of the query for each depth."""

from collections.abc import Mapping
from graphlib import CycleError, TopologicalSorter
from typing import Any

import narwhals as nw

from crm_ml.errors import ConfigError
from crm_ml.rules.compiled_rule import compile_rule
from crm_ml.rules.grammar import columns, parse

Schema = Mapping[str, Any]


def with_rules(frame: "nw.LazyFrame[Any]", rules: Mapping[str, str]) -> "tuple[nw.LazyFrame[Any], Schema]":
    """Add a boolean column for each rule.

    Parameters
    ----------
    frame : narwhals.LazyFrame
    rules : mapping of str to str
        Column to the rule that it is true by; a rule may name columns of other rules, not in a circle.

    Returns
    -------
    narwhals.LazyFrame, mapping of str to narwhals dtype
        The frame and its columns.

    Raises
    ------
    ConfigError
        With a line for every rule that is none or does not fit the columns, or with a circle.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = nw.from_native(pd.DataFrame({"x": [1, 9]})).lazy()
    >>> rows, _ = with_rules(frame, {"top": "much = true and x > 5", "much": "x > 0"})
    >>> rows.collect().to_native()["top"].tolist()
    [False, True]
    """
    schema, breaches = dict(frame.collect_schema()), {}
    for layer in _layers(rules):
        added = {}
        for column in layer:
            try:
                added[column] = compile_rule(rules[column], schema)
            except ConfigError as error:
                breaches[column] = str(error)
        if added:
            frame = frame.with_columns(**added)
            schema |= dict.fromkeys(added, nw.Boolean())
    if breaches:
        lines = (f"  {column}: {breaches[column]}" for column in rules if column in breaches)
        raise ConfigError("\n".join(lines))
    return frame, schema


def _layers(rules: Mapping[str, str]) -> list[list[str]]:
    """Return the columns by depth: each names columns of earlier layers alone.

    Raises
    ------
    ConfigError
        If some name each other in a circle.
    """
    graph = TopologicalSorter({column: _named(rule) & set(rules) for column, rule in rules.items()})
    try:
        graph.prepare()
    except CycleError as error:
        raise ConfigError(f"  {' -> '.join(reversed(error.args[1]))}: name each other in a circle") from None
    layers = []
    while graph.is_active():
        ready = graph.get_ready()
        layers.append(list(ready))
        graph.done(*ready)
    return layers


def _named(rule: str) -> set[str]:
    """Return the columns that a rule names; none of a text that is no rule, which is refused later."""
    try:
        return {test.column for test in columns(parse(rule))}
    except ConfigError:
        return set()
