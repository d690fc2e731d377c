"""The comparison of a day with the profile of a model: what moved, by how much, and what follows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from crm_ml.monitoring.drift_limits import DriftLimits
from crm_ml.monitoring.drift_verdict import Counted, Row, Verdict, beyond, judge, worst
from crm_ml.monitoring.training_profile import Profile

VOLUME = "volume"


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
    accepted : tuple of str
        Such lines of what the settings accept by name; they do not count.
    volume : {"none", "warn", "stop"}
        Verdict on the number of customers, if it is not accepted.
    """

    model: str
    customers: int
    customers_then: int
    rows: tuple[Row, ...]
    verdict: Verdict
    reasons: tuple[str, ...]
    accepted: tuple[str, ...] = ()
    volume: Verdict = "none"

    @property
    def broken(self) -> tuple[str, ...]:
        """Names of what is beyond a limit and not accepted, those that stop first."""
        found = [(row.name, row.verdict) for row in self.rows if row.reason and not row.accepted]
        found += [(VOLUME, self.volume)] if self.volume != "none" else []
        return tuple(name for name, _ in sorted(found, key=lambda one: one[1] != "stop"))

    @property
    def stopping(self) -> tuple[str, ...]:
        """Names whose acceptance lets the list be published; empty where nothing stops it."""
        if self.verdict != "stop":
            return ()
        rows = {row.name for row in self.rows if row.verdict == "stop" or row.beyond}
        return tuple(name for name in self.broken if name in rows or (name, self.volume) == (VOLUME, "stop"))

    @property
    def unmonitored(self) -> tuple[str, ...]:
        """Names of columns that moved so much within training that PSI says nothing of them."""
        return tuple(sorted(row.name for row in self.rows if not row.by_psi))


def compare(model: str, profile: Profile, customers: int, day: Sequence[Counted], limits: DriftLimits) -> Drift:
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
    rows = tuple(sorted((judge(one, profile, len(day), limits) for one in day), key=_largest_first))
    then = list(profile.customers.values())[-1] if profile.customers else 0
    volume, told = _volume(customers, then, limits)
    beyond_stop = {row.of for row in rows if row.beyond and not row.accepted}
    verdicts = [row.verdict for row in rows if not row.accepted] + [volume]
    reasons = [f"{row.name}: {row.reason}" for row in rows if row.reason and not row.accepted]
    accepted = [f"{row.name}: {row.reason}" for row in rows if row.reason and row.accepted]
    (accepted if volume == "none" else reasons)[:0] = told
    if len(beyond_stop) >= limits.columns_to_stop:
        verdicts.append("stop")
        reasons.insert(0, f"{len(beyond_stop)} columns are beyond the PSI that may stop a list, or gone")
    return Drift(model, customers, then, rows, worst(verdicts), tuple(reasons), tuple(accepted), volume)


def _volume(now: int, then: int, limits: DriftLimits) -> tuple[Verdict, list[str]]:
    if not then:
        return "none", []
    verdict = beyond(now / then, limits.volume_warn, limits.volume_stop)
    if verdict == "none":
        return "none", []
    told = f"{VOLUME}: {now:,} customers are scored, {then:,} were on the newest training day"
    return ("none" if VOLUME in limits.accept else verdict), [told]


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
            "accepted": list(one.accepted),
            "not_by_psi": list(one.unmonitored),
            "rows": [_plain(row) for row in one.rows],
        }
        for one in found
    }
    return {
        "verdict": worst(one.verdict for one in found),
        "models": models,
        "without_profile": sorted(without),
    }


def _plain(row: Row) -> dict[str, Any]:
    return {key: value for key, value in vars(row).items() if key != "of"}
