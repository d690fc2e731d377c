"""A search from its judges to the config that the rest of a run goes on with, and what the run says of it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import numpy as np

from crm_ml.config.parts import Option, Part
from crm_ml.config.tuning import Tuned
from crm_ml.train.record.outcome import Outcome, named
from crm_ml.train.search import search_report
from crm_ml.train.search.confirmation import Confirmed, SearchVerdict, confirm, in_figures
from crm_ml.train.search.interrupts import stoppable
from crm_ml.train.search.study_plan import SearchPlan, metric_of
from crm_ml.train.search.trials import SearchTrial, best_of
from crm_ml.train.search.validation_folds import Judges

if TYPE_CHECKING:
    from rich.progress import Progress

Config = TypeVar("Config", bound=Tuned)


@dataclass(frozen=True, eq=False)
class SearchResult(Generic[Config]):
    """What a search came to.

    Parameters
    ----------
    config : Tuned
        With the settings to go on with.
    plan : SearchPlan
    tried : tuple of SearchTrial
    verdict : SearchVerdict
    judges : Judges
    """

    config: Config
    plan: SearchPlan
    tried: tuple[SearchTrial, ...]
    verdict: SearchVerdict
    judges: Judges

    def beside(self, outcome: Outcome, progress: "Progress") -> Outcome:
        """Return the outcome of the run with trials, figures and verdict of the search beside it.

        Where other settings were taken, those without a search are judged on the test too, after all was
        decided: ``tuning.test_gain`` tells whether the gain holds there.
        """
        tested = self._tested(outcome, progress)
        trials = [trial.as_dict() for trial in self.tried]
        plain: dict[str, Any] = {
            "verdict": self.verdict.as_dict(),
            "chosen": dict(self.verdict.best.params if self.verdict.taken else self.plan.start),
            "validation": dict(self.judges.names),
            "states": search_report.states(self.tried),
            "tested": None if tested is None else asdict(tested),
        }
        confirmed = self.verdict.confirmed
        gains = {} if confirmed is None else named("tuning.gain", confirmed.gain)
        notes = [f"tuning: {self.verdict.reason}"]
        if tested is not None:
            gains |= named("tuning.test_gain", tested.gain)
            notes.append(
                f"tuning: {in_figures(self.verdict.metric, tested)} of the test, which decided nothing"
            )
        return replace(
            outcome,
            metrics={**outcome.metrics, **gains},
            tables={**outcome.tables, **search_report.tables(self.tried, self.verdict, tested)},
            figures={
                **outcome.figures,
                "tuning": search_report.figure(self.plan, self.tried, self.verdict),
            },
            facts={**outcome.facts, "tuning": plain},
            trace=replace(outcome.trace, trials={**outcome.trace.trials, **plain, "table": trials}),
            notes=(*outcome.notes, *notes),
            trials=self.tried,
        )

    def _tested(self, outcome: Outcome, progress: "Progress") -> Confirmed | None:
        if not self.verdict.taken:
            return None
        testing = progress.add_task("settings without a search on the test", total=1)
        customers, tuned = self.judges.tested(outcome)
        start = self.judges.test(self.plan.start)
        progress.advance(testing)
        config = self.config
        rng = np.random.default_rng(config.seed)
        return confirm(customers, start, tuned, self.plan.larger, rng, config.replicates)


def tune(config: Config, judges: Judges, folder: Path | None, progress: "Progress") -> SearchResult[Config]:
    """Search, and take what is found where it is clearly better on the folds that confirm.

    Parameters
    ----------
    config : Tuned
        With a search.
    judges : Judges
    folder : Path, optional
        Folder of the study; in memory without it.
    progress : rich.progress.Progress

    Raises
    ------
    Stopped
        At SIGTERM during the search.
    InputError
        If the settings without a search can't be judged, or another process runs this search.
    """
    from crm_ml.train.search.optuna_search import search

    plan = SearchPlan.of(config)
    confirmed = None
    with stoppable() as ending:
        tried = search(plan, judges.search, folder, progress, ending)
        best = best_of(tried)
        confirming = progress.add_task("best trial on days the search never saw", total=1)
        if best.number:
            start, tuned = judges.confirm(plan.start), judges.confirm(best.params)
            rng = np.random.default_rng(config.seed)
            confirmed = confirm(judges.customers(), start, tuned, plan.larger, rng, config.replicates)
        progress.advance(confirming)
    verdict = SearchVerdict(metric_of(config), best, tried[0], confirmed)
    taken = with_options(config, best.params) if verdict.taken else config
    return SearchResult(taken, plan, tried, verdict, judges)


def with_options(config: Config, options: Mapping[str, Option]) -> Config:
    """Return the config with some of the options of its model replaced."""
    part = Part(name=config.model.name, options={**config.model.options, **options})
    return config.model_copy(update={"model": part})
