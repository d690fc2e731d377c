"""``python -m crm_ml.train.promote NAME``: champion by gate, by hand, and back again."""

import argparse
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from crm_ml.errors import CrmError
from crm_ml.train.promote.promotion import by_hand, rollback

if TYPE_CHECKING:
    pass


def main(arguments: Sequence[str] | None = None) -> int:
    """Promote a version, or roll back to the previous champion; return the exit code."""
    parser = argparse.ArgumentParser(
        "python -m crm_ml.train.promote",
        description="Make a version of a registered model champion by hand, or roll back.",
    )
    parser.add_argument("name", metavar="NAME", help="registered name, such as churn")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--version", metavar="N", help="version to promote; the challenger without it")
    which.add_argument("--rollback", action="store_true", help="make the previous champion champion again")
    parser.add_argument("--reason", default="", metavar="TEXT", help="why, kept beside the model")
    given = parser.parse_args(arguments)
    try:
        done = (
            rollback(given.name, given.reason)
            if given.rollback
            else by_hand(given.name, given.version, given.reason)
        )
    except CrmError as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201
        return error.exit_code
    was = "" if done.was in (None, done.champion) else f" (was version {done.was})"
    print(f"{done.name} version {done.champion} is champion{was}: {done.reason}")  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
