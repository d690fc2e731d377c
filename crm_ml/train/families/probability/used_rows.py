"""Which rows and which columns an experiment uses."""

import fnmatch
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from crm_ml import features
from crm_ml.config.probability import ProbabilityRun
from crm_ml.consents import check_purpose, consenting, nobody_allows
from crm_ml.errors import ConfigError
from crm_ml.models.labelled_rows import LabelledRows
from crm_ml.snapshots import Snapshot
from crm_ml.tables import Tables

SEGMENTS = "lifecycle"  # the group whose columns make the segments, computed even where no model uses it


def groups_of(config: ProbabilityRun) -> dict[str, Mapping[str, Any]] | None:
    """Return the feature groups of the rows: those of the config and of the segments; None for all."""
    return None if config.groups is None else {SEGMENTS: {}, **config.groups}


def used_rows(rows: LabelledRows, config: ProbabilityRun, extra: Iterable[str] = ()) -> LabelledRows:
    """Return the rows with the features of the model; `extra` names columns beyond the feature groups.

    Raises
    ------
    ConfigError
        As `left_out`.
    """
    dropped = left_out(rows.X.columns, config.leave_out, extra)
    if config.features is not None and SEGMENTS not in config.features:
        dropped += [name for name in rows.X.columns if name.startswith(f"{SEGMENTS}_")]
    return replace(rows, X=rows.X.drop(columns=sorted(set(dropped))))


def allowed_rows(tables: Tables, rows: LabelledRows, snapshot: Snapshot, purpose: str | None) -> LabelledRows:
    """Return the rows of customers who allow `purpose` at the snapshot of the final model.

    Raises
    ------
    ConfigError
        If tables and purpose do not fit, see `crm_ml.consents.check_purpose`.
    InputError
        If no row is of such a customer.
    """
    check_purpose(tables, purpose)
    if purpose is None:
        return rows
    allowed = rows.where(rows.customer_id.isin(consenting(tables, snapshot, purpose)))
    if not len(allowed.y):
        raise nobody_allows(tables, snapshot, purpose, f"the customers of {len(rows.y):,} rows")
    return allowed


def left_out(columns: Iterable[str], patterns: Iterable[str], extra: Iterable[str] = ()) -> list[str]:
    """Return the columns that match a pattern.

    A pattern may match nothing where the tables lack what its group needs, such as touches.

    Raises
    ------
    ConfigError
        If a pattern matches no feature of any group, and none of `extra`; or if no feature is left.

    Examples
    --------
    >>> left_out(["rfm_orders", "timing_monday_share"], ["timing_*"])
    ['timing_monday_share']
    >>> left_out(["rfm_orders"], ["*"])
    Traceback (most recent call last):
    ...
    crm_ml.errors.ConfigError: leave_out: * leave no feature; there are rfm_orders
    """
    names = list(columns)
    by_pattern = {pattern: fnmatch.filter(names, pattern) for pattern in patterns}
    declared = [name for group in features.groups().values() for name in group.COLUMNS] + list(extra)
    empty = [
        pattern
        for pattern, matches in by_pattern.items()
        if not (matches or fnmatch.filter(declared, pattern))
    ]
    if empty:
        raise ConfigError(f"leave_out: {', '.join(empty)} match no feature; there are {', '.join(names)}")
    dropped = {name for matches in by_pattern.values() for name in matches}
    if dropped and dropped == set(names):
        raise ConfigError(
            f"leave_out: {', '.join(by_pattern)} leave no feature; there are {', '.join(names)}"
        )
    return sorted(dropped)
