"""The profiles that registered models carry, by which scoring sees that its data are unlike theirs."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from crm_ml.customer_hash import customer_folds
from crm_ml.models.row_draw import evenly
from crm_ml.monitoring.training_profile import Profile, ProfiledColumn, ProfiledDay, profile_columns, rate_key

if TYPE_CHECKING:
    import pandas as pd

    from crm_ml.evaluation.predictions import Predictions
    from crm_ml.models.labelled_rows import LabelledRows
    from crm_ml.snapshots import Snapshot

MOST_CUSTOMERS = 50_000
OCCASIONS = 2
Scores = Mapping[str, npt.NDArray[np.float64]]


@dataclass(frozen=True, eq=False)
class Seen:
    """All customers that a model would have scored at a moment, with the features it would have had.

    Parameters
    ----------
    as_of : datetime
    X : pandas.DataFrame
    group : str
        Kind of the action, where the model has kinds.
    """

    as_of: datetime
    X: "pd.DataFrame"
    group: str = ""


@dataclass(eq=False)
class Known:
    """Keeps what was known of all customers at some moments, while the rows of training are computed.

    Of more than fifty thousand customers a part is kept that a hash of their ids has drawn.

    Parameters
    ----------
    wanted : collection of datetime
    """

    wanted: frozenset[datetime]
    frames: "dict[datetime, pd.DataFrame]" = field(default_factory=dict)
    customers: dict[str, int] = field(default_factory=dict)

    @classmethod
    def newest(cls, occasions: Iterable[Any], kind: Callable[[Any], str]) -> "Known":
        """Want the newest moments of each kind of occasion."""
        by_kind: dict[str, set[datetime]] = {}
        for occasion in occasions:
            by_kind.setdefault(kind(occasion), set()).add(occasion.as_of)
        return cls(frozenset(as_of for moments in by_kind.values() for as_of in sorted(moments)[-OCCASIONS:]))

    def keep(self, snapshot: "Snapshot", known: "pd.DataFrame") -> None:
        """Keep the features of a snapshot, if it is wanted."""
        if snapshot.as_of not in self.wanted:
            return
        self.customers[str(snapshot)] = len(known)
        parts = -(-len(known) // MOST_CUSTOMERS)
        if parts > 1:
            known = known[customer_folds(np.asarray(known.index), parts, key="profile") == 0]
        self.frames[snapshot.as_of] = known

    def allowed(self, customers: Iterable[str] | None) -> "Known":
        """Return the same of some customers only; all without them. How many were known stays."""
        if customers is None:
            return self
        ids = set(customers)
        frames = {as_of: known[known.index.isin(ids)] for as_of, known in self.frames.items()}
        return Known(self.wanted, frames, self.customers)


def of_labelled(
    rows: "LabelledRows",
    training: Sequence[Any],
    tested: "tuple[Sequence[Any], Predictions, str]",
    score: str,
    customers: Mapping[str, int],
) -> Profile:
    """Return the profile of a model that scores whom it was trained on: features, scores, base rates.

    Scores are those of the test rows, by models that had not seen them: scores of training rows are too sure.

    Parameters
    ----------
    rows : LabelledRows
    training : sequence of Snapshot
    tested : tuple of sequence of Snapshot, Predictions, and str
        Test snapshots, what was said of their rows, and the name of the model in it.
    score : str
        Column of the score, such as ``"p_churn"``.
    customers : mapping of str to int
        By training day.
    """
    import pandas as pd

    tests, predictions, model = tested
    lag = (training[-1].label_ends_at - training[-1].as_of).days
    by_day = {snapshot: rows.to_train([snapshot]) for snapshot in training}
    days = [ProfiledDay(snapshot.as_of.toordinal(), evenly(day).X) for snapshot, day in by_day.items()]
    judged = [
        ProfiledDay(
            snapshot.as_of.toordinal(),
            pd.DataFrame({score: predictions.p[model][predictions.fold == str(snapshot)]}),
        )
        for snapshot in tests
    ]
    rates = {str(snapshot): day.rate for snapshot, day in by_day.items()}
    rates |= {
        str(snapshot): float(predictions.y[predictions.fold == str(snapshot)].mean()) for snapshot in tests
    }
    named = {
        str(snapshot): int(customers.get(str(snapshot), 0)) or len(day.y) for snapshot, day in by_day.items()
    }
    key = rate_key(score)
    return Profile(profile_columns(days, lag), profile_columns(judged, lag), named, {key: rates}, (key,))


def of_seen(
    seen: Sequence[Seen],
    predict: "Callable[[pd.DataFrame], Scores]",
    customers: Mapping[str, int],
    leave_out: Iterable[str] = (),
) -> Profile:
    """Return the profile of a model that scores everybody, whoever it was trained on.

    Its rates are mean scores: no label says what all of them would have done.

    Parameters
    ----------
    seen : sequence of Seen
        With the columns of the model.
    predict : callable
        The final model: a frame to scores by their column.
    customers : mapping of str to int
        Known at the moments of `seen`.
    leave_out : iterable of str
        Columns that belong to the action; the catalogue decides what they are.
    """
    first = {
        moment.as_of: moment.X.drop(columns=list(leave_out), errors="ignore") for moment in reversed(seen)
    }
    days = [ProfiledDay(as_of.toordinal(), X) for as_of, X in sorted(first.items())]
    scores: list[ProfiledColumn] = []
    rates: dict[str, dict[str, float]] = {}
    for group in sorted({moment.group for moment in seen}):
        predicted = {moment.as_of: predict(moment.X) for moment in seen if moment.group == group}
        scores += score_columns(predicted, group)
        for as_of, by_score in predicted.items():
            for name in (name for name in by_score if name.startswith("p_")):
                rates.setdefault(rate_key(name, group), {})[f"{as_of:%Y-%m-%d}"] = float(
                    by_score[name].mean()
                )
    counted = dict(sorted(customers.items()))
    return Profile(profile_columns(days, 1), tuple(scores), counted, rates)


def score_columns(predicted: Mapping[datetime, Scores], group: str) -> list[ProfiledColumn]:
    """Return the profiles of scores that were predicted at some moments."""
    import pandas as pd

    days = [
        ProfiledDay(as_of.toordinal(), pd.DataFrame(dict(by_score)))
        for as_of, by_score in sorted(predicted.items())
    ]
    return list(profile_columns(days, 1, group))
