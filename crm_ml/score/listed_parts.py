"""The last step of a list for a part: what its customers get, when, and why, as rows of the list."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import narwhals as nw

from crm_ml.actions.consent_check import check_consent
from crm_ml.actions.contact.send_time import send_times
from crm_ml.decision.allocator import ListAllocation, write_allocated
from crm_ml.decision.open_actions import choose
from crm_ml.lists.list_file import write_rows
from crm_ml.lists.not_selected import HoldOutShares, write_not_selected
from crm_ml.score.part_job import PartJob, ScoredPart
from crm_ml.score.weighed_parts import WEIGHED_FILE, Place, scratch_of
from crm_ml.tables.engine import connect

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

ROWS_FILE, NOT_SELECTED_ROWS = "rows.parquet", "not_selected.parquet"


@dataclass(frozen=True, eq=False)
class ListPart:
    """Write the rows of a part, `ROWS_FILE` and `NOT_SELECTED_ROWS` of its scratch folder.

    Parameters
    ----------
    job : PartJob
    scored : sequence of ScoredPart
    allocation : ListAllocation
    shares : HoldOutShares
    hours : mapping of str to numpy.ndarray, shape (168,)
        Share of each hour of the week that is expected in each segment.
    scratch : Path
    """

    job: PartJob
    scored: Sequence[ScoredPart]
    allocation: ListAllocation
    shares: HoldOutShares
    hours: "Mapping[str, npt.NDArray[np.float64]]"
    scratch: Path

    def __call__(self, number: int) -> Path:
        """Write the rows of a part and return its folder.

        Raises
        ------
        InputError
            If a row has no consent.
        """
        job, folder = self.job, scratch_of(self.job, self.scratch, number)
        weighed, of_part = folder / WEIGHED_FILE, self.allocation.of_part(number)
        write_allocated(weighed, of_part, folder / "allocated.parquet")
        write_not_selected(weighed, of_part, job.header, self.shares, folder / NOT_SELECTED_ROWS)
        with connect() as connection:
            place = Place(connection, folder)
            chosen = choose(place.scan(weighed.stem), place.scan("allocated"), len(job.header.actions))
            timed = self._timed(place.written(chosen, "chosen"), place)
            place.written(self.scored[number].tables(job).with_features(connection, timed), "decided")
            write_rows(folder / "decided.parquet", job.header, job.models.reasons, folder / ROWS_FILE)
            self._check_again(number, place)
        return folder

    def _timed(self, chosen: "nw.LazyFrame[Any]", place: Place) -> "nw.LazyFrame[Any]":
        """Add when to send to each customer."""
        rules, zone = self.job.catalog.contact_policy, self.job.parted.zone
        customers = chosen.select("customer_id")
        planned = send_times(place.scratch, self.job.snapshot, rules, zone, customers, self.hours)
        if planned is None:
            return chosen.with_columns(send_at_epoch_s=nw.lit(None, dtype=nw.Int64))
        return chosen.join(place.written(planned, "planned"), on="customer_id", how="left")

    def _check_again(self, number: int, place: Place) -> None:
        """Ask the consents table once more, now about the rows that were written."""
        consent = self.job.consent(self.job.parted.part(self.job.part(number)))
        rows = place.scan(Path(ROWS_FILE).stem).select("customer_id", "action_id")
        check_consent(rows, self.job.identities, place.brought(consent, "consent_again"))
