"""The parser of every command: it reads the command line and then the environment."""

import argparse
from typing import Any, NoReturn

from crm_ml import environment
from crm_ml.masked_stream import printable


class CommandParser(argparse.ArgumentParser):
    """A parser that checks the environment once the command line is right."""

    def parse_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Return the arguments; a command line that can't be used ends with its usage (2).

        Raises
        ------
        ConfigError
            With every environment variable that can't be used.
        """
        options = super().parse_args(args, namespace)
        environment.check()
        return options

    def error(self, message: str) -> NoReturn:
        """End with the usage and what is wrong, in which a word controls no terminal."""
        super().error(printable(message))
