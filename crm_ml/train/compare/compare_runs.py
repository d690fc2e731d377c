"""Comparison of logged runs on the rows that both have judged."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from crm_ml.errors import ConfigError

if TYPE_CHECKING:
    from crm_ml.train.compare.paired import Comparison


def compare(runs: Sequence[str], stores: Sequence[str] = (), out: Path | None = None) -> "Comparison":
    """Compare runs of one family on the test rows that they share.

    Parameters
    ----------
    runs : sequence of str
        At least two; see `crm_ml.train.compare.stores.find_runs`. Differences are to the first.
    stores : sequence of str
        Further tracking stores in which they are sought.
    out : Path, optional
        Folder to write, see `crm_ml.train.compare.comparison_report.write`.

    Returns
    -------
    Comparison
        With seed and replicates of the first run. Values on all of its rows are the logged ones; intervals
        agree with the logged ones but for the draws, since rows are kept in the order of their pseudonyms.

    Raises
    ------
    ConfigError
        If fewer than two runs are named.
    InputError
        If a run is not found, or the runs can't be compared, see `crm_ml.train.compare.paired`.
    AlreadyPublished
        If `out` stands already.
    """
    from crm_ml.train.compare import comparison_report
    from crm_ml.train.compare.paired import compare_rows
    from crm_ml.train.compare.stores import find_runs

    if len(runs) < 2:
        raise ConfigError(f"name at least two runs to compare, not {len(runs)}")
    named_runs = find_runs(runs, stores)
    comparison = compare_rows({run.label: run.rows for run in named_runs})
    if out is not None:
        comparison_report.write(comparison, named_runs, out)
    return comparison
