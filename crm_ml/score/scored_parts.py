"""The first step of a list: features, score tables and used stocks of each part."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import narwhals as nw

from crm_ml.parts.workers import Workers
from crm_ml.score.part_job import PartJob, ScoredPart
from crm_ml.score_tables.feature_table import features_of
from crm_ml.score_tables.joined import score_day
from crm_ml.score_tables.score_rows import Progress
from crm_ml.score_tables.source import ScoringDay
from crm_ml.tables.bundle import Tables

if TYPE_CHECKING:
    from crm_ml.actions.catalog import Action


def score_parts(job: PartJob, workers: Workers, progress: Progress | None = None) -> list[ScoredPart]:
    """Score all parts, or find them scored.

    Parameters
    ----------
    job : PartJob
    workers : Workers
    progress : callable, optional
        Called with what is done and all there is to do: customers where there is one part, else parts.
    """
    count = job.parted.count
    if count == 1:
        return [ScorePart(job, progress)(0)]
    scored = []
    for part in workers.map(ScorePart(job), range(count)):
        scored.append(part)
        if progress:
            progress(len(scored), count)
    return scored


@dataclass(frozen=True, eq=False)
class ScorePart:
    """Score a part.

    Parameters
    ----------
    job : PartJob
    progress : callable, optional
        Called with customers scored and customers in all.
    """

    job: PartJob
    progress: Progress | None = None

    def __call__(self, number: int) -> ScoredPart:
        """Make the features and score tables of a part, or find them whole."""
        job, part = self.job, self.job.part(number)
        tables = job.parted.part(part)
        features = features_of(job.work, tables, job.snapshot, job.models.groups, job.parted, part)
        with tables.scratch() as inside:
            day = ScoringDay(inside, job.snapshot, features, part, job.parted)
            scored = score_day(job.work, day, job.models.sources, job.header.actions, self.progress)
            used = _used(job, inside, number)
        return ScoredPart(features, [table.path for table in scored.tables], used)


def left_of_stock(actions: "Sequence[Action]", scored: Sequence[ScoredPart]) -> dict[str, int]:
    """Return how many offers are left of each action with a stock."""
    return {
        name: max(0, stock - sum(part.used.get(name, 0) for part in scored))
        for name, stock in _stocks(actions).items()
    }


def _stocks(actions: "Sequence[Action]") -> dict[str, int]:
    return {action.action_id: stock for action in actions if (stock := action.limits.stock) is not None}


def _used(job: PartJob, tables: Tables, number: int) -> Mapping[str, int]:
    """Return the contacts of a part by each action that has a stock."""
    stocks = _stocks(job.header.actions)
    if not stocks:
        return {}
    of_stock = job.history(tables, number).filter(nw.col("action_id").is_in(list(stocks)))
    counts = of_stock.group_by("action_id").agg(n=nw.len())
    return {str(name): int(n) for name, n in counts.collect(backend="pyarrow").rows()}
