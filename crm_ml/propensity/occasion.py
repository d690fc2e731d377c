"""An action or a category at a moment, whose response is predicted."""

from dataclasses import dataclass
from datetime import datetime

from crm_ml.propensity.covered_items import Covers
from crm_ml.snapshots import Snapshot


@dataclass(frozen=True)
class Occasion:
    """What customers may respond to; its name is the fold of its rows.

    Parameters
    ----------
    name : str
    kind : str
        Such as the kind of a campaign; the history with the same kind is a feature.
    snapshot : Snapshot
        Features use what lies before it; its horizon is the window of the response.
    covers : Covers
        Items on offer.
    campaign_id : str, optional
        Where it is a campaign that was sent.
    """

    name: str
    kind: str
    snapshot: Snapshot
    covers: Covers
    campaign_id: str | None = None

    @property
    def as_of(self) -> datetime:
        """Moment before which the features look."""
        return self.snapshot.as_of

    @property
    def label_ends_at(self) -> datetime:
        """First moment after the window of the response."""
        return self.snapshot.label_ends_at

    def __str__(self) -> str:
        return self.name
