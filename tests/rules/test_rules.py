"""Rules: one meaning on every engine, checked against an evaluator of its own, and nothing but rules."""

import math

import duckdb
import narwhals as nw
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from soak import examples

from crm_ml.errors import ConfigError
from crm_ml.rules.compiled_rule import compile_rule
from crm_ml.rules.grammar import parse

QUOTED = pa.table({"Lineitem price": [1.0, 9.0], "\u72b6\u6001": ["a", "b"], "a`b": [1, 2], "and": [1, 2]})
SCHEMA = pa.schema({"x": pa.float64(), "n": pa.int64(), "s": pa.string(), "b": pa.bool_()})
WORDS = ["x", "s", "(", ")", ",", "=", "in", "not", "and", "or", "is", "null", "1", "'a'", ";"]
numbers = st.sampled_from([-2.5, -1.0, 0.0, 0.1, 1.0, 3.0, 1e9])
texts = st.sampled_from(["", "active", "dormant", "it's", "a;b", "名", "İ"])


def as_duckdb(table):
    relation = duckdb.connect().from_arrow(table)
    return nw.from_native(relation).lazy()


def as_numpy_pandas(table):
    frame = table.to_pandas()
    return nw.from_native(frame.astype({"b": "boolean", "s": "str"})).lazy()


def as_nullable_pandas(table):
    kinds = {"x": "Float64", "n": "Int64", "s": "string", "b": "boolean"}
    return nw.from_native(table.to_pandas().astype(kinds)).lazy()


ENGINES = {
    "duckdb": as_duckdb,
    "polars": lambda table: nw.from_native(pl.from_arrow(table)).lazy(),
    "arrow": lambda table: nw.from_native(table).lazy(),
    "pandas": as_numpy_pandas,
    "pandas_nullable": as_nullable_pandas,
    "pandas_arrow": lambda table: nw.from_native(table.to_pandas(types_mapper=pd.ArrowDtype)).lazy(),
}


@pytest.mark.parametrize(
    "rule", ["`Lineitem price` > 5", "`\u72b6\u6001` = 'b'", "`a``b` = 2 and `and` in (2, 3)", "not `and`=1"]
)
def test_names_that_are_no_plain_words_stand_in_backquotes(rule):
    assert kept("arrow", QUOTED, rule) == {"1"}


def kept(engine, table, rule):
    frame = ENGINES[engine](table.append_column("row", pa.array([str(i) for i in range(len(table))])))
    expression = compile_rule(rule, frame.collect_schema())
    flags = frame.with_columns(hit=expression).collect(backend="pyarrow").to_native()
    assert flags["hit"].null_count == 0
    found = {row for row, hit in zip(flags["row"].to_pylist(), flags["hit"].to_pylist(), strict=True) if hit}
    filtered = frame.filter(expression).collect(backend="pyarrow").to_native()
    assert set(filtered["row"].to_pylist()) == found
    return found


def quoted(text):
    return "'" + text.replace("'", "''") + "'"


def empty(value):
    return value is None or (isinstance(value, float) and math.isnan(value))


def both(a, b):
    """Kleene's three-valued and."""
    if a is False or b is False:
        return False
    return None if a is None or b is None else True


def opposite(a):
    return None if a is None else not a


@st.composite
def rules(draw, depth=3):
    """Draw the text of a rule together with a function from a row to true, false or unknown."""
    shape = draw(st.sampled_from(["test", "and", "or", "not", "bracket"])) if depth else "test"
    if shape == "test":
        return draw(single_tests())
    text, holds = draw(rules(depth=depth - 1))
    if shape == "not":
        return f"not ({text})", lambda row: opposite(holds(row))
    if shape == "bracket":
        return f"( {text} )", holds
    other, also = draw(rules(depth=depth - 1))
    if shape == "and":
        return f"({text}) AND ({other})", lambda row: both(holds(row), also(row))
    return f"({text}) or ({other})", lambda row: opposite(both(opposite(holds(row)), opposite(also(row))))


@st.composite
def single_tests(draw):
    column = draw(st.sampled_from(["x", "n", "s", "b"]))
    kinds = {"x": numbers, "n": numbers, "s": texts, "b": st.booleans()}
    values = draw(st.lists(kinds[column], min_size=2, max_size=3))
    shown = [quoted(v) if isinstance(v, str) else str(v).lower() for v in values]
    forms = ["=", "!=", "in", "not in", "is null", "is not null"]
    if column in "xn":
        forms += ["<", "<=", ">", ">=", "between", "not between"]
    form = draw(st.sampled_from(forms))
    if form.startswith("is"):
        return f"{column} {form}", lambda row: empty(row[column]) == (form == "is null")
    texts_of = {"in": f"({', '.join(shown)})", "between": f"{shown[0]} and {shown[1]}"}
    right = texts_of.get(form.removeprefix("not "), shown[0])
    return (
        f"{column} {form} {right}",
        lambda row: None if empty(row[column]) else truth(form, row[column], values),
    )


def truth(form, value, values):
    first, second = values[:2]
    answers = {
        "=": lambda: value == first,
        "!=": lambda: value != first,
        "<": lambda: value < first,
        "<=": lambda: value <= first,
        ">": lambda: value > first,
        ">=": lambda: value >= first,
        "in": lambda: value in values,
        "not in": lambda: value not in values,
        "between": lambda: first <= value <= second,
        "not between": lambda: not first <= value <= second,
    }
    return answers[form]()


rows_of_all_kinds = st.lists(
    st.fixed_dictionaries(
        {
            "x": st.one_of(st.none(), st.just(math.nan), numbers),
            "n": st.one_of(st.none(), st.sampled_from([-1, 0, 1, 3])),
            "s": st.one_of(st.none(), texts),
            "b": st.one_of(st.none(), st.booleans()),
        }
    ),
    min_size=1,
    max_size=12,
)


@pytest.mark.parametrize("engine", ENGINES)
@examples(60)
@given(drawn=rules(), rows=rows_of_all_kinds)
def test_every_engine_agrees_with_three_valued_logic(engine, drawn, rows):
    text, holds = drawn
    expected = {str(i) for i, row in enumerate(rows) if holds(row) is True}
    assert kept(engine, pa.Table.from_pylist(rows, schema=SCHEMA), text) == expected


@pytest.mark.parametrize("engine", ENGINES)
def test_an_empty_value_passes_neither_a_test_nor_its_negation(engine):
    table = pa.table(
        {"x": pa.array([None, math.nan, 1.0, 5.0]), "n": [1] * 4, "s": ["a"] * 4, "b": [True] * 4}
    )
    assert kept(engine, table, "x >= 3") == {"3"}
    assert kept(engine, table, "not x >= 3") == {"2"}
    assert kept(engine, table, "not x is null") == {"2", "3"}
    assert kept(engine, table, "x is null") == {"0", "1"}


def test_and_binds_closer_than_or_and_not_closest():
    table = pa.table({"x": [1.0, 2.0, 3.0], "s": ["a", "b", "c"]})
    frame = nw.from_native(table)
    rule = compile_rule("x = 1 or x = 2 and not s = 'b' or x = 3", frame.schema)
    assert frame.filter(rule)["x"].to_list() == [1.0, 3.0]


@pytest.mark.parametrize("engine", sorted(ENGINES))
@pytest.mark.parametrize("size", [1, 4, 5, 40, 41, 200])
def test_lists_of_any_length_hold_their_values(engine, size):
    table = pa.table({"n": [*range(210), None], "s": [*map(str, range(210)), None]})
    for name, kind in (("x", pa.float64()), ("b", pa.bool_())):  # that every engine casts
        table = table.append_column(name, pa.nulls(len(table), kind))
    frame = ENGINES[engine](table)
    listed = ", ".join(str(number) for number in range(size))
    texts = ", ".join(f"'{number}'" for number in range(size))
    for rule, count in ((f"n in ({listed})", size), (f"not s in ({texts})", 210 - size)):
        hits = frame.filter(compile_rule(rule, frame.collect_schema())).collect(backend="pyarrow")
        assert hits.shape[0] == count, rule


def test_a_single_precision_column_compares_like_a_double():
    for engine in ("duckdb", "polars", "arrow"):
        table = pa.table({"x": pa.array([0.1, 0.5], pa.float32())})
        frame = ENGINES[engine](table)
        hits = frame.filter(compile_rule("x = 0.1", frame.collect_schema())).collect(backend="pyarrow")
        assert hits.shape[0] == 0, engine


@pytest.mark.parametrize(
    ("rule", "position", "words"),
    [
        ("x >= 3; drop table customers", 7, "';'"),
        ("x >= 3 -- comment", 8, "'-'"),
        ("x = (select max(x) from customers)", 5, "'('"),
        ("select x from customers", 8, "'x'"),
        ("length(s) > 3", 7, "'('"),
        ("read_csv('/etc/passwd') is null", 9, "'('"),
        ("x.__class__ = 1", 2, "'.'"),
        ("__import__('os') = 1", 11, "'('"),
        ("customers.x > 1", 10, "'.'"),
        ('x > 1 and "x" > 1', 11, "column"),
        ("x > x", 5, "number"),
        ("x = null", 5, "number"),
        ("x > 1 or", 9, "the end"),
        ("x > 1)", 6, "')'"),
        ("(x > 1", 7, "closing bracket"),
        ("x in ()", 7, "number"),
        ("x in (1, )", 10, "number"),
        ("x == 1", 3, "write ="),
        ("x <> 1", 3, "write !="),
        ("s = 'open", 5, '"\'"'),
        ("x > 1e999", 5, "too large"),
        ("x > 1 union", 7, "union"),
        ("x > 0x10", 5, "'0'"),
        ("s = 'a\nb'", 5, '"\'"'),
        ("s = 'a\x00b'", 5, '"\'"'),
        ("x > 1 # 2", 7, "'#'"),
        ("\uff58 > 1", 1, "'\uff58'"),
        ("", 1, "the end"),
    ],
)
def test_what_is_no_rule_is_refused_with_its_place(rule, position, words):
    with pytest.raises(ConfigError) as refusal:
        parse(rule)
    assert str(refusal.value).startswith(f"at character {position}:")
    assert words in str(refusal.value)


def test_sizes_and_depth_are_limited():
    for rule, words in (
        ("x > 1 and " * 500 + "x > 1", "4,000"),
        ("(" * 40 + "x > 1" + ")" * 40, "levels"),
        ("not " * 40 + "x > 1", "levels"),
        (f"x in ({', '.join('1' * 1 for _ in range(300))})", "200 values"),
    ):
        with pytest.raises(ConfigError, match=words):
            parse(rule)
    parse(" and ".join(["x > 1"] * 300))


def test_every_wrong_column_is_named_at_once_with_a_hint():
    schema = {"rfm_orders_84d": nw.Float64(), "lifecycle_stage": nw.String(), "at": nw.Datetime()}
    rule = "rfm_order_84d > 1 and lifecycle_stage > 'a' and rfm_orders_84d = 'many' and at = 1 and zzz = 1"
    with pytest.raises(ConfigError) as refusal:
        compile_rule(rule, schema)
    message = str(refusal.value)
    assert "did you mean 'rfm_orders_84d'?" in message
    assert "at character 23: column 'lifecycle_stage' is text, which '>' can't order" in message
    assert "is number, but 'many' is text" in message
    assert "at character 77: column 'at' is Datetime" in message
    assert "'zzz'" in message


def test_quotes_are_doubled_inside_a_text():
    assert parse("s = 'it''s'").literals == ("it's",)
    assert parse('s = "it\'s ""so"""').literals == ('it\'s "so"',)
    assert parse("s = '; drop table customers'").literals == ("; drop table customers",)


@examples(300)
@given(
    text=st.one_of(
        st.text(max_size=60),
        st.lists(st.sampled_from(WORDS)).map(" ".join),
    )
)
def test_any_text_is_a_rule_or_a_clear_refusal(text):
    try:
        compile_rule(text, {"x": nw.Float64(), "s": nw.String()})
    except ConfigError as refusal:
        assert "at character" in str(refusal)
