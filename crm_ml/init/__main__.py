"""``python -m crm_ml.init DIR``: lay out a project of one's own."""

import sys
from collections.abc import Sequence
from pathlib import Path

from crm_ml import commands


def main(arguments: Sequence[str] | None = None) -> int:
    """Lay out a project and say what comes next; return the exit code, 2 where files are there already."""
    return commands.run(_main, arguments)


def _main(arguments: Sequence[str] | None) -> None:
    parser = commands.parser(
        "crm_ml.init", "Lay out a project: configs, a notebook, a Makefile. Writes over nothing."
    )
    parser.add_argument("folder", type=Path, metavar="DIR", help="folder of the project, made where absent")
    parser.add_argument(
        "--all", action="store_true", help="every config of the package, not only those of a first list"
    )
    options = parser.parse_args(arguments)
    _lay_out(options.folder, options.all)


def _lay_out(folder: Path, every_config: bool) -> None:
    from crm_ml.init.project_files import lay_out
    from crm_ml.next_steps import after_init

    paths = lay_out(folder, every_config)
    sys.stdout.write(f"{folder}: {len(paths)} files\n")
    sys.stdout.writelines(f"  {path}\n" for path in paths)
    sys.stdout.writelines(f"{line}\n" for line in after_init(folder))


if __name__ == "__main__":
    sys.exit(main())
