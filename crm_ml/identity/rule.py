"""What joins profiles, and what never does: rules over identifiers, and walls."""

from collections.abc import Sequence
from typing import Annotated

from pydantic import BeforeValidator, Field

from crm_ml.tables.strict import Strict, validate

Names = Annotated[tuple[str, ...], Field(strict=False)]


def _columns(value: object) -> object:
    if isinstance(value, str):
        return tuple(name.strip() for name in value.split("+"))
    return value


class Rule(Strict):
    """Profiles whose identifiers are equal are one person's.

    Parameters
    ----------
    same : tuple of str
        Columns that must all be equal and present; or one text, ``"name + birth_date"``.
    cap : int, optional
        Most profiles that may share a value; a value of more joins none. By default that of all rules.
    agree : tuple of str
        Columns that a person has one value of, such as a birth date. Where profiles that share a value have
        several, only those with equal ones are joined: the number was given to another person.

    Examples
    --------
    >>> Rule(same="name + birth_date").same
    ('name', 'birth_date')
    """

    same: Annotated[Names, BeforeValidator(_columns), Field(min_length=1)]
    cap: int | None = Field(default=None, ge=2)
    agree: Annotated[Names, BeforeValidator(_columns)] = ()

    @property
    def name(self) -> str:
        """The columns as one text."""
        return " + ".join(self.same)


class Wall(Strict):
    """A column across which no person's profiles are joined, such as a region.

    Parameters
    ----------
    column : str
        Profiles of different values are never joined. One without a value is joined with none.
    alone : tuple of str
        Values whose profiles are joined with none, such as ``"refused"`` of a consent.
    """

    column: str
    alone: Names = ()


def rules_of(rules: Sequence[Rule | str]) -> tuple[Rule, ...]:
    """Return rules, of which each may be given as the text of its columns.

    Raises
    ------
    ConfigError
        If a rule names no column.
    """
    return tuple(
        validate({"same": rule}, Rule, f"rule {rule!r}") if isinstance(rule, str) else rule for rule in rules
    )


def walls_of(walls: Sequence[Wall | str]) -> tuple[Wall, ...]:
    """Return walls, of which each may be given as the name of its column."""
    return tuple(Wall(column=wall) if isinstance(wall, str) else wall for wall in walls)
