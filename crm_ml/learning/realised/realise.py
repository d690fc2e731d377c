"""Judging all score tables whose labels are available, and logging each once."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crm_ml.errors import CrmError, InputError
from crm_ml.learning.realised.labels import LabelledScores, labelled
from crm_ml.learning.realised.model_versions import Versions
from crm_ml.learning.realised.published_scores import PublishedScores, published_tables
from crm_ml.learning.realised.realised_metrics import judge, worse
from crm_ml.snapshots import DAY_S, as_utc, check_data_reach

if TYPE_CHECKING:
    from crm_ml.tables.bundle import Tables

_TAG = "realised."


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
    def in_words(metrics: Mapping[str, float], name: str) -> str:
        """Return a metric with its interval in words; empty where there is none."""
        if name not in metrics:
            return ""
        ends = [metrics.get(f"{name}{end}") for end in (".low", ".high")]
        interval = "" if None in ends else f" ({ends[0]:.4f} to {ends[1]:.4f})"
        return f"{metrics[name]:.4f}{interval}"


@dataclass(eq=False)
class RealisedReport:
    """What was judged, what was not and why, and what could not be read.

    Parameters
    ----------
    judged : list of Realised
        Oldest first.
    left_out : Counter
        How many tables by model (or what else) and reason.
    failures : list of CrmError
    """

    judged: list[Realised] = field(default_factory=list)
    left_out: "Counter[tuple[str, str]]" = field(default_factory=Counter)
    failures: list[CrmError] = field(default_factory=list)


@dataclass(frozen=True)
class LabelReach:
    """Until when labels are known.

    Parameters
    ----------
    today : date
        Windows that end later are not judged.
    ends_at : date, optional
        First day of which the tables know nothing; without it the day after the newest order, or event
        where labels follow from events.
    """

    today: date
    ends_at: date | None = None

    def why_not(self, scores: LabelledScores, tables: "Tables") -> str:
        """Return why the labels of a table are not known yet; empty where they are."""
        window = scores.label.window
        ends = f"{window.label_ends_at:%Y-%m-%d}"
        if window.label_ends_at > as_utc(self.today):
            return f"the labels of {scores.day} end on {ends}, after {self.today}"
        try:
            check_data_reach(tables, window, self.ends_at, scores.label.table)
        except InputError as error:
            reach = str(error).partition(", but ")[2].partition(";")[0]
            return f"the labels of {scores.day} ended on {ends}, but {reach}"
        return ""


def realise(lists: Path, work: Path, tables: "Tables", known: LabelReach) -> RealisedReport:
    """Log what came true of the score tables of published lists whose labels are available.

    Metrics go to the run and the model of the version that gave the scores, as ``realised.<metric>`` with the
    day of the scores (in days since 1970-01-01) as their step; of actions as
    ``realised.<model>-<action>.<metric>``. The version gets a tag ``realised.<day>``, and what has it is not
    read again. A failure of one table does not keep the others from being judged.

    Parameters
    ----------
    lists : Path
        Folder of all lists of a name.
    work : Path
        Folder that keeps the score tables.
    tables : Tables
    known : LabelReach
    """
    published, silent, unreadable = published_tables(lists, work)
    report = RealisedReport(failures=list(unreadable))
    for _ in silent:
        report.left_out["lists", "made before their manifests named the score tables"] += 1
    ready = list(_ready(published, tables, known, report))
    ambiguous = _ambiguous(ready)
    for scores, why in ambiguous.items():
        report.left_out[scores.what, why] += 1
    for scores in (scores for scores in ready if scores not in ambiguous):
        try:
            report.judged.append(_realised(scores, tables))
        except CrmError as error:
            report.failures.append(error)
    return report


def _ready(
    published: Sequence[PublishedScores], tables: "Tables", known: LabelReach, report: RealisedReport
) -> Iterator[LabelledScores]:
    """Give the tables whose labels are known; note the others in the report."""
    versions = Versions()
    for table in published:
        if not table.folder.is_dir():
            report.left_out[table.subject, f"score tables are no longer in {table.folder.parent}"] += 1
            continue
        try:
            scores = _labelled(table, versions)
        except CrmError as error:
            report.failures.append(error)
            continue
        if isinstance(scores, str):
            report.left_out[table.subject, scores] += 1
            continue
        why = known.why_not(scores, tables)
        if why:
            report.left_out[scores.what, why] += 1
        else:
            yield scores


def _labelled(table: PublishedScores, versions: Versions) -> LabelledScores | str:
    content = str((table.manifest().get("ingredients") or {}).get("model"))
    name = next((name for name, sums in table.models.items() if sums == content), None)
    if name is None:
        return f"{table.folder.name} is of a model that the list does not name"
    try:
        version = versions.find(name, content)
    except InputError as error:
        return str(error)
    return labelled(table, version)


def _ambiguous(ready: list[LabelledScores]) -> dict[LabelledScores, str]:
    """Return tables beside which lists have another of the same version and day: a day has one verdict."""
    by_key: dict[tuple[str, str, str], list[LabelledScores]] = {}
    for scores in ready:
        by_key.setdefault((scores.version.content, scores.day, scores.what), []).append(scores)
    reasons: dict[LabelledScores, str] = {}
    for several in by_key.values():
        names = ", ".join(sorted({folder.name for one_of in several for folder in one_of.published.lists}))
        why = f"lists of one day were made from different score tables: {names}; keep the one that was used"
        reasons |= {scores: why for scores in several if len(several) > 1}
    return reasons


def _realised(scores: LabelledScores, tables: "Tables") -> Realised:
    """Judge a table and log it, or read what was logged."""
    from crm_ml import tracking
    from crm_ml.tracking.deferred_metrics import log_at

    client, (name, number) = tracking.connect(), (scores.version.name, scores.version.version)
    with tracking.refusing(f"the run of {name} version {number} is no longer in {tracking.store_name()}"):
        registered = client.get_model_version(name, number)
        promised, unlike = promised_metrics(client.get_run(registered.run_id).data, scores)
    identity = (name, number, scores.day, scores.what)
    suffix = "" if scores.what == name else f".{scores.what}"
    logged = registered.tags.get(f"{_TAG}{scores.day}{suffix}")
    if logged is not None:
        return Realised(*identity, dict(json.loads(logged)), promised, unlike, new=False)
    day = int(scores.label.window.as_of.timestamp()) // DAY_S
    metrics = log_at(scores.version, f"{_TAG}{suffix[1:]}." if suffix else _TAG, judge(scores, tables), day)
    text = json.dumps({key: round(value, 6) for key, value in metrics.items()}, sort_keys=True)
    client.set_model_version_tag(name, number, f"{_TAG}{scores.day}{suffix}", text)
    return Realised(*identity, metrics, promised, unlike)


def promised_metrics(run: Any, scores: LabelledScores) -> tuple[dict[str, float], str]:
    """Return what training promised of the same task, or why it promised nothing of it.

    Parameters
    ----------
    run : object
        With the parameters and the metrics of the training run, by name: ``params`` and ``metrics``.
    scores : LabelledScores
    """
    label = scores.label
    if not label.promised:
        return {}, label.unlike
    days = label.window.horizon / timedelta(days=1)
    tested = float(run.params.get("target.horizon_days") or days)
    if abs(tested - days) >= 1:
        return {}, f"training promised nothing of {days:g} days: its test window has {tested:g}"
    logged = {key: float(value) for key, value in run.metrics.items() if key.startswith(label.promised)}
    return {key.removeprefix(label.promised): value for key, value in logged.items()}, ""
