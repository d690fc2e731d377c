"""Checks of single rows as bits, so that one aggregate query counts all of them, even if they overlap."""

from collections.abc import Sequence
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
        Kind of problem, such as ``"null"``.
    column : str
        Contract column; empty for the whole row.
    predicate : str
        SQL that is true for a row with the problem.
    level : {"quarantine", "fix", "warn", "fact"}
        Consequence; a ``fact`` only informs decisions on the whole table.
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
    """The checks of a table; the first that a row fails gives its reason."""

    all: tuple[Check, ...]

    def masks(self) -> list[str]:
        """Return the SQL of the columns ``_mask0``, ``_mask1`` ... of a staged table."""
        parts: list[list[str]] = [["0::BIGINT"] for _ in range(len(self.all) // _BITS + 1)]
        for place, check in enumerate(self.all):
            bit = 1 << (place % _BITS)
            parts[place // _BITS].append(f"CASE WHEN {check.predicate} THEN {bit} ELSE 0 END")
        return [f"({' | '.join(part)}) AS _mask{number}" for number, part in enumerate(parts)]

    def mask_names(self) -> list[str]:
        """Return the names of the columns of `masks`."""
        return [f"_mask{number}" for number in range(len(self.all) // _BITS + 1)]

    def is_in(self, check: Check, masks: Sequence[int]) -> bool:
        """Return whether rows with these values of the mask columns match `check`."""
        place = self.all.index(check)
        return bool(masks[place // _BITS] & 1 << (place % _BITS))

    def is_failing(self, masks: Sequence[int]) -> bool:
        """Return whether rows with these values of the mask columns are quarantined."""
        return any(check.level == "quarantine" and self.is_in(check, masks) for check in self.all)

    def holds(self, check: Check) -> str:
        """Return the SQL predicate of staged rows that match `check`."""
        place = self.all.index(check)
        return f"(_mask{place // _BITS} & {1 << (place % _BITS)}) <> 0"

    def fails(self) -> str:
        """Return the SQL predicate of staged rows that are quarantined."""
        whole = [0] * (len(self.all) // _BITS + 1)
        for place, check in enumerate(self.all):
            if check.level == "quarantine":
                whole[place // _BITS] |= 1 << (place % _BITS)
        return "(" + " OR ".join(f"(_mask{number} & {mask}) <> 0" for number, mask in enumerate(whole)) + ")"

    def first_reason(self) -> str:
        """Return the SQL of the reason of a quarantined row: the first check that it fails."""
        failing = [check for check in self.all if check.level == "quarantine"]
        cases = " ".join(f"WHEN {self.holds(check)} THEN {literal(check.reason)}" for check in failing)
        return f"CASE {cases} END" if cases else "NULL"


def sign_checks(names: Sequence[str]) -> list[Check]:
    """Return the checks of signs in a table of these columns: only refunds may be negative."""
    if "refund_of" not in names:
        return []
    return [
        Check("unlinked_refund", "", "refund_of IS NULL AND (paid_cents < 0 OR quantity < 0)"),
        Check("positive_refund", "", "refund_of IS NOT NULL AND paid_cents > 0"),
        Check("negative", "discount_cents", "refund_of IS NULL AND discount_cents < 0"),
        Check("negative", "coupon_cents", "refund_of IS NULL AND coupon_cents < 0"),
    ]
