"""Rules that name columns of other rules: one layer of the query for each depth."""

import narwhals as nw
import pyarrow as pa
import pytest

from crm_ml.errors import ConfigError
from crm_ml.rules.rule_layers import with_rules
from crm_ml.tables.engine import connect


@pytest.fixture
def frame():
    return nw.from_native(connect().from_arrow(pa.table({"x": [1.0, 4.0, None, 9.0]})))


def _values(rows, name):
    return rows.collect(backend="pyarrow").to_native()[name].to_pylist()


def test_rules_may_name_each_other_in_any_order(frame):
    rules = {"c": "b = true or x > 8", "b": "a = true and x < 5", "a": "x > 2"}
    rows, schema = with_rules(frame, rules)
    assert _values(rows, "a") == [False, True, False, True]
    assert _values(rows, "b") == [False, True, False, False]
    assert _values(rows, "c") == [False, True, False, True]
    assert dict(schema) == dict(rows.collect_schema())


def test_a_layer_is_added_for_each_depth_and_not_for_each_rule(frame, monkeypatch):
    added = []
    original = nw.LazyFrame.with_columns

    def counted(self, *expressions, **named):
        added.append(set(named))
        return original(self, *expressions, **named)

    monkeypatch.setattr(nw.LazyFrame, "with_columns", counted)
    rules = {f"r{i}": f"x > {i}" for i in range(30)} | {f"s{i}": f"r{i} = true" for i in range(20)}
    rows, _ = with_rules(frame, rules)
    assert [len(names) for names in added] == [30, 20]
    assert _values(rows, "s3") == [False, True, False, True]


def test_a_circle_is_named(frame):
    rules = {"free": "x > 1", "a": "b = true", "b": "c = true", "c": "a = true"}
    with pytest.raises(ConfigError, match="name each other in a circle") as refusal:
        with_rules(frame, rules)
    assert {"a", "b", "c"} == set(str(refusal.value).split(":")[0].split()) - {"->"}
    with pytest.raises(ConfigError, match="own -> own"):
        with_rules(frame, {"own": "own = true"})


def test_every_rule_that_does_not_fit_is_named(frame):
    with pytest.raises(ConfigError) as refusal:
        with_rules(frame, {"a": "y > 1", "b": "x >", "c": "x > 1"})
    lines = str(refusal.value).splitlines()
    assert [line.split(":")[0].strip() for line in lines] == ["a", "b"]
