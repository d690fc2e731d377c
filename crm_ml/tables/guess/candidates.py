"""Candidates of a role: columns with a score and the reason for it."""

from dataclasses import dataclass
from typing import Final

from crm_ml.tables.role_words import hint

ROLES: Final = (
    "customer", "order", "line", "time", "item", "amount", "unit price", "quantity", "discount", "refund",
    "status", "event", "currency",
)  # fmt: skip
LEAST: Final = 0.35


@dataclass(frozen=True)
class Candidate:
    """A column for a role.

    Parameters
    ----------
    role, column : str
    score : float
        From 0 to 1: two thirds from the values, one third from the name.
    reason : str
    """

    role: str
    column: str
    score: float
    reason: str


def candidate(role: str, column: str, by_values: float, reasons: list[str]) -> Candidate:
    """Return a candidate whose values speak for the role by `by_values`, from 0 to 1; the name is added.

    Examples
    --------
    >>> candidate("order", "order_id", 0.9, ["stands in one block of rows"]).score
    0.93
    """
    by_name, word = hint(role, column)
    if word:
        reasons = [*reasons, f"the name {'has' if by_name > 0 else 'speaks against it:'} {word!r}"]
    score = 2 / 3 * by_values + 1 / 3 * by_name
    return Candidate(role, column, round(max(score, 0.0), 2), "; ".join(reasons))


def ranked(candidates: list[Candidate]) -> list[Candidate]:
    """Return candidates from the best on; of equal ones the first column first."""
    return sorted((c for c in candidates if c.score >= LEAST), key=lambda c: -c.score)
