"""What features may know of all customers together, so that a part of them has the same features alone."""

from dataclasses import dataclass
from datetime import UTC, datetime

import narwhals as nw

from crm_ml.errors import InputError
from crm_ml.features.expressions import without_refunds
from crm_ml.snapshots import DAY_S, Snapshot
from crm_ml.tables.bundle import Tables, to_pandas
from crm_ml.tables.zones import on_clock


@dataclass(frozen=True)
class SnapshotConstants:
    """Numbers of the whole tables; all else in a feature follows from the rows of its customer.

    Parameters
    ----------
    begins_at_local_s : int or None
        What the clock of the tables' zone shows at the oldest order of any customer, in seconds since
        1970-01-01 0:00: how far back the tables know. None if they have no order.

    Examples
    --------
    >>> from datetime import timedelta
    >>> constants = SnapshotConstants(begins_at_local_s=0)
    >>> constants.history_days(Snapshot("1970-01-29", timedelta(days=28)))
    28
    """

    begins_at_local_s: int | None

    @classmethod
    def of(cls, tables: Tables) -> "SnapshotConstants":
        """Return the constants of tables with all customers."""
        orders = on_clock(without_refunds(tables.frame("order_lines")), "ordered_at")
        times = to_pandas(orders.select(nw.col("ordered_at_epoch_s").min()))["ordered_at_epoch_s"].dropna()
        return cls(None if times.empty else int(times.iloc[0]))

    def history_days(self, snapshot: Snapshot) -> int:
        """Return the number of days from the oldest order until a snapshot, at least 1."""
        if self.begins_at_local_s is None:
            return 1
        return max(1, (snapshot.clock_s - 1 - self.begins_at_local_s) // DAY_S + 1)


def constants_for(tables: Tables, constants: SnapshotConstants | None) -> SnapshotConstants:
    """Return the constants that features of tables are computed with: those of the tables by default.

    Parameters
    ----------
    tables : Tables
    constants : SnapshotConstants, optional
        Of the tables with all customers, if `tables` have a part of them.

    Raises
    ------
    InputError
        If an order of `tables` is older than the constants say.
    """
    own = SnapshotConstants.of(tables)
    if constants is None or own.begins_at_local_s is None:
        return constants or own
    if constants.begins_at_local_s is None or constants.begins_at_local_s > own.begins_at_local_s:
        raise InputError(
            f"features: the oldest order of the tables is of {_moment(own)}, and that of the constants of "
            f"{_moment(constants)}; give SnapshotConstants.of the tables with all customers"
        )
    return constants


def _moment(constants: SnapshotConstants) -> str:
    local_s = constants.begins_at_local_s
    return "no time" if local_s is None else f"{datetime.fromtimestamp(local_s, UTC):%Y-%m-%d %H:%M:%S}"
