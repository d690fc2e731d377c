"""The few errors that callers catch; each carries the exit code of the commands."""


class CrmError(Exception):
    """Base of every error that crm_ml raises on purpose."""

    exit_code: int = 2


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
