"""Covariates that change over time: for each customer the stretches of time in which they stay the same."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt

from crm_ml.clv.order_days import snapshot_of
from crm_ml.clv.purchase_calendar import purchase_calendar
from crm_ml.clv.purchase_histories import Floats, Ints, check_summary
from crm_ml.clv.time_units import check_unit
from crm_ml.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

STARTS, CUSTOMER = "starts_on", "customer_id"
_FAR = 1 << 40


@dataclass(frozen=True, eq=False)
class Pieces:
    """Stretches of time with constant covariates, by customer and then by time.

    Parameters
    ----------
    owner : numpy.ndarray of int, shape (p,)
        Position of the customer.
    pattern : numpy.ndarray of int, shape (p,)
        Column of the distinct covariates.
    start, length : numpy.ndarray, shape (p,)
        In the unit of time, since the first purchase.
    """

    owner: Ints
    pattern: Ints
    start: Floats
    length: Floats

    def take(self, rows: npt.NDArray[np.bool_]) -> Self:
        """Return some of the pieces."""
        columns = {name: getattr(self, name)[rows] for name in ("owner", "pattern", "start", "length")}
        return replace(self, **columns)


@dataclass(frozen=True, eq=False)
class Timeline:
    """Purchases of customers beside covariates that change over time; made by `timeline`.

    Parameters
    ----------
    index : pandas.Index
        The customers, n of them.
    time_unit : {"D", "W", "M"}
    x : numpy.ndarray of int, shape (n,)
        Repeat purchases.
    t_x, T : numpy.ndarray, shape (n,)
        Recency and age.
    names : tuple of str
        The covariates, m of them.
    patterns : numpy.ndarray, shape (m, g)
        Their distinct values.
    bought : numpy.ndarray, shape (m, n)
        Sum of the covariates over the repeat purchases of each customer.
    pieces : Pieces
        All that is known of each customer since the first purchase, also after today.
    """

    index: "pd.Index[Any]"
    time_unit: str
    x: Ints
    t_x: Floats
    T: Floats
    names: tuple[str, ...]
    patterns: Floats
    bought: Floats
    pieces: Pieces

    def places(self, names: Sequence[str]) -> list[int]:
        """Return the positions of some covariates.

        Raises
        ------
        InputError
            If one is not there.
        """
        absent = [name for name in names if name not in self.names]
        if absent:
            raise InputError(f"timeline: no covariate {', '.join(absent)}; it has {', '.join(self.names)}")
        return [self.names.index(name) for name in names]

    def until_now(self) -> Pieces:
        """Return the pieces from the first purchase until today, cut at the last purchase."""
        known = _clipped(self.pieces, np.zeros(len(self.T)), self.T)
        return _cut(known, self.t_x)

    def ahead(self, length: float) -> Pieces:
        """Return the pieces from today until a horizon.

        Raises
        ------
        InputError
            If covariates do not reach that far for some customers.
        """
        ends = np.zeros(len(self.T))
        np.maximum.at(ends, self.pieces.owner, self.pieces.start + self.pieces.length)
        short = int((ends < self.T + length - 1e-9).sum())
        if short:
            raise InputError(
                f"covariates end before the horizon for {short:,} of {len(self.T):,} customers; give their "
                "values of the time ahead"
            )
        return _clipped(self.pieces, self.T, self.T + length)


def timeline(
    summary: "pd.DataFrame",
    orders: Any,
    as_of: "str | date | datetime",
    covariates: "pd.DataFrame",
) -> Timeline:
    """Return purchases of customers beside covariates that change over time.

    Parameters
    ----------
    summary : pandas.DataFrame
        Of `crm_ml.clv.summarize`, in days, weeks or months, not by the calendar.
    orders : frame or Tables
        As `crm_ml.clv.summarize` takes them.
    as_of : str, date or datetime
        Of the summary.
    covariates : pandas.DataFrame
        A row for each stretch of time: ``starts_on`` (a day), numbers or booleans, and ``customer_id`` where
        customers differ. Values hold until the next row starts; those of the last one as long as those of the
        one before. Rows of other customers, and of other times, change nothing.

    Raises
    ------
    InputError
        If the summary is no such one, a column is missing or no number, a start is doubled, or covariates do
        not cover the time from the first purchase until `as_of` for some customers.
    """
    check_summary(summary)
    unit = str(summary.attrs.get("time_unit"))
    if unit not in ("D", "W", "M") or summary.attrs.get("calendar"):
        raise InputError("summary: covariates over time take D, W or M, and no calendar periods")
    days = check_unit(unit)
    names = tuple(str(name) for name in covariates.columns if name not in (STARTS, CUSTOMER))
    owner, start, values = _rows(covariates, names, summary.index)
    last = np.datetime64(snapshot_of(orders, as_of).as_of.date(), "D").astype(np.int64) - 1
    age = np.round(summary["T"].to_numpy(dtype=np.float64) * days).astype(np.int64)
    first = last - age
    pieces, patterns = _pieces(owner, start - first[owner], values, len(summary))
    _check_cover(pieces, age)
    calendar = purchase_calendar(orders, as_of, summary)
    repeat = calendar.is_repeat
    row, day = calendar.row[repeat], age[calendar.row[repeat]] - calendar.days_ago[repeat]
    at = np.searchsorted(pieces.owner * _FAR + pieces.start, row * _FAR + day, side="right") - 1
    bought = np.zeros((len(names), len(summary)))
    for place in range(len(names)):
        np.add.at(bought[place], row, patterns[place, pieces.pattern[at]])
    in_units = replace(pieces, start=pieces.start / days, length=pieces.length / days)
    return Timeline(
        summary.index,
        unit,
        summary["frequency"].to_numpy(dtype=np.int64),
        summary["recency"].to_numpy(dtype=np.float64),
        age / days,
        names,
        patterns,
        bought,
        in_units,
    )


def _rows(
    covariates: "pd.DataFrame", names: Sequence[str], index: "pd.Index[Any]"
) -> tuple[Ints, Ints, Floats]:
    """Return owner, first day and values of each row of the customers, sorted."""
    import pandas as pd

    if STARTS not in covariates.columns or not names:
        raise InputError(f"covariates: give a column {STARTS} and at least one covariate")
    kinds = [str(name) for name in names if covariates[name].dtype.kind not in "iufb"]
    if kinds:
        raise InputError(f"covariates: {', '.join(kinds)} is no number; give numbers or booleans")
    frame = covariates
    if CUSTOMER in frame.columns:
        frame = frame[frame[CUSTOMER].astype(str).isin(index.astype(str))]
        owner = index.astype(str).get_indexer(pd.Index(frame[CUSTOMER].astype(str)))
    else:
        owner = np.repeat(np.arange(len(index)), len(frame))
    starts = pd.to_datetime(frame[STARTS]).to_numpy().astype("datetime64[D]").astype(np.int64)
    values = frame[list(names)].to_numpy(dtype=np.float64)
    if CUSTOMER not in frame.columns:
        starts, values = np.tile(starts, len(index)), np.tile(values, (len(index), 1))
    wrong = int((~np.isfinite(values)).any(axis=1).sum())
    if wrong:
        raise InputError(f"covariates: a value is missing or infinite in {wrong:,} of {len(values):,} rows")
    order = np.lexsort((starts, owner))
    owner, starts, values = owner[order], starts[order], values[order]
    twice = int(((np.diff(owner) == 0) & (np.diff(starts) == 0)).sum())
    if twice:
        raise InputError(f"covariates: {twice:,} rows start on the day of another one of the same customer")
    return owner.astype(np.int64), starts, values


def _pieces(owner: Ints, start: Ints, values: Floats, customers: int) -> tuple[Pieces, Floats]:
    """Return pieces in days, neighbours with the same covariates joined, and the distinct covariates."""
    missing = customers - len(np.unique(owner))
    if missing:
        raise InputError(f"covariates: {missing:,} of {customers:,} customers have none")
    patterns, pattern = np.unique(values, axis=0, return_inverse=True)
    pattern = pattern.reshape(-1)
    same = np.diff(owner) == 0
    gap = np.where(same, np.diff(start), 0)
    length = np.append(gap, 0)
    ends = np.append(~same, True)  # the last row of each customer: as long as the one before
    before = np.concatenate([[0], length[:-1]])
    length[ends] = np.maximum(before[ends], 1)
    fresh = np.concatenate([[True], ~same | (np.diff(pattern) != 0)])
    at = np.flatnonzero(fresh)
    joined = Pieces(owner[at], pattern[at], start[at].astype(np.float64), np.add.reduceat(length, at) * 1.0)
    return joined, np.ascontiguousarray(patterns.T)


def _check_cover(pieces: Pieces, age: Ints) -> None:
    begins, ends = np.full(len(age), np.inf), np.full(len(age), -np.inf)
    np.minimum.at(begins, pieces.owner, pieces.start)
    np.maximum.at(ends, pieces.owner, pieces.start + pieces.length)
    late, short = int((begins > 0).sum()), int((ends < age).sum())
    if late or short:
        raise InputError(
            f"covariates: of {len(age):,} customers {late:,} have none on the day of their first purchase, "
            f"and those of {short:,} end before the day of the summary"
        )


def _clipped(pieces: Pieces, start: Floats, end: Floats) -> Pieces:
    """Return the parts of pieces between two times of each customer."""
    low = np.maximum(pieces.start, start[pieces.owner])
    high = np.minimum(pieces.start + pieces.length, end[pieces.owner])
    return replace(pieces, start=low, length=high - low).take(high > low)


def _cut(pieces: Pieces, at: Floats) -> Pieces:
    """Return pieces of which none goes on across a time of its customer."""
    cut = at[pieces.owner]
    inside = (pieces.start < cut) & (cut < pieces.start + pieces.length)
    later = replace(pieces, start=cut, length=pieces.start + pieces.length - cut).take(inside)
    first = replace(pieces, length=np.where(inside, cut - pieces.start, pieces.length))
    joined = {
        name: np.concatenate([getattr(first, name), getattr(later, name)])
        for name in ("owner", "pattern", "start", "length")
    }
    order = np.lexsort((joined["start"], joined["owner"]))
    return Pieces(*(column[order] for column in joined.values()))
