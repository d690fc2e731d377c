"""The registered version that gave some scores, found by the content of its files."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from crm_ml.errors import CrmError, InputError

if TYPE_CHECKING:
    from crm_ml.tracking import ModelVersion


class Versions:
    """Versions of registered models by content; only as many are loaded as it takes to find what is asked.

    Of versions with equal content the champion is meant, else the newest.
    """

    def __init__(self) -> None:
        self._found: dict[tuple[str, str], ModelVersion] = {}
        self._left: dict[str, Iterator[str]] = {}
        self._unreadable: dict[str, list[str]] = {}

    def find(self, name: str, content: str) -> "ModelVersion":
        """Return the version of a model that has some content.

        Raises
        ------
        InputError
            If none has it; the message names versions that can't be read, such as purged ones.
        """
        from crm_ml import tracking

        left = self._left.get(name) or self._left.setdefault(name, _newest_first(name))
        while (name, content) not in self._found:
            number = next(left, None)
            if number is None:
                raise InputError(self._nowhere(name, content))
            try:
                version = tracking.registered(name, number)
            except (CrmError, OSError):
                self._unreadable.setdefault(name, []).append(number)
            else:
                self._found.setdefault((name, version.content), version)
        return self._found[name, content]

    def _nowhere(self, name: str, content: str) -> str:
        from crm_ml import tracking

        lost = self._unreadable.get(name)
        unreadable = f"; can't be read: version {', '.join(lost)}" if lost else ""
        return f"no version of {name} in {tracking.store_name()} has the content {content[:12]}{unreadable}"


def _newest_first(name: str) -> Iterator[str]:
    """Give the numbers of the versions of a model, the champion's first."""
    from crm_ml import tracking

    client = tracking.connect()
    versions = client.search_model_versions(f"name='{name}'")
    if versions:
        first = client.get_registered_model(name).aliases.get("champion")
        ranked = sorted((str(version.version) != str(first), -int(version.version)) for version in versions)
        yield from (str(-number) for _, number in ranked)
