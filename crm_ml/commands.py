"""What every command has in common: how its parser begins, and how it ends when something is wrong."""

import contextlib
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVarTuple

from crm_ml.error_report import place_of, write_report
from crm_ml.errors import CrmError
from crm_ml.masked_stream import Unread, masked_streams, printable
from crm_ml.masking import masked_text, noting
from crm_ml.private_files import private_files
from crm_ml.system_errors import expected

if TYPE_CHECKING:
    import argparse

UNEXPECTED, INTERRUPTED, UNREAD = 70, 130, 141
Given = TypeVarTuple("Given")


def run(work: Callable[[*Given], int | None], *given: *Given, lead: str = "error: ") -> int:
    """Do the work of a command and return its exit code: the one boundary at which every command ends.

    An error that crm_ml raises on purpose, or one of the system that is expected (`system_errors`), becomes
    its message on standard error and its exit code; SIGTERM during a search is one of these (143), Ctrl-C
    ends with 130, and a reader of the output that went away, such as ``head``, with 141. Of anything else,
    also of what is no `Exception`, a report with the traceback is written, open to its owner alone, and the
    message names it (70). What such an exception says is only in the report, where a cell of the data is
    shown by its form (`crm_ml.error_report`). No secret is written on a stream or in it (`crm_ml.masking`).

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
    with noting(sys.argv[1:], given), masked_streams(), private_files():
        try:
            code = work(*given) or 0
            sys.stdout.flush()
        except SystemExit as ending:
            if isinstance(ending.code, str):  # of a library that ends the process
                return _unexpected(ending, lead)
            raise
        except BaseException as error:
            return _ending(error, lead)
        return code


def tell(error: CrmError, lead: str = "error: ") -> int:
    """Write the message of an error on standard error and return its exit code."""
    with contextlib.suppress(OSError, ValueError):  # nobody reads it
        sys.stderr.write(f"{lead}{printable(masked_text(str(error)))}\n")
        sys.stderr.flush()
    return error.exit_code


def parser(module: str, description: str) -> "argparse.ArgumentParser":
    """Return the parser of ``python -m module``, or of the script ``crm-ml`` if it runs, without arguments.

    Examples
    --------
    >>> parser("crm_ml.score", "Publish a list.").prog
    'python -m crm_ml.score'
    """
    from crm_ml.command_parser import CommandParser

    is_script = Path(sys.argv[0]).name == "crm-ml"
    prog = " ".join(["crm-ml", *module.split(".")[1:]]) if is_script else f"python -m {module}"
    return CommandParser(prog=prog, description=description)


def add_settings(command: "argparse.ArgumentParser") -> None:
    """Let a command take ``--set KEY=VALUE``, as often as wanted."""
    command.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="override a setting")


def add_new(command: "argparse.ArgumentParser", words: str, **options: Any) -> None:
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


def check_new(command: "argparse.ArgumentParser", options: "argparse.Namespace", names: object = ()) -> None:
    """End with the usage where ``--new`` lacks its data, or its companions lack ``--new``."""
    if options.new and (names or not options.data):
        command.error("--new wants --data MAPPING, and no name of a config beside it")
    if not options.new and (options.data or options.name or options.force):
        command.error("--data, --name and --force belong to --new")


def add_list_settings(command: "argparse.ArgumentParser", day: str) -> None:
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


def list_settings(arguments: "argparse.Namespace") -> list[str]:
    """Return the settings that were given to `add_list_settings`, the day among them."""
    return [*arguments.set, *([f"as_of={arguments.as_of}"] if arguments.as_of else [])]


def _ending(error: BaseException, lead: str) -> int:
    """Tell of what ended a command, and return its exit code."""
    if isinstance(error, CrmError):
        return tell(error, lead)
    if isinstance(error, KeyboardInterrupt):
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.write(f"{lead}stopped by Ctrl-C; run the command again\n")
        return INTERRUPTED
    if isinstance(error, Unread):
        _let_go()
        return UNREAD
    known = expected(error)
    return _unexpected(error, lead) if known is None else tell(known, lead)


def _let_go() -> None:
    """Send what is left of the output nowhere, since nobody reads it."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


def _unexpected(error: BaseException, lead: str) -> int:
    """Write a report of an exception nobody expected, say where it lies, and return 70."""
    name = type(error).__name__
    path = write_report(error)
    where = f"what happened where is in {path}" if path else f"{place_of(error)}; no report could be written"
    tell(CrmError(f"unexpected {name}; {where}"), lead)
    return UNEXPECTED
