"""Drift of one column on a scored day, compared with its limits."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from crm_ml.monitoring.bins import Counts, Texts
from crm_ml.monitoring.drift_limits import DriftLimits
from crm_ml.monitoring.psi import by_chance, largest_by_chance, psi
from crm_ml.monitoring.training_profile import FEWEST_POSITIVE, Profile, ProfiledColumn, rate_key

AlertLevel = Literal["none", "warn", "stop"]
MOST = 4.0  # times psi_stop: a limit as high as that, 2 by default, would not see a column change entirely
_DIGITS = 6
_LARGEST = 1e12  # of a ratio that is told: an infinite median is no number in JSON
_NOISE = 4.0  # standard errors that a share may move by chance
_MISSING_FACTOR, _MISSING_POINTS = 1.5, 0.1


@dataclass(frozen=True, eq=False)
class Counted:
    """Counts of a column on the scored day.

    Parameters
    ----------
    column : ProfiledColumn
        Of the profile.
    counts : numpy.ndarray of int64
        Rows of each bin of the column.
    above : int
        Rows with a value above zero.
    median : float, optional
        Of these values.
    levels : int
        Of a text, the number of distinct levels unseen or rare in training.
    mean : float, optional
        Of a probability.
    shown : str
        Name in the report; the name of the column by default.
    """

    column: ProfiledColumn
    counts: Counts
    above: int = 0
    median: float | None = None
    levels: int = 0
    mean: float | None = None
    shown: str = ""


@dataclass(frozen=True)
class Row:
    """Drift of a column.

    Parameters
    ----------
    name : str
        In the report.
    psi, limit, stop : float
        The index, and the limits of this column to warn and to stop.
    missing_then, missing_now : float
        Largest share of missing values on a training day, and the share of the day.
    median_ratio, rare_rows, rare_levels, rate_ratio
        See `crm_ml.monitoring.drift_limits.DriftLimits`.
    verdict : {"none", "warn", "stop"}
    accepted : bool
        Whether the settings overrule its limits.
    reason : str
        The limits exceeded, as text.
    beyond : bool
        Whether it counts towards `columns_to_stop`: beyond `stop`, or entirely missing.
    by_psi : bool
        False where the column varied so much within training that the index is not applied.
    of : tuple of str
        Column of the profile and its group, which several rows can share.
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
    verdict: AlertLevel = "none"
    accepted: bool = False
    reason: str = ""
    beyond: bool = False
    by_psi: bool = True
    of: tuple[str, str] = ("", "")


def worst(verdicts: Iterable[AlertLevel]) -> AlertLevel:
    """Return the most serious verdict."""
    order: tuple[AlertLevel, ...] = ("none", "warn", "stop")
    return max(verdicts, key=order.index, default="none")


def psi_limits(
    column: ProfiledColumn, customers: int, columns: int, limits: DriftLimits
) -> tuple[float, float]:
    """Return the limits of a column's index to warn and to stop.

    Each is the limit of the settings or, if larger, `past_factor` times the largest movement in training (at
    most `MOST` times the stopping limit), plus the mean index by chance, and at least the value that chance
    alone exceeds on any of the columns with probability `false_alarm`.
    """
    sizes = (column.customers, customers, len(column.counts))
    base = max(limits.psi_warn, min(limits.past_factor * column.spread, MOST * limits.psi_stop))
    least = largest_by_chance(*sizes, limits.false_alarm / max(columns, 1))
    stop = base * limits.psi_stop / limits.psi_warn
    warn, stop = (max(limit + by_chance(*sizes), least) for limit in (base, stop))
    return round(warn, _DIGITS), round(stop, _DIGITS)


def judge(observed: Counted, profile: Profile, columns: int, limits: DriftLimits) -> Row:
    """Compare a column of a scored day with its limits.

    Parameters
    ----------
    observed : Counted
    profile : Profile
    columns : int
        Number of columns compared, which share the probability of a false alarm.
    limits : DriftLimits
    """
    column, total = observed.column, int(observed.counts.sum())
    name, of = observed.shown or column.name, (column.name, column.group)
    if not total or not column.customers:
        return Row(name, 0.0, limits.psi_warn, limits.psi_stop, column.largest_missing_share, 0.0, of=of)
    warn, stop = psi_limits(column, total, columns, limits)
    moved = round(psi(column.counts, observed.counts), _DIGITS)
    missing, gone = _missing(observed, total, limits.false_alarm / max(columns, 1))
    median = _median(observed, limits)
    rare = int(observed.counts[-2]) if isinstance(column.bins, Texts) else 0
    rate = _rate(observed, profile, limits)
    by_psi = not restless(column, limits)
    index: tuple[AlertLevel, str] = _index(moved, warn, stop) if by_psi else ("none", "")
    alerts = [index, missing, median[1:], _rare(observed, rare, total, limits), rate[1:]]
    return Row(
        name, moved, warn, stop, round(column.largest_missing_share, _DIGITS),
        round(int(observed.counts[-1]) / total, _DIGITS), median[0], rare, observed.levels, rate[0],
        worst(verdict for verdict, _ in alerts), not {name, column.name}.isdisjoint(limits.accept),
        "; ".join(reason for _, reason in alerts if reason), gone or (by_psi and moved > stop), by_psi, of,
    )  # fmt: skip


def restless(column: ProfiledColumn, limits: DriftLimits) -> bool:
    """Return whether a column varied so much within training that the index is not applied."""
    return limits.past_factor * column.spread >= MOST * limits.psi_stop


def _index(moved: float, warn: float, stop: float) -> tuple[AlertLevel, str]:
    if moved <= warn:
        return "none", ""
    return "warn", f"PSI {moved:.3f} is above {warn:.3f}" + (f" and {stop:.3f}" * (moved > stop))


def _missing(observed: Counted, total: int, level: float) -> tuple[tuple[AlertLevel, str], bool]:
    """Check the share of missing values, which the index does not catch in a column that varied much.

    Warns where the share is more than ten points above the largest one of a training day, and either more
    than 1.5 times that or with known values below 1 / 1.5 of their share; and where all values are missing
    that were not in training, unless that is likely by chance.
    """
    now, most = int(observed.counts[-1]) / total, observed.column.largest_missing_share
    gone = now == 1 and most < 1 and (most == 0 or total * math.log(most) < math.log(level))
    noise = _NOISE * (most * (1 - most) / total) ** 0.5
    far = now > most * _MISSING_FACTOR or 1 - now < (1 - most) / _MISSING_FACTOR
    if not gone and not (far and now > most + _MISSING_POINTS + noise):
        return ("none", ""), False
    return ("warn", f"{now:.1%} are missing, at most {most:.1%} were on a training day"), gone


def _median(observed: Counted, limits: DriftLimits) -> tuple[float | None, AlertLevel, str]:
    then = observed.column.median
    if then is None or observed.median is None or observed.above < FEWEST_POSITIVE:
        return None, "none", ""
    ratio, past = min(observed.median / then, _LARGEST), limits.past_factor * observed.column.median_spread
    warn = max(limits.median_warn, past)
    verdict = beyond(ratio, warn, warn * limits.median_stop / limits.median_warn)
    reason = f"median {observed.median:g}, {ratio:.3g} times that of training" if verdict != "none" else ""
    return round(ratio, _DIGITS), verdict, reason


def _rare(observed: Counted, rare: int, total: int, limits: DriftLimits) -> tuple[AlertLevel, str]:
    then = observed.column.rare
    noise = _NOISE * (max(then, limits.rare_warn) / total) ** 0.5
    if rare / total <= then + limits.rare_warn + noise:
        return "none", ""
    return "warn", f"{rare:,} rows have one of {observed.levels:,} levels unseen or rare in training"


def _rate(observed: Counted, profile: Profile, limits: DriftLimits) -> tuple[float | None, AlertLevel, str]:
    """Compare the mean of a probability with the base rate: the rarer outcome shows a change best.

    Without labels the mean score of training is used, which at most warns.
    """
    key = rate_key(observed.column.name, observed.column.group)
    rates, labelled = list(profile.rates.get(key, {}).values()), key in profile.labelled
    if observed.mean is None or not rates:
        return None, "none", ""
    usual = sum(rates) / len(rates)
    ratio = rate_ratio(observed.mean, usual)
    past = max(max(each, 1 / each) for rate in rates for each in [rate_ratio(rate, usual)])
    warn = max(limits.rate_warn, limits.past_factor * past)
    verdict = beyond(ratio, warn, warn * limits.rate_stop / limits.rate_warn)
    if verdict == "stop" and not labelled:
        verdict = "warn"
    known_as = "base rate" if labelled else "mean score"
    reason = f"mean {observed.mean:.4f}, {known_as} in training {usual:.4f}" if verdict != "none" else ""
    return round(ratio, _DIGITS), verdict, reason


def rate_ratio(rate: float, usual: float) -> float:
    """Return the ratio of a rate to the usual one, or of their complements where that is the larger movement.

    Examples
    --------
    >>> round(rate_ratio(0.2, 0.1), 3), round(rate_ratio(0.98, 0.99), 3)
    (2.0, 0.5)
    """
    tiny = 1e-9
    up = (rate + tiny) / (usual + tiny)
    down = (1 - usual + tiny) / (1 - rate + tiny)
    return max(up, down) if rate >= usual else min(up, down)


def beyond(ratio: float, warn: float, stop: float) -> AlertLevel:
    """Return the alert level of a ratio, in either direction."""
    size = max(ratio, 1 / ratio) if ratio > 0 else float("inf")
    return "stop" if size >= stop else "warn" if size >= warn else "none"
