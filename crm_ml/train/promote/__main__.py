"""``python -m crm_ml.train.promote NAME``: champion by gate, by hand, and back again."""

import sys
from collections.abc import Sequence

from crm_ml import commands
from crm_ml.train.promote.promotion import by_hand, rollback


def main(arguments: Sequence[str] | None = None) -> int:
    """Promote a version, or roll back to the previous champion; return the exit code."""
    return commands.run(_main, arguments)


def _main(arguments: Sequence[str] | None) -> None:
    parser = commands.parser(
        "crm_ml.train.promote", "Make a version of a registered model champion by hand, or roll back."
    )
    parser.add_argument("name", metavar="NAME", help="registered name, such as churn")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--version", metavar="N", help="version to promote; the challenger without it")
    which.add_argument("--rollback", action="store_true", help="make the previous champion champion again")
    parser.add_argument("--reason", default="", metavar="TEXT", help="why, kept beside the model")
    options = parser.parse_args(arguments)
    _promote(options.name, options.version, options.rollback, options.reason)


def _promote(name: str, version: str | None, back: bool, reason: str) -> None:
    done = rollback(name, reason) if back else by_hand(name, version, reason)
    was = "" if done.was in (None, done.champion) else f" (was version {done.was})"
    print(f"{done.name} version {done.champion} is champion{was}: {done.reason}")  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())
