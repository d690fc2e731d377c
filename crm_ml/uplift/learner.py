"""The base class of uplift learners: parameters, checks, arms and files."""

import json
import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Self

import numpy as np
import numpy.typing as npt
from pydantic import Field

from crm_ml.errors import InputError
from crm_ml.models.estimator import Estimator, as_table, by_position, has_index
from crm_ml.models.logistic import Floats
from crm_ml.models.model_folder import read_model, write_model
from crm_ml.tables.part_file import read_part
from crm_ml.tables.strict import Strict
from crm_ml.uplift import learner_bases
from crm_ml.uplift.learner_bases import Base, Fitted
from crm_ml.uplift.randomised_trial import Experiment, Probability, arm_name, check_experiment

if TYPE_CHECKING:
    import pandas as pd

logger = logging.getLogger(__name__)
_LEARNED = "learned.json"


class _Learned(Strict):
    parameters: dict[str, Any]
    arms: Annotated[tuple[str, ...], Field(min_length=1)]
    binary: bool
    numbers: dict[str, float]
    parts: tuple[Annotated[str, Field(pattern=r"^\w+$")], ...]
    unsplit: tuple[str, ...] = ()


@dataclass(kw_only=True, eq=False)
class Learner(Estimator, ABC):
    """A meta-learner: a model of the effect, built from models of outcomes.

    Parameters
    ----------
    base : {"boosting", "logistic", "plain"}
        Boosted trees, regularised by the number of rows, or linear models: logistic for outcomes 0 and 1,
        ridge for amounts and effects. Those of ``"logistic"`` work on signed logs of the numbers,
        ``sign(x) * log(1 + |x|)``, so that an effect which is a line in an amount is none for them; those of
        ``"plain"`` take the numbers as they are.
    outcome_options, effect_options : mapping of str to value
        Parameters of the models of outcomes and of effects that differ from the defaults; further ones of
        LightGBM among them as ``params``, see `GradientBoosting`.
    control : object
        Which value of the treatment is the untreated arm.
    folds : int
        Of the cross-fitting, by customer, where the method needs it.
    least_probability : float
        Rows for which an arm is less likely are trimmed, see `crm_ml.uplift.overlap`.
    seed, num_threads : int
        The number of threads does not change the result.
    """

    base: Base = "boosting"
    outcome_options: Mapping[str, Any] = field(default_factory=dict)
    effect_options: Mapping[str, Any] = field(default_factory=dict)
    control: Any = 0
    folds: int = 5
    least_probability: float = 0.01
    seed: int = 0
    num_threads: int = 2

    arms_: tuple[str, ...] = field(init=False, repr=False)
    binary_: bool = field(init=False, repr=False)
    parts_: dict[str, Fitted] = field(init=False, repr=False)
    numbers_: dict[str, float] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        learner_bases.check_base(self.base)
        learner_bases.outcome_model(self.base, True, self.outcome_options, self.seed, self.num_threads, 1)
        self._effect_model(1)

    def fit(
        self,
        X: "pd.DataFrame | npt.ArrayLike",
        y: npt.ArrayLike,
        *,
        treatment: npt.ArrayLike,
        treatment_probability: Probability | None = None,
    ) -> Self:
        """Learn the effect of each treated arm against the control; earlier fits are forgotten.

        Parameters
        ----------
        X : pandas.DataFrame or array-like, shape (n, k)
            Features known before the treatment. Where the index has a level ``customer_id``, folds keep a
            customer's rows together.
        y : array-like of float, shape (n,)
            Outcomes, 0 and 1 or amounts.
        treatment : array-like, shape (n,)
            0 and 1, or names of arms; by its name, for two columns of 0 and 1 are easily exchanged.
        treatment_probability : float, mapping or array-like, optional
            Known probability of the arms, see `randomised_trial.check_experiment`; estimated without.

        Raises
        ------
        InputError, LeakError
            As `check_experiment`, and if the arms do not overlap.
        """
        table = self._frame_to_fit(X)
        if not has_index(X, table):
            y, treatment, treatment_probability = map(by_position, (y, treatment, treatment_probability))
        return self.learn(check_experiment(table, treatment, y, self.control, treatment_probability))

    def learn(self, experiment: Experiment) -> Self:
        """Learn from the rows of `check_experiment` with the same control, as `fit` does.

        Learners of the same rows share models of the outcome where their parameters are equal.
        """
        self.arms_, self.binary_ = experiment.arms, experiment.binary
        self.parts_, self.numbers_ = {}, {}
        self._fit(experiment)
        if unsplit := self.unsplit():
            logger.warning(
                "%s: could not split, so one number for everybody: %s", type(self).__name__, unsplit
            )
        return self

    def unsplit(self) -> list[str]:
        """Return the fitted parts that say one number for everybody, since their trees could not split."""
        return [name for name, part in sorted(self.parts_.items()) if learner_bases.says_one_number(part)]

    def predict(self, X: "pd.DataFrame | npt.ArrayLike", arm: object = None) -> Any:
        """Return the effect on the mean outcome of each row.

        Parameters
        ----------
        X : pandas.DataFrame or array-like, shape (n, k)
        arm : object, optional
            A treated arm; all of them without it.

        Returns
        -------
        numpy.ndarray, shape (n,), or pandas.DataFrame, shape (n, arms)
            One column for each arm where there are several and none is asked for.

        Raises
        ------
        InputError
            If nothing is fitted, a column is missing, or the arm was not in training.
        """
        import pandas as pd

        self._check_fitted()
        frame = as_table(X, self)
        if arm is not None:
            return self._effect(frame, self.position(arm))
        if len(self.arms_) == 1:
            return self._effect(frame, 1)
        columns = {name: self._effect(frame, number) for number, name in enumerate(self.arms_, 1)}
        return pd.DataFrame(columns, index=frame.index)

    def position(self, arm: object) -> int:
        """Return the number of a treated arm, from 1 (`InputError` if it was not in training)."""
        self._check_fitted()
        if arm_name(arm) not in self.arms_:
            raise InputError(f"arm {arm!r} was not in training; there are {', '.join(self.arms_)}")
        return 1 + self.arms_.index(arm_name(arm))

    def save(self, folder: Path) -> None:
        """Write parameters and models into an existing folder."""
        self._check_fitted()
        settings = {
            parameter.name: getattr(self, parameter.name) for parameter in fields(self) if parameter.init
        }
        content = {
            "parameters": {name: value for name, value in settings.items() if name != "num_threads"},
            "arms": self.arms_,
            "binary": self.binary_,
            "numbers": self.numbers_,
            "parts": sorted(self.parts_),
            "unsplit": self.unsplit(),
        }
        text = json.dumps(content, indent=1, sort_keys=True, default=dict)
        (folder / _LEARNED).write_text(text + "\n", encoding="utf-8")
        for name, part in self.parts_.items():
            write_model(part, folder / name)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read a learner that `save` wrote; check its manifest before."""
        content = read_part(folder / _LEARNED, _Learned)
        learner = cls(**content.parameters)
        learner.arms_, learner.binary_, learner.numbers_ = content.arms, content.binary, content.numbers
        learner.parts_ = {name: read_model(folder / name) for name in content.parts}
        return learner

    @abstractmethod
    def _fit(self, experiment: Experiment) -> None:
        """Learn from checked rows into ``parts_`` and ``numbers_``."""

    @abstractmethod
    def _effect(self, X: "pd.DataFrame", arm: int) -> Floats:
        """Return the effect of an arm (its number, from 1), shape (n,)."""

    def _outcome_of(self, experiment: Experiment, arm: int, weighed: bool = False) -> Fitted:
        model: Fitted = experiment.outcome_model(arm, self._outcome_model, weighed)
        return model

    def _outcome_model(self, rows: int) -> Fitted:
        return learner_bases.outcome_model(
            self.base, self.binary_, self.outcome_options, self.seed, self.num_threads, rows
        )

    def _effect_model(self, rows: int) -> Fitted:
        return learner_bases.effect_model(self.base, self.effect_options, self.seed, self.num_threads, rows)

    def _check_fitted(self) -> None:
        if not hasattr(self, "parts_") or (not self.parts_ and not self.numbers_):
            raise self._not_fitted()


def cross_fitted(
    make: Callable[[int], Fitted],
    X: "pd.DataFrame",
    y: Floats,
    fold: npt.NDArray[np.int64],
    learn: npt.NDArray[np.bool_],
) -> Floats:
    """Return predictions for all rows by models that learned from `learn` rows of the other folds.

    `make` returns an unfitted model for a number of rows.
    """
    predictions = np.empty(len(y))
    for number in _folds(fold):
        inside, from_ = fold == number, (fold != number) & learn
        predictions[inside] = make(int(from_.sum())).fit(X[from_], y[from_]).expected(X[inside])
    return predictions


def _folds(fold: npt.NDArray[np.int64]) -> Iterable[int]:
    return [int(number) for number in np.unique(fold)]
