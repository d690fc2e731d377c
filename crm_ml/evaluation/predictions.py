"""What several models said of the same rows, the subject of every judge."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from crm_ml.errors import InputError
from crm_ml.evaluation.ranking import Floats, check_binary, check_probabilities


@dataclass(frozen=True, eq=False)
class Predictions:
    """What several models said of the same rows.

    Parameters
    ----------
    customer_id : array-like of str, shape (n,)
        The unit of resampling; a customer may stand in several folds, once in each.
    fold : array-like of str, shape (n,)
        Such as the evaluation snapshot.
    y : array-like of {0, 1}, shape (n,)
    p : mapping of str to array-like of float, shape (n,)
        Probabilities by model name.

    Raises
    ------
    InputError
        If lengths differ, a customer stands twice in a fold, or a value is NaN, infinite or no probability.
    """

    customer_id: npt.NDArray[Any]
    fold: npt.NDArray[Any]
    y: Floats
    p: Mapping[str, Floats]

    def __post_init__(self) -> None:
        if not self.p:
            raise InputError("predictions of no model; give at least one")
        for name, scores in self.p.items():
            try:
                labels, _ = check_binary(self.y, scores)
                check_probabilities(scores)
            except InputError as error:
                raise InputError(f"predictions of {name}: {error}") from error
        object.__setattr__(self, "y", labels)
        object.__setattr__(self, "p", {name: np.asarray(p, dtype=float) for name, p in self.p.items()})
        for name in ("customer_id", "fold"):
            object.__setattr__(self, name, np.asarray(getattr(self, name), dtype=str))
            if getattr(self, name).shape != labels.shape:
                raise InputError(f"{name} has shape {getattr(self, name).shape}; y has {labels.shape}")
        twice = len(labels) - len(set(zip(self.fold.tolist(), self.customer_id.tolist(), strict=True)))
        if twice:
            raise InputError(f"{twice:,} rows repeat a customer within a fold; each may stand there once")

    @property
    def models(self) -> tuple[str, ...]:
        """Names of the models, in the order given."""
        return tuple(self.p)

    @property
    def folds(self) -> tuple[str, ...]:
        """Names of the folds, in alphabetical order."""
        return tuple(np.unique(self.fold).tolist())

    def where(self, keep: npt.NDArray[np.bool_]) -> "Predictions":
        """Return the rows where `keep` is true."""
        scores = {name: p[keep] for name, p in self.p.items()}
        return Predictions(self.customer_id[keep], self.fold[keep], self.y[keep], scores)

    def only(self, *models: str) -> "Predictions":
        """Return the predictions of some of the models.

        Raises
        ------
        InputError
            If a model is not there.
        """
        missing = [name for name in models if name not in self.p]
        if missing:
            raise InputError(f"no predictions of {', '.join(missing)}; there are {', '.join(self.models)}")
        return Predictions(self.customer_id, self.fold, self.y, {name: self.p[name] for name in models})

    @classmethod
    def join(cls, parts: Iterable["Predictions"]) -> "Predictions":
        """Put the rows of several predictions of the same models under each other."""
        listed = list(parts)
        if not listed or any(part.models != listed[0].models for part in listed):
            models = [part.models for part in listed]
            raise InputError(f"predictions to join must be of the same models, not of {models}")
        scores = {name: np.concatenate([part.p[name] for part in listed]) for name in listed[0].models}
        return cls(
            np.concatenate([part.customer_id for part in listed]),
            np.concatenate([part.fold for part in listed]),
            np.concatenate([part.y for part in listed]),
            scores,
        )
