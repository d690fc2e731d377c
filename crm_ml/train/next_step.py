"""What follows a finished run: the list that uses its champion, or what its challenger lacks."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from crm_ml import next_steps, tracking
from crm_ml.config import load_run
from crm_ml.config.new_run import data_name
from crm_ml.config.uses import lists_naming, runs_registering
from crm_ml.train.promote.aliases import CHAMPION, number_of

if TYPE_CHECKING:
    from crm_ml.train.experiment import Finished


def next_lines(done: "Finished", overrides: Sequence[str] = ()) -> list[str]:
    """Return the next commands of a run, true for what the store and ``configs/`` hold now."""
    config = load_run(done.name, overrides)
    name, family, decision = done.outcome.candidate.name, config.family, done.decision
    lists = lists_naming(family, name)
    if decision.role == CHAMPION:
        lacking = {config_of: _lacking(models) for config_of, models in lists.items()}
        stem = done.name.partition("/")[2]
        other = None if stem == data_name(config.data.name) else stem
        return next_steps.after_champion(name, config.data.name, lacking, other)
    failed = {gate.name: gate.reason for gate in done.outcome.gates if not gate.passed}
    first = next(iter(lists), None)
    return next_steps.after_challenger(family, name, done.version, failed, decision.champion, first)


def _lacking(models: dict[str, str]) -> list[str]:
    """Return the runs that register the models of a list which the store does not hold yet."""
    client = tracking.connect()
    lacking = []
    for family, model in models.items():
        name, _, alias = model.partition("@")
        if number_of(client, name, alias) is None:
            lacking += runs_registering(family, name)[:1]
    return lacking
