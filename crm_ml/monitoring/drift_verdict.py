"""What one column of a day did, beside its own limits."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from crm_ml.monitoring.bins import Counts, Texts
from crm_ml.monitoring.drift_limits import DriftLimits
from crm_ml.monitoring.psi import by_chance, largest_by_chance, psi
from crm_ml.monitoring.training_profile import FEWEST_POSITIVE, Column, Profile, rate_key

Verdict = Literal["none", "warn", "stop"]
MOST = 4.0  # times psi_stop: a limit as high as that, 2 by default, would not see a column change entirely
_DIGITS = 6
_LARGEST = 1e12  # of a ratio that is told: an infinite median is no number in JSON
_NOISE = 4.0  # standard errors that a share may move by chance
_MISSING_FACTOR, _MISSING_POINTS = 1.5, 0.1


@dataclass(frozen=True, eq=False)
class Counted:
    """A column of the day that is scored.

    Parameters
    ----------
    column : Column
        Of the profile.
    counts : numpy.ndarray of int64
        Rows of each of its bins.
    above : int
        Rows with a value above zero.
    median : float, optional
        Of these values.
    levels : int
        Of a text, how many different levels training had not, or only rarely.
    mean : float, optional
        Of a probability.
    shown : str
        Name in the report; that of the column without it.
    """

    column: Column
    counts: Counts
    above: int = 0
    median: float | None = None
    levels: int = 0
    mean: float | None = None
    shown: str = ""


@dataclass(frozen=True)
class Row:
    """What a column did.

    Parameters
    ----------
    name : str
        In the report.
    psi, limit, stop : float
        The index, and its own limits of it.
    missing_then, missing_now : float
        Largest share of missing values on a training day, and the share of the day.
    median_ratio, rare_rows, rare_levels, rate_ratio
        See `crm_ml.monitoring.drift_limits.DriftLimits`.
    verdict : {"none", "warn", "stop"}
    accepted : bool
        Whether the settings overrule its limits.
    reason : str
        What is beyond a limit.
    beyond : bool
        Whether it is one of the columns of which some together stop a list: beyond `stop`, or gone entirely.
    by_psi : bool
        False where it moved so much within training that the index says nothing of it.
    of : tuple of str
        Column of the profile and its group: what several rows can share.
    """

    name: str
    psi: float
    limit: float
    stop: float
    missing_then: float
    missing_now: float
    median_ratio: float | None = None
    rare_rows: int = 0
    rare_levels: int = 0
    rate_ratio: float | None = None
    verdict: Verdict = "none"
    accepted: bool = False
    reason: str = ""
    beyond: bool = False
    by_psi: bool = True
    of: tuple[str, str] = ("", "")


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """Return the most serious verdict."""
    order: tuple[Verdict, ...] = ("none", "warn", "stop")
    return max(verdicts, key=order.index, default="none")


def psi_limits(column: Column, customers: int, columns: int, limits: DriftLimits) -> tuple[float, float]:
    """Return from where on the index of a column is worth a warning, and from where on it may stop a list.

    Both are the limits of the settings, or so many times the largest movement in training where that is
    more, but `MOST` times the limit that stops at most; then what chance gives on average is added, and none
    is below what chance alone exceeds in one of ``1 / false_alarm`` days on any of the columns.
    """
    sizes = (column.customers, customers, len(column.counts))
    base = max(limits.psi_warn, min(limits.past_factor * column.spread, MOST * limits.psi_stop))
    least = largest_by_chance(*sizes, limits.false_alarm / max(columns, 1))
    stop = base * limits.psi_stop / limits.psi_warn
    warn, stop = (max(limit + by_chance(*sizes), least) for limit in (base, stop))
    return round(warn, _DIGITS), round(stop, _DIGITS)


def judge(one: Counted, profile: Profile, columns: int, limits: DriftLimits) -> Row:
    """Judge a column of a day.

    Parameters
    ----------
    one : Counted
    profile : Profile
    columns : int
        How many are judged: they share the probability of a false alarm.
    limits : Limits
    """
    column, total = one.column, int(one.counts.sum())
    name, of = one.shown or column.name, (column.name, column.group)
    if not total or not column.customers:
        return Row(name, 0.0, limits.psi_warn, limits.psi_stop, column.missing_most, 0.0, of=of)
    warn, stop = psi_limits(column, total, columns, limits)
    moved = round(psi(column.counts, one.counts), _DIGITS)
    missing, gone = _missing(one, total, limits.false_alarm / max(columns, 1))
    median = _median(one, limits)
    rare = int(one.counts[-2]) if isinstance(column.bins, Texts) else 0
    rate = _rate(one, profile, limits)
    by_psi = not restless(column, limits)
    index: tuple[Verdict, str] = _index(moved, warn, stop) if by_psi else ("none", "")
    found = [index, missing, median[1:], _rare(one, rare, total, limits), rate[1:]]
    return Row(
        name, moved, warn, stop, round(column.missing_most, _DIGITS),
        round(int(one.counts[-1]) / total, _DIGITS), median[0], rare, one.levels, rate[0],
        worst(verdict for verdict, _ in found), not {name, column.name}.isdisjoint(limits.accept),
        "; ".join(told for _, told in found if told), gone or (by_psi and moved > stop), by_psi, of,
    )  # fmt: skip


def restless(column: Column, limits: DriftLimits) -> bool:
    """Return whether a column moved so much within training that the index can't judge it."""
    return limits.past_factor * column.spread >= MOST * limits.psi_stop


def _index(moved: float, warn: float, stop: float) -> tuple[Verdict, str]:
    if moved <= warn:
        return "none", ""
    return "warn", f"PSI {moved:.3f} is above {warn:.3f}" + (f" and {stop:.3f}" * (moved > stop))


def _missing(one: Counted, total: int, level: float) -> tuple[tuple[Verdict, str], bool]:
    """Judge the share of missing values: the index allows a column that was restless to go entirely.

    A warning is due where it is more than ten points above the largest share of a training day, and more than
    1.5 times that, or what is known less than 1 / 1.5 of what was; and where nothing is left that was there,
    unless chance gives this too.
    """
    now, most = int(one.counts[-1]) / total, one.column.missing_most
    gone = now == 1 and most < 1 and (most == 0 or total * math.log(most) < math.log(level))
    noise = _NOISE * (most * (1 - most) / total) ** 0.5
    far = now > most * _MISSING_FACTOR or 1 - now < (1 - most) / _MISSING_FACTOR
    if not gone and not (far and now > most + _MISSING_POINTS + noise):
        return ("none", ""), False
    return ("warn", f"{now:.1%} are missing, at most {most:.1%} were on a training day"), gone


def _median(one: Counted, limits: DriftLimits) -> tuple[float | None, Verdict, str]:
    then = one.column.median
    if then is None or one.median is None or one.above < FEWEST_POSITIVE:
        return None, "none", ""
    ratio, past = min(one.median / then, _LARGEST), limits.past_factor * one.column.median_spread
    warn = max(limits.median_warn, past)
    verdict = beyond(ratio, warn, warn * limits.median_stop / limits.median_warn)
    said = f"median {one.median:g}, {ratio:.3g} times that of training" if verdict != "none" else ""
    return round(ratio, _DIGITS), verdict, said


def _rare(one: Counted, rare: int, total: int, limits: DriftLimits) -> tuple[Verdict, str]:
    then = one.column.rare
    noise = _NOISE * (max(then, limits.rare_warn) / total) ** 0.5
    if rare / total <= then + limits.rare_warn + noise:
        return "none", ""
    return "warn", f"{rare:,} rows have one of {one.levels:,} levels unseen or rare in training"


def _rate(one: Counted, profile: Profile, limits: DriftLimits) -> tuple[float | None, Verdict, str]:
    """Judge the mean of a probability by the base rate: the rarer of both outcomes shows a movement.

    Without labels the mean score of training stands in for it, which is no more than a warning.
    """
    key = rate_key(one.column.name, one.column.group)
    rates, labelled = list(profile.rates.get(key, {}).values()), key in profile.labelled
    if one.mean is None or not rates:
        return None, "none", ""
    usual = sum(rates) / len(rates)
    ratio = _odds_side(one.mean, usual)
    past = max(max(each, 1 / each) for rate in rates for each in [_odds_side(rate, usual)])
    warn = max(limits.rate_warn, limits.past_factor * past)
    verdict = beyond(ratio, warn, warn * limits.rate_stop / limits.rate_warn)
    if verdict == "stop" and not labelled:
        verdict = "warn"
    known_as = "base rate" if labelled else "mean score"
    said = f"mean {one.mean:.4f}, {known_as} in training {usual:.4f}" if verdict != "none" else ""
    return round(ratio, _DIGITS), verdict, said


def _odds_side(rate: float, usual: float) -> float:
    """Return the ratio of rates, of the complements where that is the larger movement."""
    tiny = 1e-9
    up = (rate + tiny) / (usual + tiny)
    down = (1 - usual + tiny) / (1 - rate + tiny)
    return max(up, down) if rate >= usual else min(up, down)


def beyond(ratio: float, warn: float, stop: float) -> Verdict:
    """Return the verdict of a ratio, either way."""
    size = max(ratio, 1 / ratio) if ratio > 0 else float("inf")
    return "stop" if size >= stop else "warn" if size >= warn else "none"
