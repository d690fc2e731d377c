"""``python -m crm_ml.train.reproduce RUN_ID``: run it again from what it logged and say where it differs."""

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crm_ml import commands

if TYPE_CHECKING:
    from rich.console import Console


DIFFERS = 4
_SHOWN = 8
_CACHE = "CRM_ML_CACHE"
POOLS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS", "CRM_ML_THREADS")


@dataclass(frozen=True)
class RunComparison:
    """A run as it was logged beside what it gives now.

    Parameters
    ----------
    run_id, name : str
    logged, now : dict
        Content by stage; a stage that did not come to be run again is absent from `now`.
    """

    run_id: str
    name: str
    logged: dict[str, Any]
    now: dict[str, Any]

    def differences(self, stage: str) -> list[str]:
        """Return what differs in a stage; none where it was not run again."""
        from crm_ml.train.record.fingerprints import differences

        return differences(self.logged[stage], self.now[stage]) if stage in self.now else []

    @property
    def first(self) -> str | None:
        """The first stage that differs; None where all are identical."""
        from crm_ml.train.record.account import COMPARED

        return next((stage for stage in COMPARED if self.differences(stage)), None)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run runs again and compare; return 0 if all are identical, 4 if one differs, 2 if one can't be run."""
    return commands.run(_main, arguments)


def _main(arguments: Sequence[str] | None) -> int:
    parser = commands.parser("crm_ml.train.reproduce", "Run again what was logged and compare.")
    parser.add_argument("run_ids", nargs="+", metavar="RUN_ID", help="as training shows it")
    parser.add_argument("--threads", type=int, metavar="N", help="fit on so many threads; results must agree")
    options = parser.parse_args(arguments)
    if options.threads is not None:
        if options.threads < 1:
            parser.error(f"--threads is {options.threads}; give a whole number above 0")
        os.environ.update(dict.fromkeys(POOLS, str(options.threads)))  # before any library reads it
    return max(commands.run(_reproduce, run_id, options.threads) for run_id in options.run_ids)


def compare(run_id: str, threads: int | None = None) -> RunComparison:
    """Run a run again from its logged config and compare; nothing is logged, registered or promoted.

    No feature matrix that was kept is read.

    Parameters
    ----------
    run_id : str
    threads : int, optional
        Of the models that count their threads; those of the config without it.

    Raises
    ------
    InputError
        If there is no such run, it was logged by an older version, or its data are missing.
    IntegrityError
        If its account does not agree with its sums.
    """
    from rich.console import Console
    from rich.progress import Progress

    from crm_ml.train import experiment
    from crm_ml.train.record import account
    from crm_ml.train.record.logged_run import logged_run
    from crm_ml.train.record.provenance import threads as threads_of

    run = logged_run(run_id, threads)
    console = Console(stderr=True)
    progress = Progress(console=console, transient=True, disable=not console.is_terminal)
    with progress, _nothing_kept():
        tables = experiment.load_tables(run.config)
        now = account.before_fitting(run.config, tables)
        if now["inputs"] == run.stages["inputs"]:
            outcome = experiment.execute(run.config, tables, progress)
            with tempfile.TemporaryDirectory() as parent:
                outcome.candidate.save(Path(parent) / "model")
                now |= account.after_fitting(run.config, outcome, Path(parent) / "model")
            now[account.TOLD]["threads"] = threads_of(tables)  # of the libraries that are loaded by now
    return RunComparison(run_id, run.name, run.stages, now)


@contextlib.contextmanager
def _nothing_kept() -> Iterator[None]:
    """Compute within the block what is otherwise kept between runs."""
    before = os.environ.get(_CACHE)
    os.environ[_CACHE] = "off"
    try:
        yield
    finally:
        os.environ.pop(_CACHE)
        if before is not None:
            os.environ[_CACHE] = before


def _reproduce(run_id: str, threads: int | None) -> int:
    from rich.console import Console

    comparison = compare(run_id, threads)
    _show(Console(), comparison)
    return 0 if comparison.first is None else DIFFERS


def _show(console: "Console", comparison: RunComparison) -> None:
    from rich.markup import escape
    from rich.table import Table

    from crm_ml.train.record.account import COMPARED, TOLD
    from crm_ml.train.record.fingerprints import content_sum

    table = Table(title=escape(f"{comparison.name}, run {comparison.run_id}"), title_justify="left")
    for column in ("stage", "then", "now", ""):
        table.add_column(column, no_wrap=True)
    for stage in COMPARED:
        ran = stage in comparison.now
        verdict = (
            ("differs" if comparison.differences(stage) else "identical") if ran else "not run: inputs differ"
        )
        now = content_sum(comparison.now[stage])[:12] if ran else ""
        table.add_row(stage, content_sum(comparison.logged[stage])[:12], now, verdict)
    console.print(table)
    for stage in (TOLD, *COMPARED):
        lines = comparison.differences(stage)
        for line in lines[:_SHOWN]:
            _say(console, f"{stage}{' (not compared)' if stage == TOLD else ''}: {line}")
        if len(lines) > _SHOWN:
            _say(console, f"{stage}: {len(lines) - _SHOWN} more differ")
    _say(console, "identical" if comparison.first is None else f"differs: {comparison.first}")


def _say(console: "Console", text: str) -> None:
    console.print(text, markup=False, highlight=False, soft_wrap=True)


if __name__ == "__main__":
    sys.exit(main())
