"""The comparison of a day with the profile of a model: what moved, by how much, and what follows."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from crm_ml.monitoring.bins import Counts, Texts
from crm_ml.monitoring.limits import Limits
from crm_ml.monitoring.profile import FEWEST_POSITIVE, Column, Profile, rate_key
from crm_ml.monitoring.psi import by_chance, largest_by_chance, psi

Verdict = Literal["none", "warn", "stop"]
VOLUME = "volume"
_DIGITS = 6
_LARGEST = 1e12  # of a ratio that is told: an infinite median is no number in JSON
_NOISE = 4.0  # standard errors that a share may move by chance


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
    """What a column did; `limit` and `stop` are its own limits of the index."""

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


@dataclass(frozen=True)
class Drift:
    """What moved between the training of a model and a day.

    Parameters
    ----------
    model : str
    customers, customers_then : int
        Scored now, and those whom it would have scored on the newest training day.
    rows : tuple of Row
        Features and scores, what moved most first.
    verdict : {"none", "warn", "stop"}
    reasons : tuple of str
        One line for each limit that is broken.
    """

    model: str
    customers: int
    customers_then: int
    rows: tuple[Row, ...]
    verdict: Verdict
    reasons: tuple[str, ...]

    @property
    def broken(self) -> tuple[str, ...]:
        """Names of what is beyond a limit and not accepted, those that stop first."""
        ranked = sorted((row for row in self.rows if row.reason), key=lambda row: row.verdict != "stop")
        return tuple(row.name for row in ranked if not row.accepted)


def compare(model: str, profile: Profile, customers: int, day: Sequence[Counted], limits: Limits) -> Drift:
    """Compare a day with the profile of a model.

    Parameters
    ----------
    model : str
        Its name, for the report.
    profile : Profile
    customers : int
        Scored on the day.
    day : sequence of Counted
    limits : Limits
    """
    rows = tuple(sorted((_row(one, profile, len(day), limits) for one in day), key=_largest_first))
    then = list(profile.customers.values())[-1] if profile.customers else 0
    volume, told = _volume(customers, then, limits)
    beyond = [row for row in rows if row.psi > row.stop and not row.accepted]
    verdicts = [row.verdict for row in rows if not row.accepted] + [volume]
    if len(beyond) >= limits.columns_to_stop:
        verdicts.append("stop")
        told.append(f"{len(beyond)} columns are beyond the PSI that may stop a list")
    reasons = [f"{row.name}: {row.reason}" for row in rows if row.reason]
    return Drift(model, customers, then, rows, worst(verdicts), tuple([*told, *reasons]))


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """Return the most serious verdict."""
    order: tuple[Verdict, ...] = ("none", "warn", "stop")
    return max(verdicts, key=order.index, default="none")


def psi_limits(column: Column, customers: int, columns: int, limits: Limits) -> tuple[float, float]:
    """Return from where on the index of a column is worth a warning, and from where on it may stop a list.

    Both are the limits of the settings, or so many times the largest movement in training where that is
    more; then what chance gives on average is added, and none is below what chance alone exceeds in one of
    ``1 / false_alarm`` days on any of the columns.
    """
    sizes = (column.customers, customers, len(column.counts))
    base = max(limits.psi_warn, limits.past_factor * column.spread)
    least = largest_by_chance(*sizes, limits.false_alarm / max(columns, 1))
    stop = base * limits.psi_stop / limits.psi_warn
    warn, stop = (max(limit + by_chance(*sizes), least) for limit in (base, stop))
    return round(warn, _DIGITS), round(stop, _DIGITS)


def _row(one: Counted, profile: Profile, columns: int, limits: Limits) -> Row:
    column, total = one.column, int(one.counts.sum())
    name = one.shown or column.name
    if not total or not column.customers:
        return Row(name, 0.0, limits.psi_warn, limits.psi_stop, column.missing, 0.0)
    warn, stop = psi_limits(column, total, columns, limits)
    moved = round(psi(column.counts, one.counts), _DIGITS)
    found: list[tuple[Verdict, str]] = []
    if moved > warn:
        found.append(("warn", f"PSI {moved:.3f} is above {warn:.3f}" + (f" and {stop:.3f}" * (moved > stop))))
    median, verdict, told = _median(one, limits)
    found.append((verdict, told))
    rare = int(one.counts[-2]) if isinstance(column.bins, Texts) else 0
    found.append(_rare(one, rare, total, limits))
    rate, verdict, told = _rate(one, profile, limits)
    found.append((verdict, told))
    return Row(
        name, moved, warn, stop, round(column.missing, _DIGITS), round(int(one.counts[-1]) / total, _DIGITS),
        median, rare, one.levels, rate, worst(verdict for verdict, _ in found),
        not {name, column.name}.isdisjoint(limits.accept), "; ".join(told for _, told in found if told),
    )  # fmt: skip


def _median(one: Counted, limits: Limits) -> tuple[float | None, Verdict, str]:
    then = one.column.median
    if then is None or one.median is None or one.above < FEWEST_POSITIVE:
        return None, "none", ""
    ratio, past = min(one.median / then, _LARGEST), limits.past_factor * one.column.median_spread
    warn = max(limits.median_warn, past)
    verdict = _beyond(ratio, warn, warn * limits.median_stop / limits.median_warn)
    said = f"median {one.median:g}, {ratio:.3g} times that of training" if verdict != "none" else ""
    return round(ratio, _DIGITS), verdict, said


def _rare(one: Counted, rare: int, total: int, limits: Limits) -> tuple[Verdict, str]:
    then = one.column.rare
    noise = _NOISE * (max(then, limits.rare_warn) / total) ** 0.5
    if rare / total <= then + limits.rare_warn + noise:
        return "none", ""
    return "warn", f"{rare:,} rows have one of {one.levels:,} levels unseen or rare in training"


def _rate(one: Counted, profile: Profile, limits: Limits) -> tuple[float | None, Verdict, str]:
    """Judge the mean of a probability by the base rate: the rarer of both outcomes shows a movement."""
    rates = list(profile.rates.get(rate_key(one.column.name, one.column.group), {}).values())
    if one.mean is None or not rates:
        return None, "none", ""
    usual = sum(rates) / len(rates)
    ratio = _odds_side(one.mean, usual)
    past = max(max(each, 1 / each) for rate in rates for each in [_odds_side(rate, usual)])
    factor = limits.rate_stop / limits.rate_warn
    warn = max(limits.rate_warn, past)
    verdict = _beyond(ratio, warn, max(limits.rate_stop, warn * factor))
    said = f"mean {one.mean:.4f}, base rate in training {usual:.4f}" if verdict != "none" else ""
    return round(ratio, _DIGITS), verdict, said


def _odds_side(rate: float, usual: float) -> float:
    """Return the ratio of rates, of the complements where that is the larger movement."""
    tiny = 1e-9
    up = (rate + tiny) / (usual + tiny)
    down = (1 - usual + tiny) / (1 - rate + tiny)
    return max(up, down) if rate >= usual else min(up, down)


def _volume(now: int, then: int, limits: Limits) -> tuple[Verdict, list[str]]:
    if not then:
        return "none", []
    verdict = _beyond(now / then, limits.volume_warn, limits.volume_stop)
    accepted = VOLUME in limits.accept
    if verdict == "none":
        return "none", []
    told = f"{VOLUME}: {now:,} customers are scored, {then:,} were on the newest training day"
    return ("none" if accepted else verdict), [told]


def _beyond(ratio: float, warn: float, stop: float) -> Verdict:
    size = max(ratio, 1 / ratio) if ratio > 0 else float("inf")
    return "stop" if size >= stop else "warn" if size >= warn else "none"


def _largest_first(row: Row) -> tuple[int, float, str]:
    order = {"stop": 0, "warn": 1, "none": 2}
    return order[row.verdict], -row.psi / row.limit, row.name


def as_facts(found: Sequence[Drift], without: Sequence[str]) -> dict[str, Any]:
    """Return plain data: the verdict of all models, each model's rows, and models without a profile."""
    models: Mapping[str, Any] = {
        one.model: {
            "verdict": one.verdict,
            "customers": one.customers,
            "customers_then": one.customers_then,
            "reasons": list(one.reasons),
            "rows": [vars(row) for row in one.rows],
        }
        for one in found
    }
    return {
        "verdict": worst(one.verdict for one in found),
        "models": models,
        "without_profile": sorted(without),
    }
