"""The search for settings by Optuna; the only module that imports it.

Each trial is drawn by a sampler of its own, seeded by the study's seed and the number of the trial, from the
finished trials before it. Trials enter the kept study whole, in one transaction, when they are over. So the
table of trials is a function of the plan alone, and no stop at any moment shows in it.
"""

import contextlib
import logging
import secrets
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from crm_ml.config.parts import Option
from crm_ml.config.tuning import Values
from crm_ml.errors import CrmError, InputError, Stopped
from crm_ml.private_files import make_folder, private_files
from crm_ml.storage.paths import sqlite_uri
from crm_ml.storage.workspace import locked
from crm_ml.train.search.interrupts import Ending
from crm_ml.train.search.study_plan import SearchPlan
from crm_ml.train.search.trials import SearchTrial, State

if TYPE_CHECKING:
    from optuna import Study
    from optuna.distributions import BaseDistribution
    from optuna.trial import FrozenTrial
    from rich.progress import Progress

Scores = npt.NDArray[np.float64]
Judge = Callable[[Mapping[str, Option]], Scores]
_FILE, _NAME = "study.db", "search"
_MEANS, _ERROR = "means", "error"


def search(
    plan: SearchPlan, folds: Sequence[Judge], folder: Path | None, progress: "Progress", ending: Ending
) -> tuple[SearchTrial, ...]:
    """Try settings until there are as many finished trials as the plan wants.

    Parameters
    ----------
    plan : SearchPlan
    folds : sequence of callable
        Each takes settings and returns the score of every row of one fold, in the order of time.
    folder : Path, optional
        Where trials are kept and found again; in memory without it.
    progress : rich.progress.Progress
    ending : Ending

    Returns
    -------
    tuple of SearchTrial

    Raises
    ------
    Stopped
        At SIGTERM.
    InputError
        If another process searches in the same folder, or the first settings can't be judged.

    References
    ----------
    .. [1] Bergstra et al. (2011). Algorithms for hyper-parameter optimization. NeurIPS, section 4 (the
       tree-structured Parzen estimator).
    .. [2] Falkner, Klein and Hutter (2018). BOHB: robust and efficient hyperparameter optimization at scale.
       ICML, section 3.2 (the multivariate form).
    """
    import optuna

    logging.getLogger("optuna").setLevel(logging.WARNING)
    study = optuna.create_study(direction="maximize")  # of this process; `kept` is what stays
    with _kept(folder) as stored:
        if stored is not None:
            study.add_trials(stored.trials[: plan.tuning.trials])
        over, wanted = len(study.trials), plan.tuning.trials
        left = "they are kept; run the same command again to go on" if stored else "nothing is kept"
        ending.told = f"{over} of {wanted} trials are over; {left}"
        task = progress.add_task("trials", total=wanted, completed=over)
        while over < wanted:
            with _quiet(over > 0):
                done = _one_trial(study, plan, folds, ending)
            if stored is not None:
                stored.add_trial(done)
            over += 1
            ending.told = f"{over} of {wanted} trials are over; {left}"
            progress.advance(task)
    return tuple(_tried(number, trial) for number, trial in enumerate(study.trials))


def _one_trial(study: "Study", plan: SearchPlan, folds: Sequence[Judge], ending: Ending) -> "FrozenTrial":
    """Ask for settings and judge them; what Optuna is told is the gain over the first trial's settings.

    Folds differ in how hard they are, so that only gains on the same rows compare between trials that saw
    more of them and fewer.
    """
    from optuna.trial import TrialState

    number = len(study.trials)
    first = study.trials[0].user_attrs[_MEANS] if number else None
    _prepare(study, plan, number)
    trial = study.ask(
        {name: _distribution(values, plan.start[name]) for name, values in plan.tuning.space.items()}
    )
    scores: list[Scores] = []
    means: list[float] = []
    gain = 0.0
    try:
        for step, judge in enumerate(folds):
            ending.check()
            scores.append(_finite(judge(trial.params)))
            means.append(float(np.concatenate(scores).mean()))
            gain = 0.0 if first is None else plan.gain(first[step], means[-1])
            trial.report(gain, step)
            trial.set_user_attr(_MEANS, means)
            if plan.tuning.pruning is not None and step + 1 < len(folds) and trial.should_prune():
                return study.tell(trial, state=TrialState.PRUNED)
    except Stopped:
        raise
    except CrmError as error:
        if first is None:
            raise InputError(f"tuning: the settings without a search can't be judged: {error}") from error
        trial.set_user_attr(_ERROR, str(error))  # it counts, and the sampler learns nothing from it
        return study.tell(trial, state=TrialState.FAIL)
    return study.tell(trial, gain)


def _prepare(study: "Study", plan: SearchPlan, number: int) -> None:
    """Give the study the sampler and the pruner of one trial; the first trial has the settings to beat."""
    from optuna import pruners, samplers

    seed = int(np.random.SeedSequence((plan.seed, number)).generate_state(1)[0])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that an argument is new to Optuna
        study.sampler = samplers.TPESampler(
            n_startup_trials=plan.tuning.startup, multivariate=True, constant_liar=False, seed=seed
        )
    rule = plan.tuning.pruning
    study.pruner = (
        pruners.NopPruner()
        if rule is None
        else pruners.MedianPruner(n_startup_trials=rule.startup, n_warmup_steps=rule.after - 1)
    )
    if number == 0:
        study.enqueue_trial(dict(plan.start))


def _distribution(values: Values, start: Option) -> "BaseDistribution":
    from optuna import distributions

    if values.choices is not None:
        return distributions.CategoricalDistribution(values.choices)
    assert values.low is not None
    assert values.high is not None
    if isinstance(start, int):
        step = 1 if values.step is None else int(values.step)
        return distributions.IntDistribution(int(values.low), int(values.high), values.log, step)
    return distributions.FloatDistribution(values.low, values.high, values.log, values.step)


@contextlib.contextmanager
def _kept(folder: Path | None) -> Iterator["Study | None"]:
    """Open the study of a folder, made where there is none, for this process alone."""
    if folder is None:
        yield None
        return
    import optuna
    from optuna.storages import RDBStorage

    make_folder(folder)
    with private_files(), locked(folder) as alone:
        if not alone:
            raise InputError(f"another process tunes in {folder}; wait for it, or end it and start again")
        if not (folder / _FILE).is_file():
            _create(folder)
        storage = RDBStorage(sqlite_uri(folder / _FILE))
        try:
            yield optuna.load_study(study_name=_NAME, storage=storage)
        finally:
            storage.engine.dispose()


def _create(folder: Path) -> None:
    """Make the file of a study under another name first, for it takes many transactions."""
    import optuna
    from optuna.storages import RDBStorage

    for left in folder.glob(f".{_FILE}.*"):
        left.unlink()
    part = folder / f".{_FILE}.{secrets.token_hex(8)}.tmp"
    storage = RDBStorage(sqlite_uri(part))
    optuna.create_study(storage=storage, study_name=_NAME, direction="maximize")
    storage.engine.dispose()
    part.rename(folder / _FILE)


@contextlib.contextmanager
def _quiet(again: bool) -> Iterator[None]:
    """Keep down what models say of the same rows once more; errors pass."""
    logger = logging.getLogger("crm_ml")
    before = logger.level
    try:
        logger.setLevel(logging.ERROR if again else before)
        yield
    finally:
        logger.setLevel(before)


def _finite(scores: Any) -> Scores:
    values = np.asarray(scores, dtype=float)
    if not len(values) or not np.isfinite(values).all():
        raise InputError(f"{int((~np.isfinite(values)).sum()):,} of {len(values):,} scores are not finite")
    return values


def _tried(number: int, trial: "FrozenTrial") -> SearchTrial:
    from optuna.trial import TrialState

    means = tuple(trial.user_attrs.get(_MEANS, ()))
    gains = trial.intermediate_values
    if trial.state == TrialState.FAIL:
        error = str(trial.user_attrs.get(_ERROR, ""))
        return SearchTrial(number, "failed", None, None, dict(trial.params), means, error)
    state: State = "complete" if trial.state == TrialState.COMPLETE else "pruned"
    return SearchTrial(number, state, means[-1], gains[max(gains)], dict(trial.params), means)
