"""Windows of the past: the summary at a snapshot, and the outcomes within its horizon."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from crm_ml.clv.customer_attributes import with_attributes
from crm_ml.clv.observed_outcomes import Outcomes, outcomes
from crm_ml.clv.summary import summarize
from crm_ml.clv.valuation_terms import Terms
from crm_ml.errors import InputError, LeakError
from crm_ml.snapshots import Snapshot, as_utc
from crm_ml.tables.bundle import Tables

if TYPE_CHECKING:
    import pandas as pd

Model = TypeVar("Model")
_RETAINED = 6


@dataclass(frozen=True, eq=False)
class ValidationWindow:
    """A snapshot with the summary of its customers and their outcomes afterwards."""

    snapshot: Snapshot
    summary: "pd.DataFrame"
    outcomes: Outcomes

    @property
    def terms(self) -> Terms:
        """Terms of the predicted value: undiscounted spend within the horizon."""
        return Terms(self.snapshot.horizon)

    @property
    def name(self) -> str:
        """Day of the snapshot."""
        return f"{self.snapshot.as_of:%Y-%m-%d}"


@dataclass(frozen=True)
class WindowSource:
    """The data that windows are taken from.

    Parameters
    ----------
    tables : Tables
    time_unit : {"D", "W"}
    customers : collection of str, optional
        Restrict to these; all by default.
    data_ends_at : date, optional
        First day that the tables do not cover.
    attributes : tuple of str
        Attributes of customers that stand beside their summary.
    """

    tables: Tables
    time_unit: str
    customers: Collection[str] | None = None
    data_ends_at: date | None = None
    attributes: tuple[str, ...] = ()
    _models: dict[tuple[str, datetime], Any] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )
    _summaries: "dict[datetime, pd.DataFrame]" = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def summary(self, as_of: date | datetime) -> "pd.DataFrame":
        """Return the summary at `as_of`, with the value of first purchases.

        The last six are retained, for windows that share a day; do not change them.

        Raises
        ------
        InputError
            As `summarize`, or if none of `customers` had bought.
        """
        moment = as_utc(as_of)
        if moment not in self._summaries:
            frame = summarize(self.tables, as_of, self.time_unit, with_first_value=True, data_ends_at=as_of)
            while len(self._summaries) >= _RETAINED:
                del self._summaries[next(iter(self._summaries))]
            own = self._own(frame, moment)
            if self.attributes:
                own = with_attributes(own, self.tables, self.attributes)
            self._summaries[moment] = own
        return self._summaries[moment]

    def _own(self, summary: "pd.DataFrame", moment: datetime) -> "pd.DataFrame":
        if self.customers is None:
            return summary
        own = summary[summary.index.isin(self.customers)]
        if own.empty:
            raise InputError(
                f"summary: of {len(summary):,} customers who had bought before {moment:%Y-%m-%d} none is "
                f"among the {len(self.customers):,} who allow target.purpose; name another or take later days"
            )
        return own

    def fitted(self, name: str, as_of: datetime, fit: "Callable[[pd.DataFrame], Model]") -> Model:
        """Return what `fit` makes of the summary at `as_of`, made once under a name."""
        if (name, as_of) not in self._models:
            self._models[name, as_of] = fit(self.summary(as_of))
        model: Model = self._models[name, as_of]
        return model

    def window(self, as_of: date | datetime, days: int) -> ValidationWindow:
        """Return the window of `days` days from `as_of` on.

        Raises
        ------
        InputError
            If the window ends after the data, or there is no purchase before `as_of`.
        """
        snapshot = Snapshot(as_utc(as_of), timedelta(days=days))
        summary = self.summary(as_of)
        observed = outcomes(
            self.tables, snapshot, summary, data_ends_at=self.data_ends_at, customers=self.customers
        )
        return ValidationWindow(snapshot, summary, observed)


def check_point_in_time(source: WindowSource, as_of: date) -> None:
    """Check that the summary at a day is exactly the same without all later rows.

    Raises
    ------
    LeakError
        If any customer or value differs.
    """
    known = Snapshot(as_utc(as_of), timedelta(days=1)).known(source.tables)
    if not source.summary(as_of).equals(replace(source, tables=known).summary(as_of)):
        raise LeakError(f"the summary of {as_of} changes when later rows are taken away; it knows the future")
