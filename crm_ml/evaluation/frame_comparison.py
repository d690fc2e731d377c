"""Compare models by the predictions in a frame, wherever they were made, over customers and over seeds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import narwhals as nw
import numpy as np

from crm_ml.errors import InputError
from crm_ml.evaluation.base_predictions import BasePredictions
from crm_ml.evaluation.predictions import Predictions
from crm_ml.evaluation.ranking import Floats
from crm_ml.evaluation.rare_events import added
from crm_ml.evaluation.significance import Evaluation, Interval, Over, evaluate
from crm_ml.evaluation.value_predictions import ValuePredictions

if TYPE_CHECKING:
    import pandas as pd

Of = Literal["probabilities", "values"]
_KINDS: dict[str, type[BasePredictions]] = {"probabilities": Predictions, "values": ValuePredictions}
_TAIL = 0.975


@dataclass(frozen=True, eq=False)
class Comparison:
    """Metrics of models and their paired differences, over customers and seeds.

    Parameters
    ----------
    rows : Evaluation
        Of the mean over each model's seeds: how far other customers would move it.
    seeds : mapping of (model, metric) to numpy.ndarray, shape (s,)
        The metric of each seed.
    predictions : Predictions or ValuePredictions
        Of all columns, by column, for what else is to be judged.
    """

    rows: Evaluation
    seeds: Mapping[tuple[str, str], Floats]
    predictions: BasePredictions

    @property
    def notes(self) -> tuple[str, ...]:
        """What the intervals do not hold, as text."""
        single = [name for name in self.rows.models if len(self.seeds[name, self.rows.metrics[0]]) == 1]
        several = len(single) < len(self.rows.models)
        text = f"{', '.join(single)}: one seed, so how far another one would move it is not in the interval"
        return (text,) if single and several else ()

    def interval(self, model: str, metric: str) -> Interval:
        """Return the mean over the seeds of a model with its 95 % interval.

        Raises
        ------
        InputError
            As `crm_ml.evaluation.significance.Evaluation.interval`.
        """
        return _over_seeds(self.rows.interval(model, metric), self.seeds[model, metric])

    def difference(self, model: str, other: str, metric: str) -> Interval:
        """Return `model` minus `other`, paired by customer and, where both have as many, by seed."""
        rows = self.rows.difference(model, other, metric)
        mine, its = self.seeds[model, metric], self.seeds[other, metric]
        if len(mine) == len(its):
            return _over_seeds(rows, mine - its)
        return _over_seeds(_over_seeds(rows, mine), its)

    def table(self) -> "pd.DataFrame":
        """Return a row for each model and metric: model, metric, seeds, value, low, high, seed_deviation."""
        import pandas as pd

        lines = []
        for (model, metric), values in self.seeds.items():
            end = self.interval(model, metric)
            spread = float(values.std(ddof=1)) if len(values) > 1 else np.nan
            lines.append((model, metric, len(values), end.value, end.low, end.high, spread))
        return pd.DataFrame(lines, columns=[*_COLUMNS, "seed_deviation"])

    def differences(self, base: str) -> "pd.DataFrame":
        """Return each other model minus `base`: model, metric, seeds, value, low, high, clear.

        Raises
        ------
        InputError
            If there is no such model.
        """
        import pandas as pd

        if base not in self.rows.models:
            raise InputError(f"no model {base!r}; there are {', '.join(self.rows.models)}")
        lines = []
        for (model, metric), values in self.seeds.items():
            if model != base:
                end = self.difference(model, base, metric)
                lines.append((model, metric, len(values), end.value, end.low, end.high, end.clear))
        return pd.DataFrame(lines, columns=[*_COLUMNS, "clear"])


_COLUMNS = ["model", "metric", "seeds", "value", "low", "high"]


def compare(
    frame: Any,
    models: Sequence[str] | Mapping[str, str | Sequence[str]],
    outcome: str = "y",
    customer_id: str = "customer_id",
    fold: str | None = None,
    of: Of = "probabilities",
    metrics: Sequence[str] | None = None,
    replicates: int = 1000,
    seed: int = 0,
) -> Comparison:
    """Compare models by their predictions on the same rows.

    Parameters
    ----------
    frame : dataframe
        Of any library that narwhals knows, such as pandas or polars: a row for each customer, or for each
        customer and fold.
    models : sequence of str, or mapping of str to str or sequence of str
        Columns of predictions, or names with their columns. Several columns of one name are the same model
        trained with several seeds; they count as a sample of what training may give.
    outcome, customer_id : str
        Columns.
    fold : str, optional
        Column of the fold or day, where a customer has several rows.
    of : {"probabilities", "values"}
        What was predicted: the probability of class 1, or counts or money.
    metrics : sequence of str, optional
        Names from `crm_ml.evaluation.classification.METRICS` or `crm_ml.evaluation.value.METRICS`; all by
        default.
    replicates : int
        Drawings of whole customers.
    seed : int
        Of the drawings.

    Raises
    ------
    InputError
        If columns are missing, a column is named twice, or as `crm_ml.evaluation.Predictions` and
        `crm_ml.evaluation.evaluate`.

    Notes
    -----
    Two sources of variation are independent and added [1]_: which customers were drawn (bootstrap, of the
    mean over seeds), and which seeds (Student's, with one degree of freedom less than seeds) [2]_.

    References
    ----------
    .. [1] Zou and Donner (2008). Construction of confidence limits about effect measures: a general approach.
       Statistics in Medicine 27.
    .. [2] Bouthillier et al. (2021). Accounting for variance in machine learning benchmarks. MLSys.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"customer_id": range(40), "y": [0, 0, 1, 0] * 10})
    >>> frame["ours"], frame["theirs"] = [0.2, 0.1, 0.6, 0.3] * 10, 0.25
    >>> found = compare(frame, ["ours", "theirs"], metrics=["auc"], replicates=200)
    >>> found.interval("ours", "auc").value, found.difference("ours", "theirs", "auc").clear
    (1.0, True)
    """
    named = {name: [name] for name in models} if not isinstance(models, Mapping) else models
    columns = {name: [each] if isinstance(each, str) else list(each) for name, each in named.items()}
    predictions = _predictions(frame, columns, (outcome, customer_id, fold), of)
    judged = evaluate(predictions, np.random.default_rng(seed), metrics, replicates, over=("pooled",))
    means: dict[tuple[str, str, Over], Floats] = {}
    seeds: dict[tuple[str, str], Floats] = {}
    for name, each in columns.items():
        for metric in judged.metrics:
            drawn = np.array([judged.replicates[column, metric, "pooled"] for column in each])
            means[name, metric, "pooled"], seeds[name, metric] = drawn.mean(axis=0), drawn[:, 0]
    counts = (judged.positives, judged.rarer, judged.of_order)
    return Comparison(Evaluation(means, tuple(columns), judged.metrics, *counts), seeds, predictions)


def _predictions(
    frame: Any, columns: Mapping[str, Sequence[str]], others: tuple[str, str, str | None], of: str
) -> BasePredictions:
    table = nw.from_native(frame, eager_only=True)
    wanted = [column for each in columns.values() for column in each]
    missing = [name for name in (*wanted, *others) if name is not None and name not in table.columns]
    twice = sorted({name for name in wanted if wanted.count(name) > 1})
    empty = [name for name, each in columns.items() if not each]
    breaches = [f"no column {', '.join(missing)}; there are {', '.join(table.columns)}"] * bool(missing)
    breaches += [f"named twice: {', '.join(twice)}"] * bool(twice)
    breaches += [f"no column given for {', '.join(empty)}"] * bool(empty)
    breaches += [f"of is {of!r}; there are {', '.join(_KINDS)}"] * (of not in _KINDS)
    if breaches:
        raise InputError(f"compare: {'; '.join(breaches)}")
    outcome, customer_id, fold = others
    folds = np.full(len(table), "all") if fold is None else table[fold].to_numpy()
    scores = {column: table[column].to_numpy() for column in wanted}
    return _KINDS[of](table[customer_id].to_numpy(), folds, table[outcome].to_numpy(), scores)


def _over_seeds(rows: Interval, values: Floats) -> Interval:
    """Return the interval over customers widened by what other seeds may add to the mean of these."""
    from scipy.special import stdtrit

    if len(values) < 2:
        return rows
    half = float(stdtrit(len(values) - 1, _TAIL) * values.std(ddof=1) / np.sqrt(len(values)))
    return added(rows, Interval(0.0, -half, half))
