"""Earlier customers, whose ids stay: as returned, as a frame, or as published."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from crm_ml.errors import InputError
from crm_ml.identity.customers import Customers
from crm_ml.identity.published_customers import read_published

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

_COLUMNS = ("profile_id", "customer_id")


@dataclass(frozen=True, eq=False)
class EarlierCustomers:
    """Customers of before.

    Parameters
    ----------
    table : pyarrow.Table, optional
        profile_id and customer_id.
    retired : frozenset of str
        Ids that were used even earlier.
    """

    table: "pa.Table | None" = None
    retired: frozenset[str] = frozenset()


def earlier_of(previous: "Customers | pd.DataFrame | Path | None") -> EarlierCustomers:
    """Return earlier customers.

    Raises
    ------
    InputError
        If columns are absent, ids are null, or a profile stands twice; or nothing is published there.
    IntegrityError
        If published customers have changed.
    """
    if previous is None:
        return EarlierCustomers()
    if isinstance(previous, Customers):
        return EarlierCustomers(previous.table, previous.retired)
    if isinstance(previous, Path):
        published = read_published(previous)
        return EarlierCustomers(published.table, published.retired)
    return EarlierCustomers(_of_frame(previous))


def _of_frame(frame: "pd.DataFrame") -> "pa.Table":
    import pyarrow as pa

    if absent := sorted(set(_COLUMNS) - set(frame.columns)):
        raise InputError(f"previous: there is no column {', '.join(absent)}; give {' and '.join(_COLUMNS)}")
    own = frame[list(_COLUMNS)]
    faults = [f"{name} is null in {rows:,} rows" for name, rows in own.isna().sum().items() if rows]
    if several := int(own["profile_id"].duplicated().sum()):
        faults.append(f"profile_id repeats in {several:,} rows; a profile has one customer")
    if faults:
        raise InputError(f"previous: {'; '.join(faults)} (of {len(own):,})")
    schema = pa.schema([(name, pa.string()) for name in _COLUMNS])
    return pa.Table.from_pandas(own.astype("str"), schema=schema, preserve_index=False)
