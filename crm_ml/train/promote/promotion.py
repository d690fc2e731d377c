"""Which model of a name is champion: settled after a run, set by hand, or rolled back."""

from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from crm_ml.errors import ConfigError, InputError

if TYPE_CHECKING:
    from crm_ml import tracking
    from crm_ml.tracking import ModelVersion
    from crm_ml.train.compare.logged_rows import Logged
    from crm_ml.train.promote.aliases import Moved
    from crm_ml.train.promote.gate import Decision
    from crm_ml.train.record.outcome import Outcome


_TRIES = 3


def by_hand(name: str, version: str | None = None, reason: str = "") -> "Moved":
    """Make a version champion whatever the gate said of it; what it said stays in the logged reason.

    Parameters
    ----------
    name : str
    version : str, optional
        The challenger without it.
    reason : str

    Raises
    ------
    ConfigError
        If the version is no number.
    InputError
        If there is no such version, or no challenger.
    IntegrityError
        If its files do not agree with their manifest.
    """
    from crm_ml import tracking
    from crm_ml.train.promote.aliases import CHALLENGER, REASON, make_champion, number_of

    client = tracking.connect()
    number = version or number_of(client, name, CHALLENGER)
    if number is None:
        raise InputError(f"{name}: there is no challenger in {tracking.store_name()}; name a --version")
    if not number.isdigit():
        raise ConfigError(f"--version is {number!r}; it must be a number")
    tracking.registered(name, number)
    earlier_reason = client.get_model_version(name, number).tags.get(REASON)
    words = f"by hand: {reason or 'no reason given'}" + (
        f" (before: {earlier_reason})" if earlier_reason else ""
    )
    return _reported(make_champion(name, number, words))


def rollback(name: str, reason: str = "") -> "Moved":
    """Make the previous champion champion again; raises as `crm_ml.train.promote.aliases.roll_back`."""
    from crm_ml.train.promote.aliases import roll_back

    return _reported(roll_back(name, f"rolled back: {reason or 'no reason given'}"))


def settle(
    active: "tracking.TrackedRun",
    version: "ModelVersion",
    outcome: "Outcome",
    logged: "Logged | None",
    tell: "Callable[[Decision], None]",
) -> "Decision":
    """Decide about the model of a run, log verdict and reason, and then set its alias.

    The alias moves last, so that nobody scores with a model whose run is not whole, and only from the
    champion that the model was compared with: if another run moved it meanwhile, that one is compared too.

    Parameters
    ----------
    active : TrackedRun
        Gets the tags ``promoted``, ``promotion.role`` and ``promotion.reason`` and ``promotion.json``.
    version : ModelVersion
        With its manifest.
    outcome : Outcome
    logged : Logged, optional
        The test rows of the run.
    tell : callable
        Logs what else tells of a decision.

    Returns
    -------
    Decision

    Raises
    ------
    StoreUnavailable
        If the store is lost meanwhile, or other runs move the champion again and again.
    """
    from crm_ml import tracking
    from crm_ml.errors import StoreUnavailable
    from crm_ml.train.promote import aliases
    from crm_ml.train.promote.gate import decide

    client = tracking.connect()
    for _ in range(_TRIES):
        decision = decide(version, outcome, logged)
        _log(active, version, outcome, decision)
        tell(decision)
        if aliases.number_of(client, version.name, aliases.CHAMPION) == decision.champion:
            _carry_out(client, version, decision)
            return decision
    raise StoreUnavailable(
        f"{version.name}: the champion was another one after each of {_TRIES} comparisons; "
        f"compare version {version.version} when no other run registers {version.name}"
    )


def _carry_out(client: "tracking.Client", version: "ModelVersion", decision: "Decision") -> None:
    from crm_ml.train.promote import aliases

    if decision.moves:
        aliases.make_champion(version.name, version.version, decision.reason)
    elif decision.role == aliases.CHALLENGER:
        aliases.make_challenger(version.name, version.version, decision.reason)
    else:
        tags = {aliases.ROLE: decision.role, aliases.REASON: decision.reason}
        aliases.tag(client, version.name, version.version, tags)


def _log(
    active: "tracking.TrackedRun", version: "ModelVersion", outcome: "Outcome", decision: "Decision"
) -> None:
    from crm_ml.train.promote import aliases

    promoted = decision.role == aliases.CHAMPION
    active.log_tags({
        "promoted": str(promoted).lower(),
        aliases.ROLE: decision.role,
        aliases.REASON: decision.reason[:4000],
    })  # fmt: skip
    active.log_json(_record(version, outcome, decision), "promotion.json")


def _record(version: "ModelVersion", outcome: "Outcome", decision: "Decision") -> dict[str, Any]:
    return {
        "name": version.name,
        "version": version.version,
        "content": version.content,
        "gates": [asdict(gate) for gate in outcome.gates],
        **asdict(decision),
    }


def _reported(moved: "Moved") -> "Moved":
    """Log a change by hand as tags of the runs whose models it is about."""
    from crm_ml import tracking
    from crm_ml.train.promote.aliases import REASON, ROLE

    client = tracking.connect()
    for number in {moved.champion, moved.was or moved.champion}:
        version = client.get_model_version(moved.name, number)
        for key in (ROLE, REASON):
            if version.run_id and key in version.tags:
                client.set_tag(version.run_id, key, version.tags[key])
    return moved
