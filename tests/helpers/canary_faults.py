"""Customer tables in which every id and text is a canary, and faults made on purpose, one at a time."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CANARY = "Canary"
ROWS = 24
_TIMES = ("registered_at", "ordered_at", "starts_at", "ends_at", "sent_at", "responded_at", "assigned_at")
_TIMES += ("occurred_at", "changed_at")
_NUMBERS = {
    "quantity": "1",
    "paid_cents": "250",
    "discount_cents": "0",
    "coupon_cents": "0",
    "probability": "0.5",
}
_CELLS: dict[str, Callable[[int], str]] = {
    "e-mail": lambda n: f"{CANARY}{n}@example.com",
    "name": lambda n: f'"{CANARY}, O\'{CANARY} ""{n}"""',
    "phone": lambda n: f"+49 151 {CANARY} {n:07d}",
    "empty": lambda n: "",  # noqa: ARG005
    "zone": lambda n: f"2024-01-{n + 1:02d}T00:00:00+01:00 {CANARY}",
    "comma": lambda n: f'"1,{n:02d} {CANARY}"',
}
_TEXTS: dict[str, Callable[[str], str]] = {
    "no header": lambda text: text.partition("\n")[2],
    "names in the header": lambda text: f"{CANARY},Smith\n" + text,
    "twice in the header": lambda text: f"{CANARY},{CANARY}\n" + text,
    "ragged": lambda text: f"{text}{CANARY},{CANARY}\n",
    "an open quote": lambda text: f'{text}"{CANARY},{CANARY}\n',
    "text behind a quote": lambda text: f'{text}"{CANARY}"{CANARY},1\n',
}
_MAPPINGS: dict[str, dict[str, Any]] = {
    "other delimiter": {"delimiter": ";"},
    "a rule": {"where": "customer_id > 3 and nowhere = 'x'"},
    "personal, not there": {"personal": ["nowhere"]},
    "header: false": {"header": False},
}

Table = dict[str, list[str]]


@dataclass(frozen=True)
class Fault:
    """What is wrong: a change of the cells, of the text of a file, or of the mapping."""

    name: str
    table: str
    cells: Callable[[Table], None] | None = None
    text: Callable[[str], str] | None = None
    mapping: dict[str, Any] | None = None


def right_tables() -> dict[str, Table]:
    """Return all tables, in order, with canaries in every id and text."""
    from crm_ml.tables.contract import contracts

    return {
        contract.name: {
            column.name: [_cell(column.name, n) for n in range(ROWS)] for column in contract.columns
        }
        for contract in contracts().values()
    }


def _cell(column: str, n: int) -> str:
    if column in _TIMES:
        return f"2024-{2 if column == 'ends_at' else 1:02d}-{n + 1:02d}"
    if column in _NUMBERS:
        return _NUMBERS[column]
    fixed = {"currency": "EUR", "refund_of": "", "granted": "true"}
    return fixed.get(column, f"{CANARY}-{column}-{n}@example.com")


def faults() -> Iterator[Fault]:
    """Yield faults of every column of every table, of files, headers and mappings."""
    for table, columns in right_tables().items():
        for column in columns:
            at, other = f"{table}.{column}", {"columns": {column: _other(column)}}
            for name, make in _CELLS.items():
                yield Fault(f"{at}: {name}, all", table, cells=_filled(column, make, 1))
                yield Fault(f"{at}: {name}, some", table, cells=_filled(column, make, 5))
            yield Fault(f"{at}: read from another", table, mapping=other)
            yield Fault(f"{at}: gone", table, text=lambda text, c=column: text.replace(c, "x", 1))
        yield Fault(f"{table}: other rows", table, cells=_shifted)
        for name, change in _TEXTS.items():
            yield Fault(f"{table}: {name}", table, text=change)
        for name, mapping in _MAPPINGS.items():
            yield Fault(f"{table}: {name}", table, mapping=mapping)


def write(fault: Fault, folder: Path, names: tuple[str, ...]) -> Path:
    """Write the tables with a fault as CSV and their mapping; return the path of that."""
    mapped: dict[str, Any] = {}
    for name, table in right_tables().items():
        if name not in names and name != fault.table:
            continue
        if name == fault.table and fault.cells is not None:
            fault.cells(table)
        lines = [",".join(table), *(",".join(row) for row in zip(*table.values(), strict=True))]
        text = "\n".join(lines) + "\n"
        if name == fault.table and fault.text is not None:
            text = fault.text(text)
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
        mapped[name] = {"path": f"{name}.csv"} | ((fault.mapping or {}) if name == fault.table else {})
    path = folder / "m.yaml"
    path.write_text(json.dumps({"name": "canary", "tables": mapped}))
    return path


def _filled(column: str, make: Callable[[int], str], every: int) -> Callable[[Table], None]:
    def change(table: Table) -> None:
        table[column] = [make(n) if n % every == 0 else cell for n, cell in enumerate(table[column])]

    return change


def _shifted(table: Table) -> None:
    """Repeat the first cells of each column but the last under other keys: contradicting and unknown rows."""
    names = list(table)
    for place, name in enumerate(names):
        table[name] = table[name] + [f"{CANARY}{n}" if place % 2 else table[name][0] for n in range(4)]


def _other(column: str) -> str:
    return "customer_id" if column != "customer_id" else "nowhere"
