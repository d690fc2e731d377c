"""Judge cleaned tables against the truth, cell by cell and planted row by planted row."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from clean_shop import CUSTOMERS, EVENTS, LINES, Sheet, accepted_columns

if TYPE_CHECKING:
    import pandas as pd

_NAMED_BY = {LINES: "line_id", EVENTS: "event_id", CUSTOMERS: "tag"}


@dataclass
class Cells:
    """Counts of cells: accepted and right, in rows set aside with a reason, and accepted or lost and wrong.

    Cells of accepted rows that stand for nothing are wrong as well, beyond the cells of the truth.
    """

    right: int = 0
    aside: int = 0
    wrong: int = 0

    def __add__(self, other: "Cells") -> "Cells":
        return Cells(self.right + other.right, self.aside + other.aside, self.wrong + other.wrong)

    @property
    def share(self) -> float:
        """Share of cells that are right or set aside with a reason."""
        return (self.right + self.aside) / max(self.right + self.aside + self.wrong, 1)

    @property
    def strict(self) -> float:
        """Share of cells that are accepted and right: what is set aside is lost."""
        return self.right / max(self.right + self.aside + self.wrong, 1)


@dataclass
class Judged:
    """One table after cleaning.

    Parameters
    ----------
    cells : Cells
    reasons : dict of int to str
        Reason by place in the source, of rows set aside.
    wrong_tags : set of str
        True rows with a wrong cell, or accepted twice.
    """

    cells: Cells
    reasons: dict[int, str] = field(default_factory=dict)
    wrong_tags: set[str] = field(default_factory=set)


def judge(sheet: Sheet, table: str, folder: Path) -> Judged:
    """Compare the files of a cleaned table with the truth of its sheet.

    Parameters
    ----------
    sheet : Sheet
    table : str
    folder : Path
        Of the cleaned tables.
    """
    import pandas as pd

    columns = accepted_columns(table, _NAMED_BY)
    accepted = pd.read_parquet(folder / f"{table}.parquet")
    accepted["tag"] = _tags(accepted[_NAMED_BY[table]])
    aside = folder / "quarantine" / f"{table}.parquet"
    reasons: dict[int, str] = {}
    if aside.is_file():
        rows = pd.read_parquet(aside, columns=["row", "reason"])
        reasons = dict(zip((rows["row"] - 1).tolist(), rows["reason"].tolist(), strict=True))
    real = sheet.truth[sheet.truth["real"].astype(bool)]
    matched = _matched(real, accepted, columns)
    aside_tags = set(sheet.truth["tag"].iloc[list(reasons)])
    return _counted(matched, aside_tags, len(columns), reasons)


def _tags(ids: "pd.Series") -> "pd.Series":
    """Return the tags in ids of lines, events and cards; refunds have them in the middle of theirs."""
    text = ids.astype("string").fillna("")
    return text.str.extract(r"([lreip]\d{6})(?!.*[lreip]\d{6})", expand=False).fillna("").astype(str)


def _matched(truth: "pd.DataFrame", accepted: "pd.DataFrame", columns: list[str]) -> "pd.DataFrame":
    """Return pairs of true and accepted rows of one tag, with the number of wrong cells of each.

    Where a tag stands several times, rows that are equal in all cells are paired first.
    """
    left, right = (_as_texts(frame, columns) for frame in (truth, accepted))
    equal = set(left["row"]) & set(right["row"])
    pairs = (_numbered(frame, columns, equal) for frame in (left, right))
    both = next(pairs).merge(next(pairs), on=["tag", "copy"], how="outer", suffixes=("_true", "_read"))
    wrong = np.zeros(len(both), dtype=np.int64)
    for name in columns:
        true, read = both[f"{name}_true"], both[f"{name}_read"]
        wrong += (true != read).to_numpy()
    here, there = both["row_true"].notna().to_numpy(), both["row_read"].notna().to_numpy()
    return both.assign(wrong=np.where(here & there, wrong, len(columns)), is_true=here, is_read=there)


def _as_texts(frame: "pd.DataFrame", columns: list[str]) -> "pd.DataFrame":
    """Return the cells as texts, the tag, and all of them in one text."""
    import pandas as pd

    texts = pd.DataFrame({name: _texts(frame[name]) for name in columns})
    texts["tag"] = frame["tag"].to_numpy()
    rows = zip(*(texts[name] for name in ("tag", *columns)), strict=True)
    texts["row"] = ["\t".join(row) for row in rows]
    return texts


def _numbered(texts: "pd.DataFrame", columns: list[str], equal: set[str]) -> "pd.DataFrame":
    """Return the rows numbered within their tag, those that the other side has as well before the others."""
    other = ~texts["row"].isin(equal)
    ordered = texts.assign(other=other).sort_values(["tag", "other", *columns])
    return texts.assign(copy=ordered.groupby("tag").cumcount())


def _texts(cells: "pd.Series") -> "Any":
    return np.array(["" if _missing(cell) else _text(cell) for cell in cells], dtype=object)


def _missing(cell: Any) -> bool:
    return cell is None or cell != cell


def _text(cell: Any) -> str:
    return str(int(cell)) if isinstance(cell, float | np.integer) else str(cell)


def _counted(matched: "pd.DataFrame", aside_tags: set[str], width: int, reasons: dict[int, str]) -> Judged:
    pairs = matched[matched["is_true"] & matched["is_read"]]
    alone = matched[matched["is_true"] & ~matched["is_read"]]
    spare = matched[~matched["is_true"]]
    set_aside = alone["tag"].isin(aside_tags)
    wrong = int(pairs["wrong"].sum()) + width * (int((~set_aside).sum()) + len(spare))
    right = width * len(pairs) - int(pairs["wrong"].sum())
    tags = {*pairs.loc[pairs["wrong"] > 0, "tag"], *alone.loc[~set_aside, "tag"], *spare["tag"]}
    return Judged(Cells(right, width * int(set_aside.sum()), wrong), reasons, tags)


@dataclass
class Outcome:
    """What became of the planted rows of one fault.

    Parameters
    ----------
    planted, repaired, aside, other_reason, told_wrong, silently_wrong : int
        Rows: accepted and right, set aside with a right reason or another one, accepted and wrong with a word
        in the report or without.
    told : bool
        Whether the report has a word about rows of this fault that it accepted.
    by_reason : dict of str to int
        Rows set aside by reason.
    """

    planted: int = 0
    repaired: int = 0
    aside: int = 0
    other_reason: int = 0
    told_wrong: int = 0
    silently_wrong: int = 0
    told: bool = False
    by_reason: dict[str, int] = field(default_factory=dict)


def outcome(rows: Any, sheet: Sheet, judged: Judged, right_reasons: frozenset[str], told: bool) -> Outcome:
    """Count the planted rows of a fault by what became of them.

    Parameters
    ----------
    rows : array of int
        Places in the sheet.
    sheet : Sheet
    judged : Judged
    right_reasons : frozenset of str
    told : bool
        Whether the report has a word about rows of this fault that it accepted.
    """
    result = Outcome(planted=len(rows), told=told)
    tags, real = sheet.truth["tag"].to_numpy(), sheet.truth["real"].to_numpy()
    for row in rows:
        reason = judged.reasons.get(int(row))
        if reason is not None:
            result.by_reason[reason] = result.by_reason.get(reason, 0) + 1
            result.aside += reason in right_reasons
            result.other_reason += reason not in right_reasons
        elif real[row] and tags[row] not in judged.wrong_tags:
            result.repaired += 1
        else:
            result.told_wrong += told
            result.silently_wrong += not told
    return result


def has_word(pattern: str, report: Mapping[str, Any]) -> bool:
    """Return whether the report of a table has a warning, fix or reason that matches a regular expression.

    An empty one matches none.
    """
    texts = [*report["warnings"], *report["fixes"], *report["quarantined"]]
    return bool(pattern) and any(re.search(pattern, text) for text in texts)
