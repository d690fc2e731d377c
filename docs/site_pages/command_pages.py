"""Reference pages of the commands, from their parsers, and of the exit codes."""

import argparse
import html
import importlib
import pkgutil
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

from table_pages import table

import crm_ml
from crm_ml import errors
from crm_ml.__main__ import COMMANDS, module_of
from crm_ml.command_parser import CommandParser
from crm_ml.commands import UNEXPECTED
from crm_ml.train.reproduce import DIFFERS

OPTION = re.compile(r"\[[^]]*\]")
ENVIRONMENT = {
    "CRM_ML_DATA": ("`data` of the project", "Folder of lists, scores and all that is derived from tables."),
    "CRM_ML_RUNS": ("`runs` of the project", "Folder of the local store of runs and models."),
    "CRM_ML_CACHE": ("on", "`off`: each feature matrix is computed anew, and none is kept."),
    "CRM_ML_CACHE_GB": ("5", "Gigabytes that the kept feature matrices may take together."),
    "CRM_ML_THREADS": ("2", "Threads of DuckDB; a whole number above 0."),
    "CRM_ML_MEMORY": (
        "the limit of DuckDB",
        "Memory of DuckDB, such as `1GB`; beyond it, it spills to disk.",
    ),
    "CRM_ML_QUERY_SECONDS": ("1800", "Seconds that a query of a mapping may take."),
    "CRM_ML_QUERY_GB": ("4", "Gigabytes that a query of a mapping may give."),
    "CRM_ML_QUERY_BACKENDS": (
        "",
        "Further kinds of databases that a mapping may read, such as `hive,mssql`: their connections can't "
        "be kept from writing, so their user must be one that may only read.",
    ),
    "CRM_ML_STORE_WAIT_S": ("60", "Seconds that a locked or absent store of runs is waited for."),
    "CRM_ML_PSEUDONYM_KEY": (
        "`pseudonym.key` of the folder of runs",
        "Key of the pseudonyms of customers that runs log; the same one where runs of several machines "
        "are compared.",
    ),
    "CRM_ML_POSTGRES": ("", "Address of the database of `crm-ml score load LIST --into postgres:`."),
    "MLFLOW_TRACKING_URI": ("the local store", "Address of an MLflow server."),
    "MLFLOW_TRACKING_USERNAME": ("", "User at that server."),
    "MLFLOW_TRACKING_PASSWORD": ("", "Password of the user."),
    "MLFLOW_TRACKING_TOKEN": ("", "Token, in place of user and password."),
}


class _Built(SystemExit):  # which a command lets pass
    """A parser that is ready to parse."""

    def __init__(self, parser: argparse.ArgumentParser) -> None:
        self.parser = parser


def modules() -> tuple[str, ...]:
    """Return the modules that are commands: ``python -m <module>``.

    Examples
    --------
    >>> "crm_ml.score" in modules(), "crm_ml.score.batch" in modules()
    (True, False)
    """
    found = []
    for info in pkgutil.walk_packages(crm_ml.__path__, "crm_ml."):
        source = Path(info.module_finder.path, f"{info.name.rpartition('.')[2]}.py")  # type: ignore[union-attr]
        if source.is_file() and "commands.parser(" in source.read_text(encoding="utf-8"):
            found.append(info.name.removesuffix(".__main__"))
    return tuple(sorted(found))


def parser_of(module: str) -> argparse.ArgumentParser:
    """Return the parser of a command, taken where it would parse its arguments."""

    def taken(parser: argparse.ArgumentParser, *_: object, **__: object) -> None:
        raise _Built(parser)

    main = importlib.import_module(f"{module}.__main__" if _is_package(module) else module).main
    with patch.object(CommandParser, "parse_args", taken):
        try:
            main([])
        except _Built as built:
            return built.parser
    raise AssertionError(f"{module} parses no arguments")


def pages() -> dict[str, str]:
    """Return the pages by their path below ``docs/``."""
    return {"reference/commands.md": _commands(), "reference/exit_codes.md": _exit_codes()}


def _commands() -> str:
    lead = (
        "Every command is a module, and `crm-ml` with its words is the same. All share "
        "[exit codes](exit_codes.md) and [the environment](#environment)."
    )
    parts = ["# Commands", lead]
    for words in COMMANDS:
        parser = parser_of(module_of(words).removesuffix(".__main__"))
        parts += [f"## {words}", f"{parser.description} `{parser.prog}` is `crm-ml {words}`."]
        for usage in _usages(parser):
            parts += [f"```sh\n{usage}\n```"]
        for part in _parsers(parser):
            parts += [_arguments(part)]
    names = ((f"`{name}`", *rest) for name, rest in ENVIRONMENT.items())
    parts += ["## Environment", "Variables that commands and notebooks read."]
    parts += [table(("variable", "without it", "meaning"), names)]
    return "\n\n".join(parts) + "\n"


def _parsers(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    """Yield a parser, or those of its subcommands."""
    choices = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    yield from choices[0].choices.values() if choices else [parser]


def _usages(parser: argparse.ArgumentParser) -> Iterator[str]:
    for part in _parsers(parser):
        usage = " ".join(part.format_usage().removeprefix("usage: ").split()).replace(" [-h]", "")
        whole = OPTION.sub(lambda option: option[0].replace(" ", "\0"), usage)
        lines = textwrap.wrap(whole, 84, subsequent_indent="    ", break_on_hyphens=False)
        yield " \\\n".join(lines).replace("\0", " ")


def _arguments(parser: argparse.ArgumentParser) -> str:
    rows = (
        (f"`{_name(action)}`", _words(parser, action))
        for action in parser._actions
        if not isinstance(action, argparse._HelpAction)
    )
    return table(("argument", "meaning"), rows)


def _name(action: argparse.Action) -> str:
    names = ", ".join(action.option_strings)
    if action.nargs == 0:
        return names
    value = str(action.metavar or (action.dest if not names else action.dest.upper()))
    return f"{names} {value}".strip()


def _words(parser: argparse.ArgumentParser, action: argparse.Action) -> str:
    text = html.escape(parser._get_formatter()._expand_help(action) if action.help else "", quote=False)
    choices = ", ".join(f"`{choice}`" for choice in action.choices or ())
    shown = action.default not in (None, False, "", [], argparse.SUPPRESS) and "default" not in text
    default = action.default if shown else None
    more = [f"one of {choices}"] * bool(choices) + [f"`{default}` by default"] * (default is not None)
    return "; ".join([text, *more] if text else more)


def _is_package(module: str) -> bool:
    return hasattr(importlib.import_module(module), "__path__")


def exit_codes() -> dict[int, list[str]]:
    """Return what ends a command, by its exit code.

    Examples
    --------
    >>> exit_codes()[3]
    ['The same list or artefact already stands in its place']
    """
    codes: dict[int, list[str]] = {0: ["The work is done"]}
    kinds = [
        kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.CrmError)
    ]
    for kind in kinds:
        if kind is not errors.CrmError:
            words = (kind.__doc__ or "").partition(" (exit code")[0].partition(";")[0]
            codes.setdefault(kind.exit_code, []).append(" ".join(words.rstrip(".").split()))
    codes[2].append("Arguments that the command does not know")
    codes[DIFFERS].append("What `crm-ml train reproduce` ran again differs from what was logged")
    codes[UNEXPECTED] = ["An error nobody expected; the message names the file of its report"]
    return dict(sorted(codes.items()))


def _exit_codes() -> str:
    lead = (
        "The same for every command, so that a scheduler can tell what to do without reading the message. "
        "In every case but 0 the last published list stays in place."
    )
    rows = ((f"`{code}`", ". ".join(texts) + ".") for code, texts in exit_codes().items())
    return f"# Exit codes\n\n{lead}\n\n{table(('code', 'what happened'), rows)}\n"
