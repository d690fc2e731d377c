"""The config of an experiment of returns."""

from datetime import date, timedelta
from typing import Literal

from crm_ml.config.parts import Positive
from crm_ml.config.probability import ProbabilityRun
from crm_ml.config.split import SnapshotSplit
from crm_ml.snapshots import Snapshot
from crm_ml.tables.strict import Strict


class ReturnsTarget(Strict):
    """The next order within the horizon, and whether it is sent back by its end."""

    horizon_days: Positive

    def snapshot(self, as_of: date) -> Snapshot:
        """Return the snapshot of this target at a day."""
        return Snapshot(as_of, timedelta(days=self.horizon_days))


class ReturnsRun(ProbabilityRun):
    """An experiment of returns: one file of ``configs/returns/``."""

    family: Literal["returns"]
    target: ReturnsTarget
    split: SnapshotSplit


RUN = ReturnsRun
