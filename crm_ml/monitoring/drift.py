"""Comparison of a scored day with the training profile of a model, and the resulting verdict."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from crm_ml.monitoring.drift_limits import DriftLimits
from crm_ml.monitoring.drift_verdict import AlertLevel, Counted, Row, beyond, judge, worst
from crm_ml.monitoring.training_profile import Profile

VOLUME = "volume"


@dataclass(frozen=True)
class Drift:
    """Drift between the training data of a model and a scored day.

    Parameters
    ----------
    model : str
    customers, customers_then : int
        Customers scored now, and those that the model would have scored on the newest training day.
    rows : tuple of Row
        Features and scores, the most serious drift first.
    verdict : {"none", "warn", "stop"}
    reasons : tuple of str
        One line for each limit exceeded.
    accepted : tuple of str
        The same lines for names that the settings accept; they do not affect the verdict.
    volume : {"none", "warn", "stop"}
        Verdict on the number of customers, unless accepted.
    """

    model: str
    customers: int
    customers_then: int
    rows: tuple[Row, ...]
    verdict: AlertLevel
    reasons: tuple[str, ...]
    accepted: tuple[str, ...] = ()
    volume: AlertLevel = "none"

    @property
    def broken(self) -> tuple[str, ...]:
        """Names of columns (or volume) beyond a limit and not accepted, those that stop a list first."""
        names = [(row.name, row.verdict) for row in self.rows if row.reason and not row.accepted]
        names += [(VOLUME, self.volume)] if self.volume != "none" else []
        return tuple(name for name, _ in sorted(names, key=lambda pair: pair[1] != "stop"))

    @property
    def stopping(self) -> tuple[str, ...]:
        """Names to accept so that the list can be published; empty if nothing stops it."""
        if self.verdict != "stop":
            return ()
        rows = {row.name for row in self.rows if row.verdict == "stop" or row.beyond}
        return tuple(name for name in self.broken if name in rows or (name, self.volume) == (VOLUME, "stop"))

    @property
    def unmonitored(self) -> tuple[str, ...]:
        """Names of columns that varied so much within training that PSI is not applied."""
        return tuple(sorted(row.name for row in self.rows if not row.by_psi))


def compare(
    model: str, profile: Profile, customers: int, day: Sequence[Counted], limits: DriftLimits
) -> Drift:
    """Compare a day with the profile of a model.

    Parameters
    ----------
    model : str
        Name of the model, for the report.
    profile : Profile
    customers : int
        Number of customers scored on the day.
    day : sequence of Counted
    limits : DriftLimits
    """
    rows = tuple(sorted((judge(counted, profile, len(day), limits) for counted in day), key=_largest_first))
    then = list(profile.customers.values())[-1] if profile.customers else 0
    volume, volume_reasons = _volume(customers, then, limits)
    beyond_stop = {row.of for row in rows if row.beyond and not row.accepted}
    verdicts = [row.verdict for row in rows if not row.accepted] + [volume]
    reasons = [f"{row.name}: {row.reason}" for row in rows if row.reason and not row.accepted]
    accepted = [f"{row.name}: {row.reason}" for row in rows if row.reason and row.accepted]
    (accepted if volume == "none" else reasons)[:0] = volume_reasons
    if len(beyond_stop) >= limits.columns_to_stop:
        verdicts.append("stop")
        reasons.insert(0, f"{len(beyond_stop)} columns are beyond the PSI that may stop a list, or gone")
    return Drift(model, customers, then, rows, worst(verdicts), tuple(reasons), tuple(accepted), volume)


def _volume(now: int, then: int, limits: DriftLimits) -> tuple[AlertLevel, list[str]]:
    if not then:
        return "none", []
    verdict = beyond(now / then, limits.volume_warn, limits.volume_stop)
    if verdict == "none":
        return "none", []
    reason = f"{VOLUME}: {now:,} customers are scored, {then:,} were on the newest training day"
    return ("none" if VOLUME in limits.accept else verdict), [reason]


def _largest_first(row: Row) -> tuple[int, float, str]:
    order = {"stop": 0, "warn": 1, "none": 2}
    return order[row.verdict], -row.psi / row.limit, row.name


def as_facts(drifts: Sequence[Drift], without: Sequence[str]) -> dict[str, Any]:
    """Return plain data: the overall verdict, the rows of each model, and models without a profile."""
    models: Mapping[str, Any] = {
        drift.model: {
            "verdict": drift.verdict,
            "customers": drift.customers,
            "customers_then": drift.customers_then,
            "reasons": list(drift.reasons),
            "accepted": list(drift.accepted),
            "not_by_psi": list(drift.unmonitored),
            "rows": [_plain(row) for row in drift.rows],
        }
        for drift in drifts
    }
    return {
        "verdict": worst(drift.verdict for drift in drifts),
        "models": models,
        "without_profile": sorted(without),
    }


def _plain(row: Row) -> dict[str, Any]:
    return {key: value for key, value in vars(row).items() if key != "of"}
