"""Judging all score tables that have matured, and logging each once."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crm_ml.errors import CrmError, InputError
from crm_ml.learning.realised.labels import Matured, labelled
from crm_ml.learning.realised.model_versions import Versions
from crm_ml.learning.realised.published_scores import Kept, kept_tables
from crm_ml.learning.realised.realised_metrics import judge, worse
from crm_ml.snapshots import DAY_S, as_utc, check_data_reach

if TYPE_CHECKING:
    from crm_ml.score.settings import ScoreSettings
    from crm_ml.tables.bundle import Tables

_TAG = "realised."
_PREFIX = {"churn": "test.", "clv": "test.purchases_"}


@dataclass(frozen=True)
class Realised:
    """What came true of the scores of a day, beside what training had promised.

    Parameters
    ----------
    name, version, day, what : str
        Model, its version, day of the scores, and what was scored.
    metrics, promised : mapping of str to float
        Without their prefixes; ``<metric>``, ``<metric>.low`` and ``<metric>.high``. Nothing is promised
        where training judged another task.
    unlike : str
        Why nothing is promised.
    new : bool
        Whether it was logged now and not before.
    """

    name: str
    version: str
    day: str
    what: str
    metrics: Mapping[str, float]
    promised: Mapping[str, float]
    unlike: str = ""
    new: bool = True

    @property
    def worse(self) -> tuple[str, ...]:
        """Metrics whose interval lies on the wrong side of the promised one."""
        return worse(self.metrics, self.promised)

    @staticmethod
    def said(metrics: Mapping[str, float], name: str) -> str:
        """Return a metric with its interval in words; empty where there is none."""
        if name not in metrics:
            return ""
        ends = [metrics.get(f"{name}{end}") for end in (".low", ".high")]
        interval = "" if None in ends else f" ({ends[0]:.4f} to {ends[1]:.4f})"
        return f"{metrics[name]:.4f}{interval}"


@dataclass(eq=False)
class Report:
    """What was judged, what was not and why, and what could not be read.

    Parameters
    ----------
    found : list of Realised
        Oldest first.
    left_out : Counter
        How many tables by model (or what else) and reason.
    failures : list of CrmError
    """

    found: list[Realised] = field(default_factory=list)
    left_out: "Counter[tuple[str, str]]" = field(default_factory=Counter)
    failures: list[CrmError] = field(default_factory=list)


def realise(settings: "ScoreSettings", tables: "Tables", out: Path | None = None) -> Report:
    """Log what came true of the score tables of published lists whose windows ended by ``settings.day``.

    Metrics go to the run and the model of the version that gave the scores, as ``realised.<metric>`` with the
    day of the scores (in days since 1970-01-01) as their step; of actions as
    ``realised.<model>-<action>.<metric>``. The version gets a tag ``realised.<day>``, and what has it is not
    read again. A failure of one table does not keep the others from being judged.

    Parameters
    ----------
    settings : ScoreSettings
        Names the lists, the work folder that keeps the score tables, and today.
    tables : Tables
    out : Path, optional
        Folder of all lists; ``settings.out_folder`` without it.
    """
    kept, silent, broken = kept_tables((out or settings.out_folder) / settings.name, settings.work_folder)
    report = Report(failures=list(broken))
    for _ in silent:
        report.left_out["lists", "made before their manifests named the score tables"] += 1
    ready = list(_ready(kept, settings, tables, report))
    ambiguous = _ambiguous(ready)
    for one, why in ambiguous.items():
        report.left_out[one.what, why] += 1
    for one in (one for one in ready if one not in ambiguous):
        try:
            report.found.append(_realised(one, tables))
        except CrmError as error:
            report.failures.append(error)
    return report


def _ready(
    kept: list[Kept], settings: "ScoreSettings", tables: "Tables", report: Report
) -> Iterator[Matured]:
    """Give the tables whose labels are known; note the others in the report."""
    versions = Versions()
    for one in kept:
        if not one.folder.is_dir():
            report.left_out[one.action or one.role, f"score tables are no longer in {one.folder.parent}"] += 1
            continue
        try:
            found = _matured(one, versions)
        except CrmError as error:
            report.failures.append(error)
            continue
        name = one.action or one.role
        if not isinstance(found, str):
            name = found.what
            found = _not_yet(found, settings, tables) or found
        if isinstance(found, str):
            report.left_out[name, found] += 1
        else:
            yield found


def _matured(one: Kept, versions: Versions) -> Matured | str:
    manifest = one.manifest()
    content = str((manifest.get("ingredients") or {}).get("model"))
    name = next((name for name, sums in one.models.items() if sums == content), None)
    if name is None:
        return f"{one.folder.name} is of a model that the list does not name"
    try:
        version = versions.find(name, content)
    except InputError as error:
        return str(error)
    return labelled(one, manifest, version)


def _not_yet(one: Matured, settings: "ScoreSettings", tables: "Tables") -> str:
    """Say why the labels of a table are not known yet; empty where they are."""
    ends = f"{one.window.label_ends_at:%Y-%m-%d}"
    if one.window.label_ends_at > as_utc(settings.day):
        return f"the labels of {one.day} end on {ends}, after {settings.day}"
    try:
        check_data_reach(tables, one.window, settings.data.ends_at)
    except InputError as error:
        reach = str(error).partition(", but ")[2].partition(";")[0]
        return f"the labels of {one.day} ended on {ends}, but {reach}"
    return ""


def _ambiguous(ready: list[Matured]) -> dict[Matured, str]:
    """Return tables beside which lists have another of the same version and day: a day has one verdict."""
    by_key: dict[tuple[str, str, str], list[Matured]] = {}
    for one in ready:
        by_key.setdefault((one.version.content, one.day, one.what), []).append(one)
    found: dict[Matured, str] = {}
    for several in by_key.values():
        names = ", ".join(sorted({folder.name for one in several for folder in one.kept.lists}))
        why = f"lists of one day were made from different score tables: {names}; keep the one that was used"
        found |= {one: why for one in several if len(several) > 1}
    return found


def _realised(one: Matured, tables: "Tables") -> Realised:
    """Judge a table and log it, or read what was logged."""
    from crm_ml import tracking
    from crm_ml.tracking.deferred_metrics import log_at

    client, (name, number) = tracking.connect(), (one.version.name, one.version.version)
    with tracking.refusing(f"the run of {name} version {number} is no longer in {tracking.tracking_uri()}"):
        made = client.get_model_version(name, number)
        promised, unlike = _promised(client.get_run(made.run_id).data, one)
    given = (name, number, one.day, one.what)
    suffix = "" if one.what == name else f".{one.what}"
    told = made.tags.get(f"{_TAG}{one.day}{suffix}")
    if told is not None:
        return Realised(*given, dict(json.loads(told)), promised, unlike, new=False)
    day = int(one.window.as_of.timestamp()) // DAY_S
    metrics = log_at(one.version, f"{_TAG}{suffix[1:]}." if suffix else _TAG, judge(one, tables), day)
    text = json.dumps({key: round(value, 6) for key, value in metrics.items()}, sort_keys=True)
    client.set_model_version_tag(name, number, f"{_TAG}{one.day}{suffix}", text)
    return Realised(*given, metrics, promised, unlike)


def _promised(run: Any, one: Matured) -> tuple[dict[str, float], str]:
    """Return what training said of the same task, or why it said nothing of it."""
    prefix = _PREFIX.get(one.family)
    if prefix is None:
        return {}, "training promised nothing of one action: its test is of many together"
    days = one.window.horizon / timedelta(days=1)
    tested = float(run.params.get("target.horizon_days") or days)
    if abs(tested - days) >= 1:
        return {}, f"training promised nothing of {days:g} days: its test window has {tested:g}"
    logged = {key: float(value) for key, value in run.metrics.items() if key.startswith(prefix)}
    return {key.removeprefix(prefix): value for key, value in logged.items()}, ""
