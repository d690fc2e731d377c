"""Checks of single rows as bits, so that one aggregate query counts all of them, alone and overlapping."""

from dataclasses import dataclass
from typing import Literal

from crm_ml.tables.sql import literal

Level = Literal["quarantine", "fix", "warn", "fact"]
_BITS = 60


@dataclass(frozen=True)
class Check:
    """A predicate on one row.

    Parameters
    ----------
    kind : str
        What is found, such as ``"null"``.
    column : str
        Our column; empty for the whole row.
    predicate : str
        SQL that is true for a row that has it.
    level : {"quarantine", "fix", "warn", "fact"}
        What follows; a ``fact`` only serves a decision on the whole table.
    """

    kind: str
    column: str
    predicate: str
    level: Level = "quarantine"

    @property
    def reason(self) -> str:
        """Code in reports and quarantine files, such as ``"null_customer_id"``."""
        return f"{self.kind}_{self.column}" if self.column else self.kind


@dataclass(frozen=True)
class Checks:
    """The checks of a table in the order in which they give a row its reason."""

    all: tuple[Check, ...]

    def masks(self) -> list[str]:
        """Return the SQL of the columns ``_mask0``, ``_mask1`` ... of a staged table."""
        parts: list[list[str]] = [["0::BIGINT"] for _ in range(len(self.all) // _BITS + 1)]
        for place, check in enumerate(self.all):
            bit = 1 << (place % _BITS)
            parts[place // _BITS].append(f"CASE WHEN {check.predicate} THEN {bit} ELSE 0 END")
        return [f"({' | '.join(part)}) AS _mask{number}" for number, part in enumerate(parts)]

    def holds(self, check: Check) -> str:
        """Return the SQL that says whether a staged row has what `check` looks for."""
        place = self.all.index(check)
        return f"(_mask{place // _BITS} & {1 << (place % _BITS)}) <> 0"

    def fails(self) -> str:
        """Return the SQL that says whether a staged row goes to quarantine."""
        whole = [0] * (len(self.all) // _BITS + 1)
        for place, check in enumerate(self.all):
            if check.level == "quarantine":
                whole[place // _BITS] |= 1 << (place % _BITS)
        return "(" + " OR ".join(f"(_mask{number} & {mask}) <> 0" for number, mask in enumerate(whole)) + ")"

    def first_reason(self) -> str:
        """Return the SQL of the reason of a failing row: the first check that it fails."""
        failing = [check for check in self.all if check.level == "quarantine"]
        cases = " ".join(f"WHEN {self.holds(check)} THEN {literal(check.reason)}" for check in failing)
        return f"CASE {cases} END" if cases else "NULL"
