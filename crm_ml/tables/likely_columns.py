"""Columns of a frame that look like customer, time and amount: the call of `from_frame` for messages."""

from typing import Any

from crm_ml.tables.role_words import hint


def call_of_from_frame(frame: Any) -> str:
    """Return the call that makes tables of a frame, with columns of the frame whose names and types fit.

    Parameters
    ----------
    frame : object
        A frame of pandas, Polars, Arrow or DuckDB; of anything else no columns are named.

    Examples
    --------
    >>> import pandas as pd
    >>> df = pd.DataFrame({"user_id": ["a"], "order_date": pd.to_datetime(["2024-01-01"]), "total": [9.5]})
    >>> call_of_from_frame(df)
    "crm_ml.tables.from_frame(df, customer='user_id', time='order_date', amount='total')"
    """
    import narwhals as nw

    try:
        schema: dict[str, Any] = dict(nw.from_native(frame).collect_schema())
    except (TypeError, nw.exceptions.NarwhalsError):
        schema = {}
    taken: list[str] = []
    for role in ("time", "customer", "amount"):
        taken.append(_best(role, {name: kind for name, kind in schema.items() if name not in taken}))
    time, customer, amount = (repr(name) if name else "..." for name in taken)
    return f"crm_ml.tables.from_frame(df, customer={customer}, time={time}, amount={amount})"


def _best(role: str, schema: dict[str, Any]) -> str:
    """Return the first of the columns that fit best, by their names and types; empty if none does."""
    scores = {name: hint(role, str(name))[0] + _by_type(role, kind) for name, kind in schema.items()}
    best = max(scores, key=lambda name: scores[name], default="")
    return str(best) if best != "" and scores[best] > 0 else ""


def _by_type(role: str, kind: Any) -> float:
    """Return how a type speaks for a role: times are typed, ids and amounts need their names."""
    import narwhals as nw

    is_time = kind in (nw.Datetime, nw.Date)
    if role == "time":
        return 1.0 if is_time else 0.0
    if is_time or (role == "amount" and not kind.is_numeric()) or (role == "customer" and kind == nw.Boolean):
        return -2.0
    return 0.2 if role == "amount" and (kind.is_float() or kind.is_decimal()) else 0.0
