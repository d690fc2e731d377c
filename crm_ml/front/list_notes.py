"""What a list does not know or does not use, in sentences."""

from collections.abc import Iterator

from crm_ml.actions.catalog import Action
from crm_ml.actions.consent_check import ASSUMED
from crm_ml.rules.grammar import columns, parse
from crm_ml.score.list_job import ListJob


def notes_of(job: ListJob) -> tuple[str, ...]:
    """Return what a reader of a list should know beside its rows."""
    return tuple(_notes(job))


def _notes(job: ListJob) -> Iterator[str]:
    used = {column for action in job.header.actions for column in _used(action)}
    used |= {test.column for rule in job.catalog.tags.values() for test in columns(parse(rule))}
    for source in job.models.sources:
        if not used & {*source.columns, *source.scores}:
            shown = " or ".join(source.scores or source.columns)
            yield f"{source.name} decides nothing: no action has a score, a value or a rule with {shown}"
    for name, texts in job.models.cautions.items():
        yield from (f"{name}: {text}" for text in texts)
    verified = job.models.verified
    stated = [action.key for action in job.header.actions if action.value.measured(verified) is None]
    if stated:
        yield f"the effect of {', '.join(stated)} is stated, not measured; values follow from it"
    if job.policy.hold_out is None:
        yield "nobody is held out, so nobody will know what the list earned; hold_out=0.05 would tell"
    if job.header.consent_basis == ASSUMED:
        yield "consent is assumed"


def _used(action: Action) -> Iterator[str]:
    """Give the columns that an action is valued and offered by."""
    yield from action.value.needed_scores.values()
    if action.value.retention is not None:
        yield "p_alive"
    if action.value.uplift is not None:
        yield f"uplift_{action.value.uplift.arm}"
    rules = (action.audience.eligible, action.audience.applicable, *(w.when for w in action.value.context))
    yield from (test.column for rule in rules if rule for test in columns(parse(rule)))
