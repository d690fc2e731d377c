"""``crm-ml COMMAND ...`` or ``python -m crm_ml COMMAND ...``: all commands under one name."""

import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from crm_ml import commands
from crm_ml.version import VERSION

COMMANDS = {
    "init": "lay out a project of your own",
    "identity": "join profiles of all channels into customers whose ids stay",
    "membership": "tiers and points of the members of a day",
    "tags": "tags of the customers of a day, and audiences of them",
    "tables": "check your tables, or write a first mapping of files",
    "train": "train, evaluate, log and register runs, or write the config of one",
    "train compare": "runs of one family on the test rows that they share",
    "train promote": "make a version champion by hand, or roll back",
    "train reproduce": "run again what was logged, and compare",
    "layers": "layers and tiers of the customers of a day, and who moved",
    "score": "score, decide and publish the list of a day, or write its settings",
    "score diff": "what changed between two lists, and why",
    "score evaluate": "what a list brought, beside what it promised",
    "score export": "turn a list into the files that a campaign tool loads",
    "score load": "load a list into files or a database, once",
    "score play_out": "let the simulated shop play a list out",
    "score realised": "what came true of past scores",
}
_PACKAGES = (
    "init",
    "identity",
    "layers",
    "membership",
    "tags",
    "tables",
    "train",
    "train compare",
    "train promote",
    "score",
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command that the first words name with the rest of the words; return its exit code.

    The working folder is on the path of imports, as with ``python -m``: one's own models and feature groups
    lie there.
    """
    return commands.run(_main, list(sys.argv[1:] if arguments is None else arguments))


def _main(words: list[str]) -> int:
    name = next((name for name in (" ".join(words[:2]), *words[:1]) if name in COMMANDS), None)
    if name is None:
        return _without_command(words)
    folder = str(Path.cwd())
    if not sys.flags.safe_path and folder not in sys.path:
        sys.path.insert(0, folder)
    return int(import_module(module_of(name)).main(words[len(name.split()) :]))


def module_of(name: str) -> str:
    """Return the module whose ``main`` is a command.

    Examples
    --------
    >>> module_of("train compare"), module_of("score export")
    ('crm_ml.train.compare.__main__', 'crm_ml.score.export')
    """
    return ".".join(["crm_ml", *name.split(), *(["__main__"] if name in _PACKAGES else [])])


def _without_command(words: Sequence[str]) -> int:
    """Show the version or the commands; any other word is refused (2)."""
    if words[:1] == ["--version"]:
        sys.stdout.write(f"crm-ml {VERSION}\n")
        return 0
    if not words or words[0] in ("-h", "--help"):
        sys.stdout.write(_usage())
        return 0 if words else 2
    from difflib import get_close_matches

    near = get_close_matches(words[0], COMMANDS)
    meant = f"did you mean {near[0]}? " if near else ""
    sys.stderr.write(f"error: there is no command {words[0]!r}; {meant}crm-ml --help lists them\n")
    return 2


def _usage() -> str:
    width = max(map(len, COMMANDS)) + 2
    lines = (f"  {name:<{width}}{line}\n" for name, line in COMMANDS.items())
    return (
        "usage: crm-ml COMMAND ...\n\ncommands:\n"
        f"{''.join(lines)}\n"
        "crm-ml COMMAND --help says what a command takes; crm-ml --version shows the version.\n"
        "python -m crm_ml.train.compare is crm-ml train compare, and so on.\n"
    )


if __name__ == "__main__":
    sys.exit(main())
