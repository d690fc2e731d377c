"""Who is champion, challenger and previous champion of a registered name, and the tags that say why."""

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from crm_ml import tracking
from crm_ml.errors import InputError

if TYPE_CHECKING:
    from crm_ml.tracking import Client

CHAMPION, CHALLENGER, PREVIOUS = "champion", "challenger", "previous"
CONTENT, ROLE, REASON = "content", "promotion.role", "promotion.reason"
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
    try:
        with tracking.refusing(alias):
            return client.get_model_version_by_alias(name, alias)
    except InputError:
        return None


def number_of(client: "Client", name: str, alias: str) -> str | None:
    """Return the number of the version behind an alias, or None."""
    found = holder(client, name, alias)
    return None if found is None else str(found.version)


def tag(client: "Client", name: str, version: str, tags: dict[str, str]) -> None:
    """Set tags of a registered version, cut to the length that every store takes."""
    for key, value in tags.items():
        client.set_model_version_tag(name, version, key, value[:_LONGEST])


def make_champion(name: str, version: str, reason: str) -> Moved:
    """Point ``champion`` to a version and ``previous`` to the one that it replaces.

    ``previous`` moves first: who is killed in between has lost no champion.
    """
    client = tracking.connect()
    was = number_of(client, name, CHAMPION)
    if was == version:
        return Moved(name, version, was, "it is the champion already")
    if was is not None:
        client.set_registered_model_alias(name, PREVIOUS, was)
        tag(client, name, version, {REPLACED: was})
        tag(client, name, was, {ROLE: PREVIOUS})
    tag(client, name, version, {ROLE: CHAMPION, REASON: reason, ROLLED_BACK: "false"})
    client.set_registered_model_alias(name, CHAMPION, version)
    if number_of(client, name, CHALLENGER) == version:
        client.delete_registered_model_alias(name, CHALLENGER)
    return Moved(name, version, was, reason)


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
        If nothing was champion before.
    """
    client = tracking.connect()
    now, before = (number_of(client, name, alias) for alias in (CHAMPION, PREVIOUS))
    if now is None:
        raise InputError(f"no model {name}@{CHAMPION} is registered in {tracking.tracking_uri()}")
    if before is None or before == now:
        raise InputError(f"{name}: version {now} replaced no champion; there is nothing to roll back to")
    tracking.registered(name, before)  # its sums are checked before anybody relies on it
    tag(client, name, now, {ROLE: CHALLENGER, REASON: reason, ROLLED_BACK: "true"})
    tag(client, name, before, {ROLE: CHAMPION, REASON: reason})
    client.set_registered_model_alias(name, CHAMPION, before)
    earlier = client.get_model_version(name, before).tags.get(REPLACED)
    client.delete_registered_model_alias(name, PREVIOUS)
    if earlier is not None and earlier != before:
        with contextlib.suppress(InputError), tracking.refusing(f"version {earlier} was deleted"):
            client.set_registered_model_alias(name, PREVIOUS, earlier)
    client.set_registered_model_alias(name, CHALLENGER, now)
    return Moved(name, before, now, reason)


def rolled_back(client: "Client", name: str, content: str) -> str | None:
    """Return the number of a version of this content that was rolled back, if there is one."""
    for one in client.search_model_versions(f"name='{name}'"):
        if one.tags.get(CONTENT) == content and one.tags.get(ROLLED_BACK) == "true":
            return str(one.version)
    return None
