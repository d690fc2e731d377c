"""The config of a search for settings: which ones, on which days before the test, and for how long."""

import inspect
import math
from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import Field, ValidationError, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from crm_ml.config.parts import Option, Part, Positive
from crm_ml.config.run import Run
from crm_ml.tables.strict import Strict

Number = Annotated[int | float, Field(allow_inf_nan=False)]
_NEVER = {
    "seed": "a seed that is chosen fits the validation rows and nothing else",
    "num_threads": "the number of threads changes no result",
    "objective": "it follows from what is predicted",
}


class Validation(Strict):
    """Rolling origins before the test: what the search sees, and what confirms its choice afterwards.

    Labels of the days that confirm end by the first test; labels of the days of the search end by the first
    day that confirms. So nothing that chooses knows a label of what judges the choice.

    Parameters
    ----------
    search, confirm : int
        How many days, or campaigns: the newest ones that leave every label window its place.
    every_days : int
        How far days lie apart; campaigns lie where they were sent.
    """

    search: Positive = 3
    confirm: Positive = 1
    every_days: Positive = 28


class Pruning(Strict):
    """When a trial is given up: its best gain so far is below the median of the complete trials at that day.

    Parameters
    ----------
    startup : int
        Complete trials before any is given up.
    after : int
        Days of the search that each trial sees.
    """

    startup: Positive = 5
    after: Positive = 1


class Values(Strict):
    """Values that an option may take: whole numbers or fractions from `low` to `high`, or a choice.

    Parameters
    ----------
    low, high : int or float, optional
        Both ends included.
    log : bool
        Whether the logarithm is drawn evenly.
    step : int or float, optional
        Distance between values, from `low` on.
    choices : tuple of value, optional
        In place of a range.
    """

    low: Number | None = None
    high: Number | None = None
    log: bool = False
    step: Annotated[int | float, Field(gt=0, allow_inf_nan=False)] | None = None
    choices: Annotated[tuple[Option, ...], Field(strict=False)] | None = None

    def holds(self, value: Any) -> bool:
        """Whether a value is one of these.

        Examples
        --------
        >>> Values(low=10, high=30, step=10).holds(20), Values(low=10, high=30, step=10).holds(25)
        (True, False)
        """
        if self.choices is not None:
            return any(value == one and type(value) is type(one) for one in self.choices)
        if isinstance(value, bool) or not isinstance(value, int | float):
            return False
        assert self.low is not None
        assert self.high is not None
        if not self.low <= value <= self.high:
            return False
        steps = 0.0 if self.step is None else (value - self.low) / self.step
        return math.isclose(steps, round(steps), abs_tol=1e-9)

    def breaches(self) -> Iterator[str]:
        """Yield what is wrong with them by themselves."""
        if self.choices is not None:
            if self.low is not None or self.high is not None or self.log or self.step is not None:
                yield "give a range or choices, not both"
            if len(set(map(repr, self.choices))) < max(2, len(self.choices)):
                yield f"give at least two choices, each once, not {list(self.choices)}"
        elif self.low is None or self.high is None:
            yield "give low and high, or choices"
        elif self.low >= self.high:
            yield f"low {self.low} must lie below high {self.high}"
        else:
            if self.log and self.low <= 0:
                yield f"low is {self.low}; a logarithm needs it above 0"
            if self.log and self.step is not None:
                yield "give log or step, not both"

    @property
    def whole(self) -> bool:
        """Whether a range has whole numbers alone."""
        return all(isinstance(one, int) for one in (self.low, self.high, self.step) if one is not None)


class Tuning(Strict):
    """A search for settings of a run's model; they are taken only where they are clearly better.

    Parameters
    ----------
    trials : int
        The first one has the settings that the run would have without a search.
    startup : int
        Trials that are drawn at random before the others learn from them.
    metric : str, optional
        ``log_loss`` or ``brier`` of probabilities; ``ndcg`` or ``new_ndcg`` of lists. The first of the two
        without it.
    validation, pruning, space
        See the model of each; without pruning no trial is given up. `space` names options of the model.
    """

    trials: Annotated[int, Field(ge=2)]
    startup: Positive = 10
    metric: Literal["log_loss", "brier", "ndcg", "new_ndcg"] | None = None
    validation: Validation = Validation()
    pruning: Pruning | None = Pruning()
    space: Annotated[dict[str, Values], Field(min_length=1)]


class Tuned(Run):
    """What configs share whose model may be tuned.

    Parameters
    ----------
    model : Part
    tuning : Tuning, optional
        The options of the model are the settings to beat; the search draws by the seed of the run.
    """

    model: Part
    tuning: Tuning | None = None

    @model_validator(mode="after")
    def _searchable(self) -> Self:
        if self.tuning is not None:
            found: list[InitErrorDetails] = [
                {"type": PydanticCustomError("tuning", "{text}", {"text": text}), "loc": place, "input": None}
                for place, text in self._breaches(self.tuning)
            ]
            if found:
                raise ValidationError.from_exception_data(type(self).__name__, found)
        return self

    def _breaches(self, tuning: Tuning) -> Iterator[tuple[tuple[str, ...], str]]:
        metrics = self.tunable_metrics()
        if tuning.metric is not None and tuning.metric not in metrics:
            yield ("tuning", "metric"), f"{tuning.metric} is none of {', '.join(metrics)}"
        known = self.known_options()
        if known is None:
            yield ("model", "name"), f"{self.model.name} is no model whose settings can be searched"
        for name, values in tuning.space.items():
            texts = list(values.breaches())
            if name in _NEVER:
                texts.append(f"leave it out; {_NEVER[name]}")
            elif known is not None and name not in known:
                texts.append(f"{self.model.name} has no such option; it has {', '.join(sorted(known))}")
            elif known is not None and not texts:
                texts += _misfits(name, values, self.start(name))
            yield from ((("tuning", "space", name), text) for text in texts)

    def start(self, name: str) -> Any:
        """Return the value that an option has without a search, as a fraction where the code's own is one."""
        usual = (self.known_options() or {})[name]
        value = self.model.options.get(name, usual)
        return float(value) if isinstance(usual, float) and isinstance(value, int) else value

    def tunable_metrics(self) -> tuple[str, ...]:
        """Return the metrics that a search may go by, the usual one first."""
        raise NotImplementedError

    def known_options(self) -> Mapping[str, Any] | None:
        """Return the options of the model with their defaults; None where there is no such model."""
        raise NotImplementedError


def _misfits(name: str, values: Values, start: Any) -> Iterator[str]:
    """Yield why a range does not fit to the value that the model has without a search."""
    if values.choices is None and isinstance(start, int) and not values.whole:
        yield f"{start} is a whole number; give low, high and step as such"
    elif not values.holds(start):
        yield f"the search starts from {start}; set model.options.{name} or widen the range to hold it"


def defaults_of(kind: Callable[..., Any] | None) -> Mapping[str, Any] | None:
    """Return the parameters of a class with their defaults; None for no class."""
    if kind is None:
        return None
    parameters = inspect.signature(kind).parameters.values()
    return {one.name: one.default for one in parameters if one.default is not inspect.Parameter.empty}
