"""The few errors that callers catch; each carries the exit code of the commands."""

from collections.abc import Iterator
from contextlib import contextmanager

from crm_ml.masking import masked_text


class CrmError(Exception):
    """Base of every error that crm_ml raises on purpose; no secret stands in its message."""

    exit_code: int = 2

    def __init__(self, *words: object) -> None:
        super().__init__(*(masked_text(word) if isinstance(word, str) else word for word in words))


class InputError(CrmError, ValueError):
    """Data that a contract, a snapshot or a model refuses (exit code 2); to other code a `ValueError`."""


class ConfigError(CrmError):
    """A configuration that can't be used (exit code 2)."""


class LeakError(InputError):
    """Evaluation rows or features that know the label (exit code 2)."""


class CalibrationRefused(CrmError):
    """A calibrator that is inverted, flat or worse than none (exit code 2 when it reaches a command)."""


class StoreUnavailable(CrmError):
    """A tracking store that stays locked or does not answer (exit code 2)."""


class ClusterFailed(CrmError):
    """A Spark cluster that can't be reached, or that gave a task up (exit code 2)."""


class AlreadyPublished(CrmError):
    """The same list or artefact already stands in its place (exit code 3)."""

    exit_code = 3


class IntegrityError(CrmError):
    """A file whose content does not agree with its manifest (exit code 4)."""

    exit_code = 4


class Stopped(CrmError):
    """Work that was asked to end (SIGTERM) and goes on where it was when it is started again."""

    exit_code = 143


class DriftLimit(CrmError):
    """Data so unlike those of the training that no list is made of them (exit code 5)."""

    exit_code = 5


class Mistakes:
    """What checks that do not depend on each other refuse, to be raised together.

    Examples
    --------
    >>> mistakes = Mistakes()
    >>> for what in ("day", "cap"):
    ...     with mistakes.noted():
    ...         raise ConfigError(f"{what}: there is none")
    >>> mistakes.refuse("the list")
    Traceback (most recent call last):
    ...
    crm_ml.errors.ConfigError: the list: 2 mistakes
      day: there is none
      cap: there is none
    """

    def __init__(self) -> None:
        self.errors: list[CrmError] = []

    @contextmanager
    def noted(self) -> Iterator[None]:
        """Note what the block refuses, and go on after it."""
        try:
            yield
        except CrmError as error:
            self.errors.append(error)

    def refuse(self, what: str) -> None:
        """Raise the `error` of what was noted, if anything was."""
        if self.errors:
            raise self.error(what)

    def error(self, what: str) -> CrmError:
        """Return the only error that was noted, or one `ConfigError` with the texts of several."""
        if len(self.errors) == 1:
            return self.errors[0]
        lines = [f"  {line}" for error in self.errors for line in str(error).splitlines()]
        return ConfigError(f"{what}: {len(self.errors)} mistakes\n" + "\n".join(lines))
