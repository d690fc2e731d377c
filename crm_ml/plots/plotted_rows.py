"""Predictions and outcomes that a plot takes, from arrays or from predictions of an evaluation."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar, cast

import numpy as np
import numpy.typing as npt

from crm_ml.errors import InputError
from crm_ml.evaluation.base_predictions import BasePredictions
from crm_ml.evaluation.predictions import Predictions
from crm_ml.evaluation.ranking import Floats, as_floats
from crm_ml.evaluation.uplift_predictions import RANDOM, UpliftPredictions, random_order
from crm_ml.evaluation.value_predictions import ValuePredictions

MODEL = "model"
Scores = npt.ArrayLike | Mapping[str, npt.ArrayLike]
Outcomes = npt.ArrayLike | BasePredictions
Kind = TypeVar("Kind", bound=BasePredictions)


def probabilities(y: Outcomes, p: Scores | None, ids: npt.ArrayLike | None) -> Predictions:
    """Return labels and probabilities of models on the same rows.

    Raises
    ------
    InputError
        If there are no probabilities, they stand beside predictions, or `Predictions` refuses them.
    """
    return _rows(Predictions, y, p, ids)


def values(y: Outcomes, p: Scores | None, ids: npt.ArrayLike | None) -> ValuePredictions:
    """Return counts or money and predictions of them on the same rows; raises as `probabilities`."""
    return _rows(ValuePredictions, y, p, ids)


def ranked(y: Outcomes, p: Scores | None, ids: npt.ArrayLike | None) -> BasePredictions:
    """Return labels with scores of any scale, else counts or money with predictions of them.

    Scores of labels that are no probabilities become their rank, from 0 to 1; raises as `probabilities`.
    """
    if isinstance(y, BasePredictions):
        return _alone(y, BasePredictions, p=p, customer_id=ids)
    outcomes = as_floats("y", y)
    if not np.isin(outcomes, (0, 1)).all():
        return values(outcomes, p, ids)
    if isinstance(p, Mapping):
        return probabilities(outcomes, {name: _in_unit(scores) for name, scores in p.items()}, ids)
    return probabilities(outcomes, None if p is None else _in_unit(p), ids)


def _in_unit(p: npt.ArrayLike) -> Floats:
    scores = as_floats("p", p)
    if not np.isfinite(scores).all() or ((scores >= 0) & (scores <= 1)).all():
        return scores
    levels, rank = np.unique(scores, return_inverse=True)
    return rank / max(len(levels) - 1, 1)


def effects(
    y: "npt.ArrayLike | UpliftPredictions",
    p: Mapping[str, npt.ArrayLike] | None,
    treatment: npt.ArrayLike | None,
    ids: npt.ArrayLike | None,
) -> UpliftPredictions:
    """Return outcomes and scores of a randomised trial; the random order is added where it is missing.

    Raises
    ------
    InputError
        If scores or arms are missing, stand beside predictions, or `UpliftPredictions` refuses them.
    """
    if isinstance(y, BasePredictions):
        return _alone(y, UpliftPredictions, p=p, treatment=treatment, customer_id=ids)
    if p is None or treatment is None or not isinstance(p, Mapping):
        raise InputError('qini needs p={"model": ..., "response": ...} and treatment= (0 or 1) beside y')
    outcomes = as_floats("y", y)
    customer, fold = _customers(len(outcomes), ids)
    scores = {RANDOM: random_order(customer)} | dict(p)
    return UpliftPredictions(
        customer, fold, outcomes, cast("Mapping[str, Floats]", scores), as_floats("treatment", treatment)
    )


def shown_model(predictions: BasePredictions, model: str | None) -> str:
    """Return the model that a plot is about: the one named, else ``"model"``, else the first but controls.

    Raises
    ------
    InputError
        If there are no predictions of it.
    """
    own = [name for name in predictions.models if name not in predictions.controls] or predictions.models
    name = model or (MODEL if MODEL in own else own[0])
    predictions.only(name, *predictions.controls)
    return name


def check_columns(table: Any, columns: Sequence[str], name: str, source: str) -> None:
    """Refuse a table without rows or without the columns that a plot reads; the error names its `source`."""
    missing = [column for column in columns if column not in getattr(table, "columns", ())]
    if missing or not len(table):
        wrong = f"no column {', '.join(missing)}" if missing else "no row"
        raise InputError(f"{name}: {wrong}; make it with {source}")


def _rows(kind: type[Kind], y: object, p: Scores | None, ids: npt.ArrayLike | None) -> Kind:
    if isinstance(y, BasePredictions):
        return _alone(y, kind, p=p, customer_id=ids)
    if p is None:
        raise InputError("give y and p: outcomes, and predictions of one model or of several by name")
    scores = p if isinstance(p, Mapping) else {MODEL: p}
    outcomes = as_floats("y", y)
    customer, fold = _customers(len(outcomes), ids)
    return kind(customer, fold, outcomes, cast("Mapping[str, Floats]", scores))


def _alone(predictions: BasePredictions, kind: type[Kind], **beside: object) -> Kind:
    """Return predictions of a kind, which hold all rows themselves; nothing may stand beside."""
    if not isinstance(predictions, kind):
        raise InputError(f"the plot needs {kind.__name__}, not {type(predictions).__name__}")
    more = [name for name, value in beside.items() if value is not None]
    if more:
        raise InputError(f"y is {type(predictions).__name__}, which holds {', '.join(more)}; leave them out")
    return predictions


def _customers(rows: int, ids: npt.ArrayLike | None) -> tuple[npt.NDArray[Any], npt.NDArray[np.str_]]:
    """Return the customer of each row and how manyth of its rows it is: one may have several."""
    if ids is None:
        return np.arange(rows), np.full(rows, "0")
    customer = np.asarray(ids)
    if customer.shape != (rows,):
        raise InputError(
            f"customer_id has shape {customer.shape}; it must have one for each of {rows:,} rows"
        )
    order = np.argsort(customer, kind="stable")
    starts = np.flatnonzero(np.append(True, customer[order][1:] != customer[order][:-1]))
    turn = np.empty(rows, dtype=np.int64)
    turn[order] = np.arange(rows) - np.repeat(starts, np.diff(np.append(starts, rows)))
    return customer, turn.astype(str)
