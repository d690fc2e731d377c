"""Compare medians of accepted numbers with recorded ones, to detect changed units."""

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crm_ml.errors import InputError
from crm_ml.storage.regular_file import read_json
from crm_ml.tables.sources import inside
from crm_ml.tables.sql import ident
from crm_ml.tables.staging import Staged

if TYPE_CHECKING:
    import duckdb

WARN_FACTOR = 5
REFUSE_FACTOR = 50


def record_medians(connection: "duckdb.DuckDBPyConnection", staged: Staged) -> None:
    """Record the non-zero medians of amounts and integers in the report."""
    names = [c.name for c in staged.columns if c.kind in ("cents", "integer") and c.name in staged.mapped]
    if not names:
        return
    medians = ", ".join(f"quantile_disc({ident(name)}, 0.5)" for name in names)
    row = connection.execute(f"SELECT {medians} FROM {ident('good_' + staged.name)}").fetchone()
    staged.report.medians = {name: int(value) for name, value in zip(names, row or (), strict=False) if value}


def compare_medians(tables: dict[str, Staged], profile: str | None, root: Path) -> None:
    """Compare with recorded medians: warn of a factor of 5 or more, refuse one of 50 or more.

    Parameters
    ----------
    tables : dict of str to Staged
    profile : str, optional
        Path of JSON as ``CleaningReport.profile`` gives it: table, column, median.
    root : Path
    """
    if profile is None:
        return
    recorded = _read(inside(root, profile, must_exist=True), root)
    for name, columns in recorded.items():
        medians = tables[name].report.medians if name in tables else {}
        for column, before in columns.items():
            now = medians.get(column)
            if not now or not before:
                continue
            factor = max(abs(now / before), abs(before / now))
            text = f"the median of {column} is {now:,}, recorded was {before:,} (factor {factor:,.0f})"
            if factor >= REFUSE_FACTOR:
                tables[name].refusals.append(f"{text}; check its unit, or record a new profile")
            elif factor >= WARN_FACTOR:
                tables[name].report.warnings.append(text)


def _finite(value: Any) -> float:
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(f"{number} is no median")
    return number


def _read(path: Path, root: Path) -> dict[str, dict[str, float]]:
    try:
        content: Any = read_json(path, root=root)
        return {str(t): {str(c): _finite(v) for c, v in columns.items()} for t, columns in content.items()}
    except (ValueError, OverflowError, AttributeError, TypeError) as error:
        raise InputError(f"{path.name} is no profile of medians: {error}") from error
