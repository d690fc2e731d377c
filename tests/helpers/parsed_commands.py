"""Commands that read their arguments and do nothing."""

from collections.abc import Callable

import pytest

from crm_ml.command_parser import CommandParser


def parse_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each command end with code 0 once its arguments are read."""
    parse_args = CommandParser.parse_args

    def ending(parser: CommandParser, *arguments: object) -> None:
        parse_args(parser, *arguments)
        raise SystemExit(0)

    monkeypatch.setattr(CommandParser, "parse_args", ending)


def code_of(command: Callable[..., int], *arguments: object) -> object:
    """Return the exit code of a command, also where it ends the process."""
    try:
        return command(*arguments)
    except SystemExit as ended:
        return ended.code
