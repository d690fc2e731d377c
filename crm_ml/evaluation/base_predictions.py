"""Common part of all kinds of predictions: several models on the same customers in folds."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from crm_ml.errors import InputError
from crm_ml.evaluation.ranking import Check, Floats, Ranking, Weighted


@dataclass(frozen=True)
class Kind:
    """How outcomes of one kind are checked and evaluated.

    Parameters
    ----------
    metrics : mapping of str to callable
        Metrics by name, each a function from weightings to one value per weighting.
    check : callable
        Returns outcomes and predictions as float arrays, or raises `InputError`.
    lacks : callable
        Whether some metric is undefined for the outcomes.
    lack : str
        Description of such outcomes, for the message.
    always : frozenset of str
        Metrics that are defined whatever the outcomes.
    of_order : frozenset of str
        Metrics between 0 and 1 that stand on the rows of the rarer class.
    """

    metrics: Mapping[str, Callable[[Weighted], Floats]]
    check: Check
    lacks: Callable[[Floats], bool]
    lack: str
    always: frozenset[str] = frozenset()
    of_order: frozenset[str] = frozenset()


@dataclass(frozen=True, eq=False)
class BasePredictions:
    """Predictions of several models on the same rows; a sub-class names the kind of the outcomes.

    Parameters
    ----------
    customer_id : array-like of str, shape (n,)
        The unit of resampling; a customer may be in several folds, once in each.
    fold : array-like of str, shape (n,)
        Such as the evaluation snapshot.
    y : array-like of float, shape (n,)
        Outcomes.
    p : mapping of str to array-like of float, shape (n,)
        Predictions by model name.

    Raises
    ------
    InputError
        If lengths differ, a customer is twice in a fold, or the check of the kind refuses a value.
    """

    kind: ClassVar[Kind]
    columns: ClassVar[tuple[str, ...]] = ("customer_id", "fold", "y")
    controls: ClassVar[tuple[str, ...]] = ()  # models that stand beside every other

    customer_id: npt.NDArray[Any]
    fold: npt.NDArray[Any]
    y: Floats
    p: Mapping[str, Floats]

    def __post_init__(self) -> None:
        if not self.p:
            raise InputError("predictions of no model; give at least one")
        checked = {}
        for name, scores in self.p.items():
            try:
                outcomes, checked[name] = self.kind.check(self.y, scores)
            except InputError as error:
                raise InputError(f"predictions of {name}: {error}") from error
        object.__setattr__(self, "y", outcomes)
        object.__setattr__(self, "p", checked)
        for name in ("customer_id", "fold"):
            object.__setattr__(self, name, np.asarray(getattr(self, name), dtype=str))
            if getattr(self, name).shape != outcomes.shape:
                raise InputError(f"{name} has shape {getattr(self, name).shape}; y has {outcomes.shape}")
        twice = len(outcomes) - len(set(zip(self.fold.tolist(), self.customer_id.tolist(), strict=True)))
        if twice:
            raise InputError(f"{twice:,} rows repeat a customer within a fold; each may stand there once")

    @property
    def scores(self) -> dict[str, Floats]:
        """Predictions as columns ``p.<model>``, and what the kind has beside customer, fold and outcome."""
        beside = {name: getattr(self, name) for name in self.columns[len(BasePredictions.columns) :]}
        return {f"p.{name}": np.asarray(p) for name, p in self.p.items()} | beside

    @property
    def models(self) -> tuple[str, ...]:
        """Names of the models, in the order given."""
        return tuple(self.p)

    @property
    def folds(self) -> tuple[str, ...]:
        """Names of the folds, in alphabetical order."""
        return tuple(np.unique(self.fold).tolist())

    def where(self, keep: npt.NDArray[np.bool_]) -> Self:
        """Return the rows where `keep` is true."""
        scores = {name: p[keep] for name, p in self.p.items()}
        columns = {name: getattr(self, name)[keep] for name in self.columns}
        return replace(self, p=scores, **columns)

    def only(self, *models: str) -> Self:
        """Return the predictions of some of the models.

        Raises
        ------
        InputError
            If there are no predictions of a model.
        """
        missing = [name for name in models if name not in self.p]
        if missing:
            raise InputError(f"no predictions of {', '.join(missing)}; there are {', '.join(self.models)}")
        return replace(self, p={name: self.p[name] for name in models})

    @classmethod
    def join(cls, parts: Iterable[Self]) -> Self:
        """Concatenate the rows of several predictions of the same models.

        Raises
        ------
        InputError
            If the models differ or there is nothing to join.
        """
        listed = list(parts)
        if not listed or any(part.models != listed[0].models for part in listed):
            models = [part.models for part in listed]
            raise InputError(f"predictions to join must be of the same models, not of {models}")
        scores = {name: np.concatenate([part.p[name] for part in listed]) for name in listed[0].models}
        columns = {name: np.concatenate([getattr(part, name) for part in listed]) for name in cls.columns}
        return cls(p=scores, **columns)

    def ranking(self, model: str, rows: npt.NDArray[np.int64]) -> Ranking:
        """Return some of the rows in the order of a model's predictions."""
        return Ranking.of(self.y[rows], self.p[model][rows], self.kind.check)

    def lacks(self, rows: npt.NDArray[np.int64]) -> bool:
        """Whether some metric is undefined on the rows."""
        return self.kind.lacks(self.y[rows])
