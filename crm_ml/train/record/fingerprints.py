"""Sums of tables, matrices and predictions that change when a cell does, and what differs between two."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

    from crm_ml.evaluation.base_predictions import BasePredictions
    from crm_ml.tables import Tables

_ABSENT = "absent"


def plain(content: Any) -> Any:
    """Return content as JSON gives it back, so that what is logged and what is made now compare.

    Numbers keep every bit; those that JSON lacks (NaN, infinite) become text.

    Examples
    --------
    >>> plain({"value": 0.1 + 0.2, "lost": float("nan"), 1: (True, None)})
    {'value': 0.30000000000000004, 'lost': 'NaN', '1': [True, None]}
    """
    return json.loads(json.dumps(content, default=str), parse_constant=str)


def content_sum(content: Any) -> str:
    """Return the sha256 of plain content, whatever the order of its keys.

    Examples
    --------
    >>> content_sum({"a": 1, "b": 2}) == content_sum({"b": 2, "a": 1})
    True
    """
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()


def column_sums(frame: "pd.DataFrame") -> dict[str, str]:
    """Return type and sum of each column; no order of rows counts, but which key has which value does.

    Parameters
    ----------
    frame : pandas.DataFrame, shape (n, k)
        Indexed by what names a row, such as the fold and the customer.

    Returns
    -------
    dict of str to str
        Sums of 64-bit hashes of key and value together, mixed by the finalizer of SplitMix64 [1]_, so that
        two values that change places change the sum.

    References
    ----------
    .. [1] Steele, Lea and Flood (2014). Fast splittable pseudorandom number generators. OOPSLA, figure 16.

    Examples
    --------
    >>> import pandas as pd
    >>> one = pd.DataFrame({"a": [1.0, 2.0]}, index=["x", "y"])
    >>> column_sums(one) == column_sums(one.iloc[::-1])
    True
    >>> column_sums(one) == column_sums(one.assign(a=[2.0, 1.0]))
    False
    """
    import numpy as np
    from pandas.util import hash_pandas_object

    key = hash_pandas_object(frame.index).to_numpy()
    sums = {}
    for name in frame.columns:
        mixed = hash_pandas_object(frame[name], index=False).to_numpy() ^ (key << np.uint64(1))
        for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
            mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
        total = int(np.sum(mixed ^ (mixed >> np.uint64(31)), dtype=np.uint64))
        sums[str(name)] = f"{frame[name].dtype} {total:016x}"
    return sums


def array_sum(*arrays: Any) -> str:
    """Return a sum over the bytes of arrays in their order; texts are joined.

    Examples
    --------
    >>> import numpy as np
    >>> array_sum(np.array(["ab", "c"])) == array_sum(np.array(["a", "bc"]))
    False
    """
    import numpy as np

    total = hashlib.sha256()
    for values in arrays:
        if values.dtype.kind in "OUS":
            part = "\0".join(map(str, values.tolist())).encode()
        else:
            part = np.ascontiguousarray(values).tobytes()
        total.update(f"{values.dtype.kind} {values.shape} {len(part)} ".encode() + part)
    return total.hexdigest()


def predictions_sums(predictions: "BasePredictions") -> dict[str, Any]:
    """Return rows and the sums of the outcomes and of what each model said of them."""
    import pandas as pd

    index = pd.MultiIndex.from_arrays([predictions.fold, predictions.customer_id])
    extra = {
        name: getattr(predictions, name)
        for name in predictions.columns
        if name not in ("customer_id", "fold")
    }
    return {
        "rows": len(predictions.y),
        "columns": column_sums(pd.DataFrame({**extra, **predictions.p}, index=index)),
    }


def table_sums(tables: "Tables") -> dict[str, Any]:
    """Return rows, schema and sums of each accepted table; no order of rows counts.

    The sums are exact sums of DuckDB's 64-bit hashes, of each column and of whole rows, so that values which
    change places are seen; they compare between equal versions of DuckDB only.
    """
    from crm_ml.tables.sql import ident

    by_table: dict[str, Any] = {}
    engine = tables.to("duckdb")
    for name in tables.names:
        relation = getattr(engine, name)
        columns = list(relation.columns)
        quoted = [ident(column) for column in columns]
        parts = [f"sum(hash({column}))" for column in quoted] + [f"sum(hash({', '.join(quoted)}))"]
        rows, *sums = relation.aggregate(f"count(*), {', '.join(parts)}").fetchall()[0]
        *by_column, whole = (f"{int(total or 0):x}" for total in sums)
        typed = zip(columns, map(str, relation.types), by_column, strict=True)
        by_table[name] = {"rows": rows, "sum": whole, "columns": {c: f"{kind} {s}" for c, kind, s in typed}}
    return by_table


def differences(logged: Any, now: Any) -> list[str]:
    """Return what differs between two plain contents: dotted name, value then and value now.

    It is empty only where the sums of both are equal; no order of keys counts.

    Examples
    --------
    >>> differences({"a": {"b": 1, "c": 2}}, {"a": {"b": 1, "c": 3, "d": 4}})
    ['a.c: 2 -> 3', 'a.d: absent -> 4']
    """
    before, after = dict(_leaves(logged)), dict(_leaves(now))
    names = [*before, *(name for name in after if name not in before)]
    compared = [(name, before.get(name, _ABSENT), after.get(name, _ABSENT)) for name in names]
    lines = [f"{name}: {then} -> {here}" for name, then, here in compared if then != here]
    sums = content_sum(logged), content_sum(now)
    return [f"content: {sums[0]} -> {sums[1]}"] if not lines and sums[0] != sums[1] else lines


def _leaves(content: Any, prefix: str = "") -> Iterator[tuple[str, str]]:
    parts: Any = None
    if isinstance(content, Mapping) and content:
        parts = content.items()
    elif isinstance(content, list) and content and isinstance(content[0], (dict, list)):
        parts = enumerate(content, 1)
    if parts is None:
        yield prefix or "content", json.dumps(content, sort_keys=True, default=str)
        return
    for key, value in parts:
        yield from _leaves(value, f"{prefix}.{key}" if prefix else str(key))
