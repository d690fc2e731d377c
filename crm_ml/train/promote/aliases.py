"""Who is champion, challenger and previous champion of a registered name, and the tags that say why."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from crm_ml import tracking
from crm_ml.errors import InputError

if TYPE_CHECKING:
    from crm_ml.tracking import Client

CHAMPION, CHALLENGER, PREVIOUS = "champion", "challenger", "previous"
ROLE, REASON = "promotion.role", "promotion.reason"
REPLACED, ROLLED_BACK = "promotion.replaced", "promotion.rolled_back"
_LONGEST = 4000


@dataclass(frozen=True)
class Moved:
    """What changed: who is champion now, who was, and why."""

    name: str
    champion: str
    was: str | None
    reason: str


def holder(client: "Client", name: str, alias: str) -> Any | None:
    """Return the registered version behind an alias, or None."""
    with tracking.absent(f"{name}@{alias} can't be read from {tracking.store_name()}"):
        return client.get_model_version_by_alias(name, alias)
    return None


def number_of(client: "Client", name: str, alias: str) -> str | None:
    """Return the number of the version behind an alias, or None."""
    version = holder(client, name, alias)
    return None if version is None else str(version.version)


def tag(client: "Client", name: str, version: str, tags: dict[str, str]) -> None:
    """Set tags of a registered version, cut to the length that every store takes."""
    for key, value in tags.items():
        client.set_model_version_tag(name, version, key, value[:_LONGEST])


def make_champion(name: str, version: str, reason: str) -> Moved:
    """Point ``champion`` to a version and ``previous`` to the one that it replaces.

    Whom a version replaces is its tag before it is champion, and by that tag `roll_back` finds the way back:
    a stop at any moment leaves a champion, and never the wrong way.
    """
    client = tracking.connect()
    was = before = number_of(client, name, CHAMPION)
    if was == version:
        before = client.get_model_version(name, version).tags.get(REPLACED) or None
    else:
        tag(client, name, version, {REPLACED: was or "", REASON: reason, ROLLED_BACK: "false"})
        client.set_registered_model_alias(name, CHAMPION, version)
    tag(client, name, version, {ROLE: CHAMPION})
    _settle_previous(client, name, before)
    if number_of(client, name, CHALLENGER) == version:
        client.delete_registered_model_alias(name, CHALLENGER)
    return Moved(name, version, was, "it is the champion already" if was == version else reason)


def _settle_previous(client: "Client", name: str, number: str | None) -> None:
    """Point ``previous`` to a version that is still there, or to none."""
    if number is not None and _version(client, name, number) is not None:
        client.set_registered_model_alias(name, PREVIOUS, number)
        tag(client, name, number, {ROLE: PREVIOUS})
    elif holder(client, name, PREVIOUS) is not None:
        client.delete_registered_model_alias(name, PREVIOUS)


def _version(client: "Client", name: str, number: str) -> Any | None:
    with tracking.absent(f"version {number} of {name} can't be read from {tracking.store_name()}"):
        return client.get_model_version(name, number)
    return None


def make_challenger(name: str, version: str, reason: str) -> None:
    """Point ``challenger`` to a version; the champion stays."""
    client = tracking.connect()
    tag(client, name, version, {ROLE: CHALLENGER, REASON: reason})
    client.set_registered_model_alias(name, CHALLENGER, version)


def roll_back(name: str, reason: str) -> Moved:
    """Make the previous champion champion again; the one that goes is challenger, and stays out.

    ``previous`` then names the one that had been champion before both, so that a second call goes on back.

    Raises
    ------
    InputError
        If nothing was champion before, or it was deleted.
    """
    client = tracking.connect()
    champion = holder(client, name, CHAMPION)
    if champion is None:
        raise InputError(f"no model {name}@{CHAMPION} is registered in {tracking.store_name()}")
    now, before = str(champion.version), champion.tags.get(REPLACED) or None
    if before is None or before == now:
        raise InputError(f"{name}: version {now} replaced no champion; there is nothing to roll back to")
    tracking.registered(name, before)  # its sums are checked before anybody relies on it
    tag(client, name, now, {ROLE: CHALLENGER, REASON: reason, ROLLED_BACK: "true"})
    client.set_registered_model_alias(name, CHAMPION, before)
    tag(client, name, before, {ROLE: CHAMPION, REASON: reason})
    _settle_previous(client, name, client.get_model_version(name, before).tags.get(REPLACED) or None)
    client.set_registered_model_alias(name, CHALLENGER, now)
    return Moved(name, before, now, reason)


def rolled_back(client: "Client", name: str, content: str) -> str | None:
    """Return the number of a version of this content that was rolled back, if there is one."""
    for version in client.search_model_versions(f"name='{name}'"):
        if version.tags.get(tracking.CONTENT) == content and version.tags.get(ROLLED_BACK) == "true":
            return str(version.version)
    return None
