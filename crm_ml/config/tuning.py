"""The config of a hyper-parameter search: the space, the validation days before the test, and the budget."""

import inspect
import math
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from crm_ml.config.parts import Option, Part, Place, Positive, part_breaches, refuse
from crm_ml.config.run import Run
from crm_ml.errors import ConfigError
from crm_ml.tables.strict import Strict

if TYPE_CHECKING:
    from crm_ml.models.discovery import Registry

Number = Annotated[int | float, Field(allow_inf_nan=False)]
_NEVER = {
    "seed": "a seed that is chosen fits the validation rows and nothing else",
    "num_threads": "the number of threads changes no result",
    "objective": "it follows from what is predicted",
}


class Validation(Strict):
    """Rolling validation days before the test, for the search and for confirming its choice.

    Labels of the confirmation days end by the first test day, and labels of the search days by the first
    confirmation day. So no choice uses a label of the data that evaluates it.

    Parameters
    ----------
    search : int
        Number of days, or campaigns, that options are chosen on: the newest before those of `confirm`.
    confirm : int
        Number of days, or campaigns, that the choice is confirmed on: the newest whose label windows fit.
    every_days : int
        Days between them; campaigns keep their dates.
    """

    search: Positive = 3
    confirm: Positive = 1
    every_days: Positive = 28


class Pruning(Strict):
    """Median pruning: a trial stops if its best gain so far is below the median of complete trials that day.

    Parameters
    ----------
    startup : int
        Complete trials before any is pruned.
    after : int
        Search days that every trial is evaluated on before it may be pruned.
    """

    startup: Positive = 5
    after: Positive = 1


class Values(Strict):
    """Values that an option may take: whole numbers or fractions from `low` to `high`, or a choice.

    Parameters
    ----------
    low : int or float, optional
        Smallest value, included.
    high : int or float, optional
        Largest value, included.
    log : bool
        Whether the logarithm is drawn uniformly.
    step : int or float, optional
        Distance between values, from `low` on.
    choices : tuple of value, optional
        Instead of a range.
    """

    low: Number | None = None
    high: Number | None = None
    log: bool = False
    step: Annotated[int | float, Field(gt=0, allow_inf_nan=False)] | None = None
    choices: Annotated[tuple[Option, ...], Field(strict=False)] | None = None

    def holds(self, value: Any) -> bool:
        """Return whether a value is allowed.

        Examples
        --------
        >>> Values(low=10, high=30, step=10).holds(20), Values(low=10, high=30, step=10).holds(25)
        (True, False)
        """
        if self.choices is not None:
            return any(value == choice and type(value) is type(choice) for choice in self.choices)
        if isinstance(value, bool) or not isinstance(value, int | float):
            return False
        assert self.low is not None
        assert self.high is not None
        if not self.low <= value <= self.high:
            return False
        steps = 0.0 if self.step is None else (value - self.low) / self.step
        return math.isclose(steps, round(steps), abs_tol=1e-9)

    def breaches(self) -> Iterator[str]:
        """Yield the contradictions among the fields."""
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
        """Whether a range has only whole numbers."""
        return all(
            isinstance(number, int) for number in (self.low, self.high, self.step) if number is not None
        )


class Tuning(Strict):
    """A hyper-parameter search for the model of a run; its result is used only if clearly better.

    Parameters
    ----------
    trials : int
        Number of trials; the first has the options that the run would have without a search.
    startup : int
        Random trials before the sampler learns from them.
    metric : str, optional
        ``log_loss`` (default) or ``brier`` of probabilities; ``ndcg`` (default) or ``new_ndcg`` of lists.
    validation, pruning, space
        See the class of each; without `pruning` every trial is completed. `space` names options of the model.
    """

    trials: Annotated[int, Field(ge=2)]
    startup: Positive = 10
    metric: Literal["log_loss", "brier", "ndcg", "new_ndcg"] | None = None
    validation: Validation = Validation()
    pruning: Pruning | None = Pruning()
    space: Annotated[dict[str, Values], Field(min_length=1)]


class Tuned(Run):
    """Common config of runs whose model can be tuned.

    Parameters
    ----------
    model : Part
        The model, with its options.
    baselines : tuple of Part
        What stands beside it in every report.
    tuning : Tuning, optional
        Options of `model` are the baseline of the search, which uses the seed of the run.
    """

    model: Part
    baselines: Annotated[tuple[Part, ...], Field(strict=False, min_length=1)]
    tuning: Tuning | None = None

    @field_validator("baselines")
    @classmethod
    def _named_once(cls, baselines: tuple[Part, ...]) -> tuple[Part, ...]:
        names = [part.name for part in baselines]
        if len(set(names)) < len(names):
            raise ValueError(f"each baseline may stand once, not {', '.join(names)}")
        return baselines

    @model_validator(mode="after")
    def _usable(self) -> Self:
        searched = () if self.tuning is None else self._breaches(self.tuning)
        refuse(self, [*part_breaches(self.registry(), self.parts()), *searched])
        return self

    def parts(self) -> Iterator[tuple[Place, Part]]:
        """Yield model and baselines, each with its place in the file."""
        yield ("model",), self.model
        yield from ((("baselines", number), part) for number, part in enumerate(self.baselines))

    def _breaches(self, tuning: Tuning) -> Iterator[tuple[tuple[str, ...], str]]:
        metrics = self.tunable_metrics()
        if tuning.metric is not None and tuning.metric not in metrics:
            yield ("tuning", "metric"), f"{tuning.metric} is none of {', '.join(metrics)}"
        known = self.known_options()
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
        """Return the value of an option without a search, as a float if its default is one."""
        usual = (self.known_options() or {})[name]
        value = self.model.options.get(name, usual)
        return float(value) if isinstance(usual, float) and isinstance(value, int) else value

    def tunable_metrics(self) -> tuple[str, ...]:
        """Return the metrics that a search may optimise, the default first."""
        raise NotImplementedError

    def registry(self) -> "Registry[Any]":
        """Return the registry of models that `model` and `baselines` may name."""
        raise NotImplementedError

    def known_options(self) -> Mapping[str, Any] | None:
        """Return the options of the model with their defaults; None if there is no such model."""
        try:
            return defaults_of(self.registry().get(self.model.name))
        except ConfigError:
            return None


def _misfits(name: str, values: Values, start: Any) -> Iterator[str]:
    """Yield why a range does not contain the value that the model has without a search."""
    if values.choices is None and isinstance(start, int) and not values.whole:
        yield f"{start} is a whole number; give low, high and step as such"
    elif not values.holds(start):
        yield f"the search starts from {start}; set model.options.{name} or widen the range to hold it"


def defaults_of(kind: Callable[..., Any] | None) -> Mapping[str, Any] | None:
    """Return the parameters of a class with their defaults; None for no class."""
    if kind is None:
        return None
    parameters = inspect.signature(kind).parameters.values()
    return {
        parameter.name: parameter.default
        for parameter in parameters
        if parameter.default is not inspect.Parameter.empty
    }
