"""How alike two values of a column are, as levels, in SQL."""

from typing import Final, Literal

from crm_ml.identity.normalising import Identifier, form
from crm_ml.tables.strict import Strict

Kind = Literal["exact", "name", "date", "text"]
_JW: Final = "jaro_winkler_similarity({left}, {right})"
_EDITS: Final = "damerau_levenshtein({left}, {right})"
LEVELS: Final[dict[str, tuple[str, ...]]] = {
    "exact": (),
    "name": (f"{_JW} >= 0.92", f"{_JW} >= 0.85", f"{_JW} >= 0.75"),
    "date": (f"{_EDITS} <= 1", f"{_EDITS} <= 2", "left({left}, 4) = left({right}, 4)"),
    "text": (f"{_EDITS} <= 1", f"{_EDITS} <= 2", f"{_JW} >= 0.8"),
}


class Comparison(Strict):
    """A column of two profiles that is compared.

    Parameters
    ----------
    column : str
        Of the profiles.
    kind : {"exact", "name", "date", "text"}
        Levels below equality. ``name``: Jaro-Winkler similarity of .92, .85, .75. ``date``: one edit, two,
        the same year. ``text``: one edit, two, Jaro-Winkler similarity of .8. The last level is all else.
    frequency : bool
        Whether equality counts the more the rarer the value is.
    """

    column: str
    kind: Kind = "exact"
    frequency: bool = False

    @property
    def levels(self) -> int:
        """Number of levels: 0 is equality, the last one all else."""
        return len(LEVELS[self.kind]) + 2

    def value(self) -> str:
        """Return the SQL of the form in which values are compared."""
        kind: Literal["id", "text"] = "id" if self.kind in ("exact", "date") else "text"
        return form(self.column, {self.column: Identifier(kind=kind)})

    def level(self, column: str) -> str:
        """Return the SQL of the level of a column of rows l and r; -1 where one has no value."""
        left, right = f"l.{column}", f"r.{column}"
        tests = [f"{left} = {right}", *(test.format(left=left, right=right) for test in LEVELS[self.kind])]
        cases = " ".join(f"WHEN {test} THEN {place}" for place, test in enumerate(tests))
        absent = f"{left} IS NULL OR {right} IS NULL"
        return f"CAST(CASE WHEN {absent} THEN -1 {cases} ELSE {len(tests)} END AS TINYINT)"
