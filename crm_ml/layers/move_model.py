"""The probability that a customer moves: a model where it beats the table of past moves, else the table."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from crm_ml.evaluation.predictions import Predictions
from crm_ml.evaluation.significance import Interval, evaluate
from crm_ml.layers.cuts import Edges
from crm_ml.layers.layer_days import LayerDay
from crm_ml.layers.layer_moves import transitions
from crm_ml.layers.move_rows import TARGETS, MoveRows, Target, inputs_of, move_rows
from crm_ml.layers.segments import LAYER
from crm_ml.layers.settings import LayerSettings
from crm_ml.models.labelled_rows import MINIMUM, LabelledRows, check_classes
from crm_ml.models.model import create
from crm_ml.snapshots import Snapshot, check_labels_end_before
from crm_ml.tables.bundle import Tables

if TYPE_CHECKING:
    import pandas as pd

    from crm_ml.evaluation.ranking import Floats

METRICS = ("log_loss", "auc", "ece")


@dataclass(frozen=True)
class Verdict:
    """What the model and the table earn on later days, and which is used.

    Parameters
    ----------
    target : str
        ``"move"`` or ``"down"``.
    train, test : str
        First and last day of the rows.
    rows, moved : int
        Of the test.
    model, table : mapping of str to Interval
        By metric.
    difference : mapping of str to Interval
        Paired, model minus table; of log-loss below 0 is better.
    """

    target: Target
    train: str
    test: str
    rows: int
    moved: int
    model: Mapping[str, Interval]
    table: Mapping[str, Interval]
    difference: Mapping[str, Interval]

    @property
    def uses_model(self) -> bool:
        """Whether the model's log-loss is clearly lower: the whole interval of the difference is below 0."""
        return self.difference["log_loss"].high < 0

    def __str__(self) -> str:
        what = "P(move down)" if self.target == "down" else "P(move)"
        used = "the model is used" if self.uses_model else "no clear gain, so the table of past moves is used"
        return f"{what}: log-loss of the model minus the table {self.difference['log_loss']}; {used}"

    def facts(self) -> dict[str, Any]:
        """Return the verdict as JSON."""
        ends = {
            name: {metric: [each.value, each.low, each.high] for metric, each in getattr(self, name).items()}
            for name in ("model", "table", "difference")
        }
        plain = {name: getattr(self, name) for name in ("target", "train", "test", "rows", "moved")}
        return {**plain, **ends, "uses_model": self.uses_model}


@dataclass(frozen=True, eq=False)
class MoveForecast:
    """Probabilities of moves of the customers of a day, the verdicts behind them, and the past transitions.

    Parameters
    ----------
    p : pandas.DataFrame
        layer_p_move and layer_p_down of each customer, indexed by customer_id.
    verdicts : tuple of Verdict
    transitions : pandas.DataFrame
        See `crm_ml.layers.transitions`, over all days of training and test.
    """

    p: "pd.DataFrame"
    verdicts: tuple[Verdict, ...]
    transitions: "pd.DataFrame"


@dataclass(frozen=True)
class MoveTable:
    """Shares of customers who moved by layer; a layer that few were in is drawn to the share of all.

    ``share = (moved + share of all) / (rows + 1)``.
    """

    shares: Mapping[str, float]
    overall: float

    @classmethod
    def of(cls, rows: LabelledRows) -> "MoveTable":
        """Count moves by layer."""
        sums = rows.y.groupby(rows.X[LAYER].to_numpy()).agg(["sum", "size"])
        overall = float(rows.y.mean())
        shares = (sums["sum"] + overall) / (sums["size"] + 1)
        return cls({str(name): float(share) for name, share in shares.items()}, overall)

    def probabilities(self, layer: "pd.Series[str]") -> "Floats":
        """Return the share of the layer of each customer."""
        return np.array([self.shares.get(name, self.overall) for name in layer], dtype=np.float64)


def forecast_moves(
    tables: Tables, as_of: Snapshot, today: LayerDay, settings: LayerSettings, edges: Mapping[str, Edges]
) -> MoveForecast:
    """Return P(move) and P(move down) of each customer, by what was better on the newest known outcomes.

    Parameters
    ----------
    tables : Tables
    as_of : Snapshot
        Of today. The newest ``test_days`` days whose outcome is known by then judge the model, once; the
        ``train_days`` before them, whose outcomes are known on the first of these, train it. What is used is
        learned again from the newest ``train_days`` days whose outcome is known.
    today : LayerDay
    settings : LayerSettings
    edges : mapping of str to Edges

    Raises
    ------
    InputError
        If too few customers moved, or stayed, to learn from.
    """
    import pandas as pd

    train, test = split(as_of, settings)
    newest = as_of.training(settings.moves.train_days, settings.moves.every_days)
    days = sorted({*train, *test, *newest}, key=lambda snapshot: snapshot.as_of)
    rows = move_rows(tables, days, settings, edges)
    verdicts = tuple(judged(rows, target, train, test, settings) for target in TARGETS)
    p = {
        f"layer_p_{verdict.target}": _today(
            rows.labelled(verdict.target).at(newest), today, verdict, settings
        )
        for verdict in verdicts
    }
    frame = pd.DataFrame(p, index=today.layers.index)
    return MoveForecast(frame, verdicts, transitions(rows.pairs(), settings.order))


def split(as_of: Snapshot, settings: LayerSettings) -> tuple[list[Snapshot], list[Snapshot]]:
    """Return the days that train and those that judge, whose labels never meet.

    Raises
    ------
    LeakError
        Never by construction; it is checked all the same.
    """
    moves = settings.moves
    test = as_of.training(moves.test_days, moves.every_days)
    train = test[0].training(moves.train_days, moves.every_days)
    check_labels_end_before(train, test[0])
    return train, test


def judged(
    rows: MoveRows, target: Target, train: list[Snapshot], test: list[Snapshot], settings: LayerSettings
) -> Verdict:
    """Fit model and table on the days that train, and compare them once on those that judge.

    Raises
    ------
    InputError
        If there are fewer than ten rows of a kind.
    """
    labelled = rows.labelled(target)
    learned, later = labelled.at(train), labelled.at(test)
    for part, days in ((learned, train), (later, test)):
        what = f"moves ({target}) from {days[0]} to {days[-1]}"
        check_classes(part.y, MINIMUM, what, "take more days (moves.train_days, test_days) or fewer layers")
    p = {
        "model": _fitted(learned, settings).predict_proba(later.X)[:, 1],
        "table": MoveTable.of(learned).probabilities(later.X[LAYER]),
    }
    ids, fold = np.asarray(later.customer_id), np.asarray(later.fold)
    predictions = Predictions(ids, fold, np.asarray(later.y, dtype=np.float64), p)
    rng = np.random.default_rng(settings.moves.seed)
    found = evaluate(predictions, rng, METRICS, settings.moves.replicates, over=("pooled",))
    return Verdict(
        target,
        f"{train[0]} to {train[-1]}",
        f"{test[0]} to {test[-1]}",
        len(later.y),
        int(later.y.sum()),
        {metric: found.interval("model", metric) for metric in METRICS},
        {metric: found.interval("table", metric) for metric in METRICS},
        {metric: found.difference("model", "table", metric) for metric in METRICS},
    )


def _fitted(rows: LabelledRows, settings: LayerSettings) -> Any:
    return rows.fitted(create(settings.moves.model, **settings.moves.options))


def _today(rows: LabelledRows, today: LayerDay, verdict: Verdict, settings: LayerSettings) -> "Floats":
    if not verdict.uses_model:
        return MoveTable.of(rows).probabilities(today.layers[LAYER])
    p: Floats = _fitted(rows, settings).predict_proba(inputs_of(today))[:, 1]
    return p
