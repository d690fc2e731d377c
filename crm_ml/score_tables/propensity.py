"""The score table of an action: how probable its answer is for each customer, and the action's features."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar

import narwhals as nw

from crm_ml.actions.action_value import Answer
from crm_ml.actions.catalog import Action
from crm_ml.errors import InputError
from crm_ml.monitoring.training_profile import Profile
from crm_ml.propensity.action_features import COLUMNS, action_features
from crm_ml.propensity.campaign_responses import sent_campaigns
from crm_ml.propensity.covered_items import Covers
from crm_ml.propensity.event_occasions import events_in
from crm_ml.propensity.occasion import Occasion
from crm_ml.propensity.purchases import purchases_in
from crm_ml.score_tables.reason_codes import reasons_of
from crm_ml.score_tables.score_rows import chunks, probabilities, score_rows, score_schema
from crm_ml.score_tables.source import Label, Output, ScoringDay, Source
from crm_ml.score_tables.usual_action import usual_action
from crm_ml.snapshots import Snapshot
from crm_ml.storage import parquet
from crm_ml.tables.bundle import Tables, to_pandas

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import pyarrow as pa

    from crm_ml.tracking import ModelVersion

COLUMN = "p_response"
SCORES = (COLUMN,)
NEEDS = ("kinds", "features", "target")
_KIND, *_NUMBERS = COLUMNS
_BY = {"purchases": "category", "events": "event"}
_EVALUATE = "python -m crm_ml.score.evaluate LIST compares those who were contacted with those held out"


@dataclass(frozen=True, eq=False, kw_only=True)
class PropensitySource(Source):
    """A propensity model as scoring needs it.

    Parameters
    ----------
    predict : callable
        Features of customers and of the action, indexed by customer_id, to p_response, one a row.
    kinds : collection of str
        Kinds of action that the model has learned from.
    target : mapping
        Of the config that it was trained by.
    """

    family: ClassVar[str] = "propensity"
    scores: ClassVar[tuple[str, ...]] = SCORES
    per_action: ClassVar[bool] = True
    beside: ClassVar[tuple[str, ...]] = tuple(COLUMNS)

    predict: "Callable[[pd.DataFrame], np.ndarray[Any, Any]]"
    kinds: Collection[str]
    target: Mapping[str, Any] = field(default_factory=dict)

    def asks(self, action: Action) -> bool:
        """Say whether the action has an answer that is predicted."""
        return action.value.answer is not None

    def usual_actions(self, tables: Tables, snapshot: Snapshot) -> Sequence[Action]:
        """Return an action for each category or event of the model, or the newest campaign of each kind."""
        by = _BY.get(str(self.target.get("of")))
        if by is not None:
            days = int(self.target["horizon_days"])
            return [_about(by, name, (name,), days) for name in self.kinds]
        newest = {
            occasion.kind: occasion
            for occasion in sent_campaigns(tables)
            if occasion.as_of < snapshot.as_of and occasion.kind in self.kinds
        }
        return [
            _about("campaign", kind, (str(occasion.campaign_id),), occasion.snapshot.horizon.days)
            for kind, occasion in sorted(newest.items())
        ]

    def group_of(self, action: Action) -> str:
        """Return the kind of the action."""
        return "" if action.value.answer is None else action.value.answer.kind

    def breaches(self, actions: Sequence[Action], tables: Tables) -> list[str]:
        """Return the actions of a kind that was never seen, and answers that cover no item."""
        breaches = []
        for action in actions:
            if action.value.answer is None:
                continue
            if action.value.answer.kind not in self.kinds:
                known = ", ".join(sorted(self.kinds))
                breaches.append(
                    f"{action.action_id}: {self.name} never saw an action of kind "
                    f"{action.value.answer.kind}, only {known}"
                )
            nothing = _covers_nothing(action.value.answer, tables)
            if nothing:
                breaches.append(f"{action.action_id}: {nothing}")
        return breaches

    def ingredients(self, day: ScoringDay, action: Action | None) -> dict[str, Any]:
        """Return the features and the answer."""
        return super().ingredients(day, action) | {"action": _answer(action).model_dump(mode="json")}

    def write(self, day: ScoringDay, action: Action | None, output: Output) -> int:
        """Write customer_id, p_response, model and the features of the action for all known customers.

        Raises
        ------
        InputError
            If a prediction is missing, not finite or outside [0, 1].
        """
        import pyarrow as pa
        import pyarrow.parquet as pq

        assert action is not None
        ids = pq.read_table(day.features, columns=["customer_id"])["customer_id"].to_pandas()
        of_action = action_features(day.tables, occasion_of(action, day.snapshot), ids.set_axis(ids).index)
        basic = score_schema(COLUMN)
        kinds = {_KIND: pa.string(), **dict.fromkeys(_NUMBERS, pa.float64())}
        schema = pa.schema([*basic, *(pa.field(name, kind) for name, kind in kinds.items())])

        def rows(chunk: "pa.Table") -> "pa.Table":
            known = chunk.to_pandas().set_index("customer_id")
            own = of_action.loc[known.index]
            p = probabilities(self.name, self.predict(known.join(own)), len(known))
            scored = score_rows(basic, chunk["customer_id"], {COLUMN: p}, self.versioned_name)
            extra = pa.Table.from_pandas(own[[*kinds]], pa.schema(kinds), preserve_index=False)
            return pa.table([*scored.columns, *extra.columns], schema=schema)

        return parquet.write(chunks(day.features, rows, output.progress), schema, output.path)


def load(version: "ModelVersion") -> PropensitySource:
    """Return the source of a registered model, whose manifest names the kinds of action that it knows."""
    from crm_ml.models import model_folder

    model = model_folder.load(version.folder)
    return PropensitySource(
        name=version.name,
        sums=version.content,
        predict=lambda X: model.predict_proba(X)[:, 1],
        kinds=version.details["kinds"],
        target=version.details["target"],
        reasons=reasons_of(model),
        groups=version.details["features"],
        profile=Profile.read(version.folder),
    )


def label(version: "ModelVersion", stage: Mapping[str, Any], as_of: datetime) -> Label | str:
    """Return who has bought in the category of an action, or made its event; a campaign has no such label."""
    answer, target = stage["ingredients"]["action"], version.details["target"]
    if answer["by"] not in _BY.values() or "active_within_days" not in target:
        return f"only who was contacted can answer a {answer['by']}; {_EVALUATE}"
    window = Snapshot(as_of, timedelta(days=int(answer["days"])))
    covers = Covers(answer["by"], tuple(answer["names"]))
    occasion = Occasion(f"{window}", str(answer["kind"]), window, covers)
    active = timedelta(days=int(target["active_within_days"]))

    def outcome(tables: Tables) -> "pd.Series[Any]":
        happened = events_in if covers.by == "event" else purchases_in
        return happened(tables, occasion, active, window.label_ends_at)

    unlike = "training promised nothing of one action: its test is of many together"
    table = "events" if covers.by == "event" else "orders"
    return Label(window, outcome, COLUMN, unlike=unlike, table=table)


def occasion_of(action: Action, snapshot: Snapshot) -> Occasion:
    """Return the occasion of an action with an answer, planned for the day of the list."""
    answer = _answer(action)
    window = replace(snapshot, horizon=timedelta(days=answer.days))
    return Occasion(f"{window} {action.action_id}", answer.kind, window, Covers(answer.by, answer.names))


def _about(by: str, kind: str, names: Sequence[str], days: int) -> Action:
    """Return an action that is nothing but its answer."""
    answer = {"kind": kind, "days": days, "by": by, "names": tuple(names)}
    return usual_action(kind or by, answer=answer, score=COLUMN)


def _answer(action: Action | None) -> Answer:
    assert action is not None and action.value.answer is not None
    return action.value.answer


def _covers_nothing(answer: Answer, tables: Tables) -> str:
    covers = Covers(answer.by, answer.names)
    covered = covers.frame(tables)
    if covered is None and answer.by != "event":
        return (
            f"the tables have no {'offers' if answer.by == 'campaign' else 'items'} to look {answer.by} up in"
        )
    try:
        covers.check(tables)
    except InputError as error:
        return str(error)
    if covered is None:
        return ""
    items = int(to_pandas(covered.select(nw.col("item_id").n_unique()))["item_id"].iloc[0])
    return "" if items else f"offers: {answer.by} {', '.join(answer.names)} cover no item"
