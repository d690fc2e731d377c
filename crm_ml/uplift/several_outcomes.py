"""Effects on several outcomes, such as conversion and margin, and the one decision that follows from them."""

import json
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Self

import numpy as np
import numpy.typing as npt
from pydantic import Field

from crm_ml.errors import InputError
from crm_ml.models.model_folder import read_model, write_model
from crm_ml.tables.part_file import read_part
from crm_ml.tables.strict import Strict
from crm_ml.uplift.learner import Learner
from crm_ml.uplift.randomised_trial import Probability, arm_name

if TYPE_CHECKING:
    import pandas as pd

_WORTH = "worth.json"
Name = Annotated[str, Field(pattern=r"^\w+$")]


class _Content(Strict):
    worth: Annotated[dict[Name, float], Field(min_length=1)]


@dataclass(kw_only=True, eq=False)
class SeveralOutcomes:
    """A learner for each outcome of a trial, and what a unit of each outcome is worth.

    Parameters
    ----------
    learner : Learner
        Unfitted; a copy of it learns each outcome.
    worth : mapping of str to float
        Minor units of money that one unit of an outcome is worth beyond what the other outcomes count, such
        as ``{"converted": 150, "margin_cents": 1}``; below 0 for what costs, such as a return.

    Examples
    --------
    >>> from crm_ml.uplift import TLearner
    >>> SeveralOutcomes(learner=TLearner(), worth={"visited": 20, "margin_cents": 1}).worth["visited"]
    20
    """

    learner: Learner
    worth: Mapping[str, float]

    def __post_init__(self) -> None:
        odd = [name for name, each in self.worth.items() if not name.isidentifier() or not np.isfinite(each)]
        if odd or not self.worth:
            shown = ", ".join(odd) or "none"
            raise InputError(
                f"worth: name outcomes by letters and digits, each with a number; wrong: {shown}"
            )

    def fit(
        self,
        X: "pd.DataFrame",
        outcomes: "pd.DataFrame",
        *,
        treatment: npt.ArrayLike,
        treatment_probability: Probability | None = None,
    ) -> Self:
        """Learn the effect on each outcome from the same rows.

        Parameters
        ----------
        X : pandas.DataFrame, shape (n, k)
        outcomes : pandas.DataFrame
            With a column of shape (n,) for each outcome of ``worth``, indexed like X.
        treatment, treatment_probability
            As `Learner.fit`.

        Raises
        ------
        InputError, LeakError
            If a column is missing, or as `Learner.fit` for an outcome, which the message names.
        """
        missing = sorted(set(self.worth) - set(outcomes.columns))
        if missing:
            raise InputError(
                f"outcomes: no column {', '.join(missing)}; there are {', '.join(map(str, outcomes))}"
            )
        learned = {}
        for name in self.worth:
            try:
                learned[name] = deepcopy(self.learner).fit(
                    X, outcomes[name], treatment=treatment, treatment_probability=treatment_probability
                )
            except InputError as error:
                raise type(error)(f"outcome {name}: {error}") from error
        self.learners_: dict[str, Learner] = learned
        return self

    @property
    def arms(self) -> tuple[str, ...]:
        """The treated arms, in ascending order."""
        return next(iter(self._fitted().values())).arms_

    def predict(self, X: "pd.DataFrame", arm: object = None) -> "pd.DataFrame":
        """Return the effect of an arm on the mean of each outcome, a column each, indexed like X.

        Raises
        ------
        InputError
            As `Learner.predict`, or if there are several arms and none is named.
        """
        import pandas as pd

        learners = self._fitted()
        if arm is None and len(self.arms) > 1:
            raise InputError(f"there are {len(self.arms)} arms; name one of {', '.join(self.arms)}")
        chosen = self.arms[0] if arm is None else arm
        return pd.DataFrame(
            {name: np.asarray(each.predict(X, chosen)) for name, each in learners.items()}, X.index
        )

    def values(self, X: "pd.DataFrame", cost: Mapping[Any, float] | float = 0.0) -> "pd.DataFrame":
        """Return what each arm is worth more than no treatment, after its cost.

        Parameters
        ----------
        X : pandas.DataFrame, shape (n, k)
        cost : float or mapping of arm to float
            Minor units of money of treating one row.

        Returns
        -------
        pandas.DataFrame, shape (n, arms)
            In minor units of money.
        """
        import pandas as pd

        worth = pd.Series(self.worth)
        paid = {arm: cost for arm in self.arms} if isinstance(cost, int | float) else _costs(cost, self.arms)
        return pd.DataFrame({arm: self.predict(X, arm) @ worth - paid[arm] for arm in self.arms})

    def decide(self, X: "pd.DataFrame", cost: Mapping[Any, float] | float = 0.0) -> "pd.Series[str]":
        """Return the arm of greatest value for each row, the name of the control where none has any."""
        values = self.values(X, cost)
        best = values.idxmax(axis=1).astype(str)
        return best.where(values.max(axis=1) > 0, arm_name(self.learner.control)).rename("arm")

    def save(self, folder: Path) -> None:
        """Write the worth and the learners into an existing folder."""
        learners = self._fitted()
        text = json.dumps({"worth": dict(self.worth)}, indent=1)
        (folder / _WORTH).write_text(text + "\n", encoding="utf-8")
        for name, learner in learners.items():
            write_model(learner, folder / name)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote; check its manifest before."""
        worth = read_part(folder / _WORTH, _Content).worth
        learners = {name: read_model(folder / name) for name in worth}
        model = cls(learner=next(iter(learners.values())), worth=worth)
        model.learners_ = learners
        return model

    def _fitted(self) -> dict[str, Learner]:
        if not hasattr(self, "learners_"):
            raise InputError("SeveralOutcomes is not fitted; call fit first")
        return self.learners_


def _costs(cost: Mapping[Any, float], arms: tuple[str, ...]) -> dict[str, float]:
    paid = {arm_name(arm): float(each) for arm, each in cost.items()}
    missing = [arm for arm in arms if arm not in paid]
    if missing:
        raise InputError(f"cost: none for {', '.join(missing)}; give one for each arm")
    return paid
