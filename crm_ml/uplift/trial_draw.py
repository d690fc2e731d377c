"""Whether the arms of trials are what a draw gives: counts, features and touches, before any verdict."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import narwhals as nw
import numpy as np

from crm_ml.customer_hash import customer_folds
from crm_ml.evaluation.arm_columns import arm_columns
from crm_ml.evaluation.draw_check import MOST_ROWS, DrawCheck, check_draw
from crm_ml.evaluation.randomisation_checks import SampleRatio, sample_ratio
from crm_ml.tables.bundle import Tables, to_pandas
from crm_ml.tables.zones import on_clock
from crm_ml.uplift.trial_rows import CampaignTrial, TrialRows

if TYPE_CHECKING:
    import pandas as pd

LARGEST_CONTAMINATION = 0.01
_PARTS = 10_000  # of the customers, of which a sample takes some


@dataclass(frozen=True)
class TouchCounts:
    """Touches of the trials' own campaigns, in rows of the trials.

    Parameters
    ----------
    controls, touched_controls : int
        Rows of the control, and those of them that were touched from the draw until the outcome ended.
    treated, untouched, several : int
        Rows of the other arms, those without a touch, and those with several.
    before : int
        Rows of any arm that were touched before the day of the draw.
    """

    controls: int
    touched_controls: int
    treated: int
    untouched: int
    several: int
    before: int

    def breaches(self) -> list[str]:
        """Return in words what makes the comparison useless.

        Touched controls shrink the effect by their share; what was sent before the draw is in the features.
        """
        breaches = []
        if self.touched_controls > LARGEST_CONTAMINATION * self.controls:
            breaches.append(
                f"touches: {self.touched_controls:,} of {self.controls:,} rows of the control "
                f"({self.touched_controls / self.controls:.1%}) were touched by their own campaign, above "
                f"{LARGEST_CONTAMINATION:.0%}; they are no control: find out why, or leave the campaign out"
            )
        rows = self.controls + self.treated
        if self.before > LARGEST_CONTAMINATION * rows:
            breaches.append(
                f"touches: {self.before:,} of {rows:,} rows were touched by their campaign before the day of "
                "the draw, so that features know of it; correct assigned_at"
            )
        return breaches

    def __str__(self) -> str:
        return (
            f"touched: {self.touched_controls:,} of {self.controls:,} controls; not touched: "
            f"{self.untouched:,} of {self.treated:,} treated, several times {self.several:,}"
        )


@dataclass(frozen=True, eq=False)
class TrialDraw:
    """What the check of a draw says.

    Parameters
    ----------
    ratio : SampleRatio, optional
        None where the probability of each arm is not known for each row.
    arms : mapping of str to DrawCheck
        Each treated arm against the control.
    touches : TouchCounts, optional
        None without a table of touches.
    breaches : tuple of str
        In words, beside those of the features.
    """

    ratio: SampleRatio | None
    arms: Mapping[str, DrawCheck]
    touches: TouchCounts | None
    breaches: tuple[str, ...] = ()

    @property
    def comparable(self) -> bool:
        """Whether features and touches show no trace of how the arm was chosen; counts are `ratio`."""
        return not self.breaches and all(check.holds for check in self.arms.values())

    @property
    def holds(self) -> bool:
        """Whether the sizes of the arms are as declared and the arms are comparable."""
        return not self.broken

    @property
    def reason(self) -> str:
        """What makes the arms not comparable, or else all figures."""
        failed = [f"{arm}: {check}" for arm, check in self.arms.items() if not check.holds]
        if self.comparable:
            failed = [f"{arm}: {check}" for arm, check in self.arms.items()]
            failed += [] if self.touches is None else [str(self.touches)]
        return "; ".join([*self.breaches, *failed])

    @property
    def broken(self) -> str:
        """What does not hold, in words; empty of a draw that holds."""
        counts = [] if self.ratio is None or self.ratio.holds else [f"sizes of the arms: {self.ratio}"]
        return "; ".join(counts + ([] if self.comparable else [self.reason]))

    def facts(self) -> dict[str, Any]:
        """Return the check as plain data."""
        return {
            "holds": self.holds,
            "breaches": list(self.breaches),
            "arms": {arm: asdict(check) for arm, check in self.arms.items()},
            "touches": None if self.touches is None else asdict(self.touches),
        }


def check_trials(rows: TrialRows, known: Sequence[CampaignTrial], tables: Tables, control: str) -> TrialDraw:
    """Check the draw of trials by all of their rows.

    Arms are compared within each trial. Declared probabilities that differ by row are what the arms are
    judged against; where they are the same for an arm in a trial, its counts are judged by themselves.

    Parameters
    ----------
    rows : TrialRows
    known : sequence of CampaignTrial
        All of the rows' trials.
    tables : Tables
        Of whose touches those of the trials are counted, where there are any.
    control : str
    """
    p, breaches = rows.probabilities(), []
    if p is None and rows.declared:
        breaches.append(
            "assignments: probabilities differ by row in one trial and say nothing of the other arms; give "
            "each group of equal probabilities a campaign of its own"
        )
    ratio = None if p is None else sample_ratio(rows.arm.to_numpy(), {str(a): p[a] for a in p}, rows.fold)
    touches = _touches(rows, known, tables, control)
    breaches += [] if touches is None else touches.breaches()
    if p is not None or not rows.declared:
        keep = _sample(rows)
        arms = _arms(rows.where(keep), None if p is None else p[keep], control)
    else:
        arms = {}
    return TrialDraw(ratio, arms, touches, tuple(breaches))


def _sample(rows: TrialRows) -> "np.ndarray[Any, np.dtype[np.bool_]]":
    """Return which rows are compared: all, or of so many that columns need much memory some customers."""
    most = MOST_ROWS * len(set(rows.arm))
    if len(rows.y) <= most:
        return np.ones(len(rows.y), dtype=bool)
    return customer_folds(np.asarray(rows.customer_id), _PARTS, key="draw check sample") < (
        _PARTS * most // len(rows.y)
    )


def _arms(rows: TrialRows, p: "pd.DataFrame | None", control: str) -> dict[str, DrawCheck]:
    """Return the comparison of each treated arm with the control."""
    named = sorted(set(rows.arm) - {control})
    by_trial = None if p is None else p.groupby(np.asarray(rows.fold))
    fixed = by_trial is None or bool((by_trial.max() == by_trial.min()).all(axis=None))
    columns, checks = arm_columns(rows.X), {}
    for arm in named if control in set(rows.arm) else []:
        keep = np.asarray(rows.arm.isin([control, arm]))
        ours = rows.where(keep)
        chance = None if fixed or p is None else (p[arm] / (p[arm] + p[control]))[keep]
        treated, ids = (ours.arm == arm).to_numpy(), np.asarray(ours.customer_id)
        part = columns.rows(keep)
        checks[arm] = check_draw(ours.X, treated, chance, np.asarray(ours.fold), ids, len(named), part)
    return checks


def _touches(
    rows: TrialRows, known: Sequence[CampaignTrial], tables: Tables, control: str
) -> TouchCounts | None:
    """Count the touches of each row by its own campaign, within the outcome window and before the draw."""
    import pandas as pd

    if not tables.has("touches"):
        return None
    windows = pd.DataFrame(
        {
            "campaign_id": [trial.campaign_id for trial in known],
            "trial": [str(trial) for trial in known],
            "first": [int(trial.as_of.timestamp()) for trial in known],
            "end": [int(trial.label_ends_at.timestamp()) for trial in known],
        }
    )
    touches = on_clock(tables.frame("touches"), "sent_at").filter(
        nw.col("campaign_id").is_in(list(windows["campaign_id"]))
    )
    sent = to_pandas(touches.select("campaign_id", "customer_id", sent="sent_at_epoch_s"))
    sent = sent.merge(windows, on="campaign_id")
    place = rows.X.index.get_indexer(pd.MultiIndex.from_frame(sent[["trial", "customer_id"]]))
    during = ((sent["sent"] >= sent["first"]) & (sent["sent"] < sent["end"])).to_numpy()
    earlier = (sent["sent"] < sent["first"]).to_numpy()
    count, before = (
        np.bincount(place[when & (place >= 0)], minlength=len(rows.y)) for when in (during, earlier)
    )
    untreated = (rows.arm == control).to_numpy()
    return TouchCounts(
        controls=int(untreated.sum()),
        touched_controls=int((count[untreated] > 0).sum()),
        treated=int((~untreated).sum()),
        untouched=int((count[~untreated] == 0).sum()),
        several=int((count[~untreated] > 1).sum()),
        before=int((before > 0).sum()),
    )
