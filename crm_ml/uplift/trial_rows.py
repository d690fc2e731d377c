"""The rows of randomised campaigns: arms, features known before, and outcomes."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

import narwhals as nw
import numpy as np

from crm_ml.errors import InputError
from crm_ml.features import matrices
from crm_ml.features.expressions import day
from crm_ml.snapshots import DAY_S, Snapshot
from crm_ml.tables.bundle import Tables, need_tables, to_pandas
from crm_ml.tables.zones import on_clock

if TYPE_CHECKING:
    import pandas as pd

Groups = Sequence[str] | Mapping[str, Mapping[str, Any]]
Outcome = Literal["response", "order", "spend_cents"]


@dataclass(frozen=True)
class CampaignTrial:
    """A campaign whose arms were drawn on one day; its text is the fold of its rows.

    Parameters
    ----------
    campaign_id : str
    snapshot : Snapshot
        Features know what lies before the day of the draw; outcomes are those of its horizon.
    """

    campaign_id: str
    snapshot: Snapshot

    @property
    def as_of(self) -> datetime:
        """Day of the draw."""
        return self.snapshot.as_of

    @property
    def label_ends_at(self) -> datetime:
        """First moment after the window of the outcome."""
        return self.snapshot.label_ends_at

    def __str__(self) -> str:
        return f"{self.snapshot} campaign {self.campaign_id}"


@dataclass(frozen=True, eq=False)
class TrialRows:
    """Rows of trials.

    Parameters
    ----------
    X : pandas.DataFrame
        Features, indexed by trial and customer_id.
    arm : pandas.Series of str
        Arm of each row.
    y : pandas.Series of float
        Outcome: 0 or 1, or cents.
    probability : pandas.Series of float
        Declared probability of the row's own arm; NaN where none is declared.
    drawn_arms : tuple of str
        All arms of the draws, also those whose rows are left out.
    """

    X: "pd.DataFrame"
    arm: "pd.Series[str]"
    y: "pd.Series[float]"
    probability: "pd.Series[float]"
    drawn_arms: tuple[str, ...] = ()

    @property
    def fold(self) -> "pd.Index[str]":
        """Trial of each row."""
        return self.X.index.get_level_values("trial")

    @property
    def customer_id(self) -> "pd.Index[str]":
        """Customer of each row."""
        return self.X.index.get_level_values("customer_id")

    def where(self, keep: "np.ndarray[Any, np.dtype[np.bool_]]") -> "TrialRows":
        """Return some of the rows."""
        parts = {name: getattr(self, name)[keep] for name in ("X", "arm", "y", "probability")}
        return replace(self, **parts)

    @property
    def declared(self) -> bool:
        """Whether a probability is declared of every row."""
        return bool(self.probability.notna().all())

    def probabilities(self) -> "pd.DataFrame | None":
        """Return the declared probability of each arm for each row; None where it does not follow.

        It follows where the rows of an arm have one probability in a trial (0 for an arm that a trial lacks),
        and of two arms from the row's own.

        Returns
        -------
        pandas.DataFrame, shape (n, arms), optional
            Its columns are the arms, in ascending order.
        """
        import pandas as pd

        if not self.declared:
            return None
        names = sorted(set(self.arm))
        by_arm = self.probability.groupby([np.asarray(self.fold), self.arm.to_numpy()])
        if (by_arm.max() == by_arm.min()).all():
            table = by_arm.first().unstack(fill_value=0)  # noqa: PD010  (a series has no pivot_table)
            return table.loc[np.asarray(self.fold)].set_axis(self.X.index)
        if len(names) != 2 or len(self.drawn_arms or names) != 2:
            return None
        own = self.probability.to_numpy()
        columns = {name: np.where(self.arm == name, own, 1 - own) for name in names}
        return pd.DataFrame(columns, index=self.X.index)


def trials(tables: Tables, horizon: timedelta) -> list[CampaignTrial]:
    """Return the randomised campaigns in the order of time.

    Parameters
    ----------
    tables : Tables
        With assignments.
    horizon : timedelta
        Length of the outcome window, from the day of the draw on.

    Raises
    ------
    InputError
        If there is no assignment, or a campaign was drawn on several days; the message names all.
    """
    need_tables(tables, "uplift.trials")
    drawn = day(nw.col("assigned_at_epoch_s"))
    assigned = on_clock(tables.frame("assignments"), "assigned_at")
    rows = assigned.select("campaign_id", drawn=drawn).unique()
    draws = to_pandas(rows).sort_values(["drawn", "campaign_id"])
    several = sorted(set(draws["campaign_id"][draws["campaign_id"].duplicated()]))
    if not len(draws) or several:
        raise InputError(
            f"assignments: {len(draws):,} draws, on several days in {', '.join(several) or 'none'}; an "
            "outcome window starts with the draw, so give each day of it a campaign of its own"
        )
    return [
        CampaignTrial(str(name), Snapshot(datetime.fromtimestamp(int(drawn) * DAY_S, tz=UTC), horizon))
        for name, drawn in draws.itertuples(index=False)
    ]


def trial_rows(
    tables: Tables,
    wanted: Iterable[CampaignTrial],
    outcome: Outcome,
    kind: str | None,
    groups: Groups | None = None,
    seen: "Callable[[Snapshot, pd.DataFrame], None] | None" = None,
    track: Callable[[Iterable[Any]], Iterable[Any]] = iter,
) -> TrialRows:
    """Compute features, arms and outcomes of each trial.

    Parameters
    ----------
    tables : Tables
    wanted : iterable of CampaignTrial
        Their features are computed together, see `crm_ml.features.matrices`.
    outcome : {"response", "order", "spend_cents"}
        Any response to the campaign, any order, or cents paid within the window.
    kind : str, optional
        Of the responses that count; all without it.
    groups : sequence of str or mapping, optional
        Feature groups, as `crm_ml.features.matrix` takes them.
    seen : callable, optional
        Called with each snapshot and the features of all customers who were known at it.
    track : callable, optional
        Wraps what is iterated over, one element a snapshot, such as ``rich.progress.Progress.track``.

    Returns
    -------
    TrialRows
        In the order of trial and customer_id. A customer of whom nothing was known has missing values.

    Raises
    ------
    InputError
        If there is no trial.
    """
    import pandas as pd

    X: dict[str, pd.DataFrame] = {}
    rest: dict[str, pd.DataFrame] = {}
    by_day: dict[Snapshot, list[CampaignTrial]] = {}
    for trial in wanted:
        by_day.setdefault(trial.snapshot, []).append(trial)
    for snapshot, known in track(zip(by_day, matrices(tables, by_day, groups), strict=True)):
        for trial in by_day[snapshot]:
            drawn = _drawn(tables, trial)
            rest[str(trial)] = drawn.assign(y=_outcomes(tables, trial, outcome, kind, drawn.index))
            X[str(trial)] = known.reindex(drawn.index)
        if seen is not None:
            seen(snapshot, known)
    if not X:
        raise InputError("no trials to take rows from; give at least one")
    names = ["trial", "customer_id"]
    joined = pd.concat(dict(sorted(rest.items())), names=names)
    features = pd.concat(dict(sorted(X.items())), names=names)
    drawn_arms = tuple(sorted(set(joined["arm"])))
    return TrialRows(features, joined["arm"], joined["y"], joined["probability"], drawn_arms)


def _drawn(tables: Tables, trial: CampaignTrial) -> "pd.DataFrame":
    """Return arm and probability of the customers of a trial, in ascending order of their ids."""
    rows = tables.frame("assignments").filter(nw.col("campaign_id") == trial.campaign_id)
    columns = rows.collect_schema().names()
    p = nw.col("probability") if "probability" in columns else nw.lit(None)
    assigned = to_pandas(rows.select("customer_id", "arm", probability=p.cast(nw.Float64)))
    return assigned.set_index("customer_id").sort_index().astype({"probability": "float64"})


def _outcomes(
    tables: Tables, trial: CampaignTrial, outcome: Outcome, kind: str | None, customers: "pd.Index[str]"
) -> "pd.Series[float]":
    import pandas as pd

    if outcome == "response":
        rows = tables.frame("responses").filter(nw.col("campaign_id") == trial.campaign_id)
        rows = rows if kind is None else rows.filter(nw.col("kind") == kind)
        later = trial.snapshot.future(rows, at="responded_at")
        outcomes = later.group_by("customer_id").agg(nw.len().alias("y"))
    else:
        sold = trial.snapshot.future(tables.frame("orders"), at="ordered_at")
        sums = {"order": nw.col("purchase").max(), "spend_cents": nw.col("paid_cents").sum()}
        outcomes = sold.group_by("customer_id").agg(sums[outcome].alias("y"))
    observed = to_pandas(outcomes.select("customer_id", "y")).set_index("customer_id")["y"].astype(float)
    values: pd.Series[float] = observed.reindex(customers).fillna(0.0)
    return values if outcome == "spend_cents" else (values > 0).astype(float)
