"""Columns of a first mapping as lines of YAML."""

from collections.abc import Sequence
from typing import Any, Final

from crm_ml.tables.guess.column_facts import ColumnFacts
from crm_ml.tables.guess.file_guess import FileGuess
from crm_ml.tables.guess.yaml_lines import line

_CLOSE: Final = 0.15
_SURE: Final = 0.55


def line_columns(guess: FileGuess) -> list[str]:
    """Return the columns of order lines."""
    return [*_ids(guess), *_money(guess)]


def event_columns(guess: FileGuess) -> list[str]:
    """Return the columns of events."""
    time = guess.column("time")
    lines = [line(6, "customer_id", guess.id_mapping("customer"), _why(guess, "customer"))]
    lines.append(line(6, "kind", guess.columns["event"], _why(guess, "event")))
    if time is not None:
        lines.append(line(6, "occurred_at", column_mapping(time), _why(guess, "time")))
    return lines


def column_mapping(column: ColumnFacts, **more: Any) -> Any:
    """Return how a column is mapped: its name, and how its times, numbers or ids are written."""
    how: dict[str, Any] = {"column": column.name, **more}
    if column.time is not None and "unit" not in more:
        how |= {key: value for key in ("format", "epoch") if (value := getattr(column.time, key))}
    elif column.number is not None and "unit" in more:
        how |= _signs(column)
    return column.name if how == {"column": column.name} else how


def _signs(column: ColumnFacts) -> dict[str, str]:
    if column.number is None:
        return {}
    signs = {"thousands": column.number.thousands} if column.number.thousands else {}
    return signs | ({"decimal": ","} if column.number.decimal == "," else {})


def _why(guess: FileGuess, role: str) -> str:
    """Return what else may have a role; the reason where little speaks for it; else an empty text."""
    listed = guess.candidates[role]
    best = next((c for c in listed if c.column == guess.columns[role]), None)
    free = [c for c in listed if c.column not in guess.columns.values()]
    others = [c.column for c in free if best is not None and c.score > best.score - _CLOSE]
    if others:
        return f"or {others[0]}"
    return f"doubtful: {best.reason}" if best is not None and best.score < _SURE else ""


def _ids(guess: FileGuess) -> list[str]:
    lines = [line(6, "customer_id", guess.id_mapping("customer"), _why(guess, "customer"))]
    time = guess.column("time")
    if "order" in guess.columns:
        lines.append(line(6, "order_id", guess.id_mapping("order"), _why(guess, "order")))
        lines += [] if guess.amounts_on_all_lines else _line_ids(guess)
    else:
        made = "customer_time" if _has_clock(time) else "customer_day"
        lines.append(line(6, "order_id", {"made": made}, "no column has ids of orders"))
    if "item" in guess.columns:
        lines.append(line(6, "item_id", guess.id_mapping("item"), _why(guess, "item")))
    else:
        lines.append(line(6, "item_id", {"constant": "any"}, "no column names what was bought"))
    if time is not None:
        lines.append(line(6, "ordered_at", column_mapping(time), _why(guess, "time")))
    return lines


def _has_clock(time: ColumnFacts | None) -> bool:
    """Return whether times are more than days."""
    if time is None or time.time is None:
        return False
    return time.time.epoch is not None or any(":" in cell for cell in time.cells[:100] if cell)


def _line_ids(guess: FileGuess) -> list[str]:
    """Return the line for ids of lines: without any, rows that are equal in what is mapped count once."""
    if "line" in guess.columns:
        return [line(6, "line_id", guess.id_mapping("line"), _why(guess, "line"))]
    mapped = [guess.facts[name] for name in guess.columns.values()]
    equal = _equal_rows([column.codes.tolist() for column in mapped])
    if not equal:
        return []
    whole = _equal_rows(list(guess.sample.columns.values()))
    why = f"{equal:,} rows are equal in these columns and count once without it"
    told_apart = f"{equal - whole:,} rows differ from equal ones in other columns alone"
    how = {"made": "position"}
    return [line(6, "line_id", how, told_apart) if whole < equal else line(6, "line_id", how, why, say=True)]


def _equal_rows(columns: Sequence[Sequence[object]]) -> int:
    rows = list(zip(*columns, strict=True))
    return len(rows) - len(set(rows))


def _money(guess: FileGuess) -> list[str]:
    lines = []
    price, amount, pieces = (guess.column(role) for role in ("unit price", "amount", "quantity"))
    if pieces is not None:
        how = {"column": pieces.name, **_signs(pieces)}
        lines.append(line(6, "quantity", how if len(how) > 1 else pieces.name, _why(guess, "quantity")))
    less = {"less": list(guess.less)} if guess.less else {}
    if price is not None and pieces is not None:
        how = column_mapping(price, times=pieces.name, unit="major", **less)
        lines.append(line(6, "paid_cents", how, _why(guess, "unit price")))
    elif amount is not None:
        lines += _amount(guess, amount, less)
    discount = guess.column("discount")
    if discount is not None:
        per = {"per": "order"} if discount.name in guess.per_order else {}
        lines.append(line(6, "discount_cents", column_mapping(discount, unit="major", **per)))
    if "currency" in guess.columns:
        lines.append(line(6, "currency", guess.columns["currency"]))
    return lines


def _amount(guess: FileGuess, amount: ColumnFacts, less: dict[str, Any]) -> list[str]:
    unit = "minor" if amount.is_whole and "cent" in amount.name.lower() else "major"
    how = column_mapping(amount, unit=unit, **less)
    lines = [line(6, "paid_cents", how, _why(guess, "amount"))]
    if guess.amounts_on_all_lines:
        lines.insert(0, line(6, "line_id", {"constant": "1"}, "amounts are of orders: one line of each"))
    if amount.is_whole and unit == "major" and not amount.has_signs:
        why = "amounts are whole numbers: in minor units, such as cents?"
        lines.append(line(6, "paid_cents", {"column": amount.name}, why, say=True))
    return lines
