"""What every command has in common: how its parser begins, and how it ends when something is wrong."""

import argparse
import os
import platform
import sys
import tempfile
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVarTuple

from crm_ml.errors import CrmError
from crm_ml.version import VERSION

UNEXPECTED = 70
Given = TypeVarTuple("Given")


def run(work: Callable[[*Given], int | None], *given: *Given, lead: str = "error: ") -> int:
    """Do the work of a command and return its exit code.

    An error that crm_ml raises on purpose becomes its message on standard error and its exit code; SIGTERM
    during a search is one of these (143). Of any other exception a report with the traceback is written into
    the folder of temporary files, open to its owner alone, and the message names it (70). What the exception
    says is only in the report, since it may hold a cell of the data or an address.

    Parameters
    ----------
    work : callable
        Returns an exit code, or None for 0.
    *given
        Its arguments.
    lead : str
        What a message begins with.

    Examples
    --------
    >>> run(print, "done")
    done
    0
    """
    try:
        return work(*given) or 0
    except CrmError as error:
        return tell(error, lead)
    except Exception as error:
        return _unexpected(error, lead)


def tell(error: CrmError, lead: str = "error: ") -> int:
    """Write the message of an error on standard error and return its exit code."""
    sys.stderr.write(f"{lead}{error}\n")
    return error.exit_code


def parser(module: str, description: str) -> argparse.ArgumentParser:
    """Return the parser of ``python -m module``, or of the script ``crm-ml`` if it runs, without arguments.

    Examples
    --------
    >>> parser("crm_ml.score", "Publish a list.").prog
    'python -m crm_ml.score'
    """
    is_script = Path(sys.argv[0]).name == "crm-ml"
    prog = " ".join(["crm-ml", *module.split(".")[1:]]) if is_script else f"python -m {module}"
    return argparse.ArgumentParser(prog=prog, description=description)


def add_settings(command: argparse.ArgumentParser) -> None:
    """Let a command take ``--set KEY=VALUE``, as often as wanted."""
    command.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="override a setting")


def add_new(command: argparse.ArgumentParser, words: str, **options: Any) -> None:
    """Let a command write a config in place of its work: ``--new``, ``--data``, ``--name`` and ``--force``.

    Parameters
    ----------
    command : argparse.ArgumentParser
    words : str
        What ``--new`` writes, in words.
    **options
        Of ``--new``, as argparse takes them.
    """
    command.add_argument("--new", help=f"write a config that fits --data, with reasons: {words}", **options)
    command.add_argument("--data", metavar="MAPPING", help="with --new: mapping of the tables, or a data set")
    command.add_argument("--name", help="with --new: name of the file (default: that of the mapping)")
    command.add_argument("--force", action="store_true", help="with --new: write over a file")


def check_new(command: argparse.ArgumentParser, options: argparse.Namespace, names: object = ()) -> None:
    """End with the usage where ``--new`` lacks its data, or its companions lack ``--new``."""
    if options.new and (names or not options.data):
        command.error("--new wants --data MAPPING, and no name of a config beside it")
    if not options.new and (options.data or options.name or options.force):
        command.error("--data, --name and --force belong to --new")


def add_list_settings(command: argparse.ArgumentParser, day: str) -> None:
    """Let a command take the configuration of lists, a day, settings and the folder of the lists.

    Parameters
    ----------
    command : argparse.ArgumentParser
    day : str
        What ``--as-of`` is, in words.
    """
    command.add_argument(
        "config",
        nargs="?",
        default="score/default",
        metavar="CONFIG",
        help="path under configs/ without .yaml",
    )
    command.add_argument("--as-of", metavar="DATE", help=f"{day}, YYYY-MM-DD (default: of the config)")
    add_settings(command)
    command.add_argument("--out", type=Path, metavar="DIR", help="folder of the lists")


def list_settings(arguments: argparse.Namespace) -> list[str]:
    """Return the settings that were given to `add_list_settings`, the day among them."""
    return [*arguments.set, *([f"as_of={arguments.as_of}"] if arguments.as_of else [])]


def _unexpected(error: Exception, lead: str) -> int:
    """Write a report of an exception nobody expected, say where it lies, and return 70."""
    trace = "".join(traceback.format_exception(error))
    text = f"crm_ml {VERSION}, Python {platform.python_version()}\n\n{trace}"
    try:
        number, path = tempfile.mkstemp(prefix="crm_ml-", suffix=".txt")
        with os.fdopen(number, "w", encoding="utf-8", errors="backslashreplace") as report:
            report.write(text)
    except OSError:
        sys.stderr.write(text)
        return UNEXPECTED
    sys.stderr.write(f"{lead}unexpected {type(error).__name__}; what happened where is in {path}\n")
    return UNEXPECTED
