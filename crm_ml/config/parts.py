"""Parts that the configs of several families share."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, Field, ValidationError, field_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from crm_ml.errors import CrmError
from crm_ml.plugins import NAME
from crm_ml.tables.strict import Strict

if TYPE_CHECKING:
    from crm_ml.models.discovery import Registry

Positive = Annotated[int, Field(ge=1)]
Option = bool | int | float | str
Groups = dict[str, dict[str, Option | list[str]]]
Day = Annotated[date, Field(strict=False)]
Place = tuple[int | str, ...]


def _ascending(days: tuple[date, ...]) -> tuple[date, ...]:
    if list(days) != sorted(set(days)):
        raise ValueError(f"test days must ascend, each once, not {', '.join(map(str, days))}")
    return days


def _option(value: Any) -> Any:
    """Return an option of a model, or refuse what is not plain; lists stand in mappings alone."""
    if isinstance(value, Mapping):
        return {
            str(key): [_option(each) for each in inner] if isinstance(inner, list) else _option(inner)
            for key, inner in value.items()
        }
    if not isinstance(value, Option):
        raise ValueError(f"an option is a number, a text, a bool or a mapping of these, not {value!r}")
    return value


def _known_groups(features: Groups) -> Groups:
    from crm_ml.features.feature_groups import check_groups

    try:
        check_groups(features)
    except CrmError as error:
        raise ValueError(str(error)) from error
    return features


TestDays = Annotated[tuple[Day, ...], Field(strict=False, min_length=1), AfterValidator(_ascending)]
Options = dict[str, Annotated[Any, AfterValidator(_option)]]
Features = Annotated[Groups, AfterValidator(_known_groups)]


class Defaults(Strict):
    """``configs/default.yaml``: the runs that ``python -m crm_ml.train`` trains without a name.

    Parameters
    ----------
    runs : tuple of str
        Their names, such as ``churn/lightgbm``.
    """

    runs: Annotated[tuple[str, ...], Field(strict=False, min_length=1)]


class Data(Strict):
    """The tables that a run reads.

    Parameters
    ----------
    name : str
        A data set of `crm_ml.datasets`, or the mapping file of your own tables, such as
        ``configs/data/mine.yaml``.
    path : str, optional
        Folder of the files of a data set that is not installed with the package.
    options : dict of str to value
        Options of the data set, such as ``part: master`` of cdnow; see its module.
    ends_at : date, optional
        First day that the tables do not cover; by default the day after the newest order, or event where the
        target is one of events. Set it if orders may be dated in the future: otherwise every label before
        them is "churned".
    """

    name: str
    path: str | None = None
    options: dict[str, Option] = Field(default_factory=dict)
    ends_at: Day | None = None

    @field_validator("options")
    @classmethod
    def _check_options(cls, options: dict[str, Option]) -> dict[str, Option]:
        if wrong := sorted({"name", "path", "progress"} & set(options)):
            raise ValueError(f"{', '.join(wrong)} can't be an option; name and path stand beside options")
        return options


class Part(Strict):
    """A model, baseline or learner with its options.

    Parameters
    ----------
    name : str
        Of its module, of an entry point, or ``module:Class`` of one's own; see `crm_ml.models.discovery`.
    options : dict of str to value
        Parameters of its class; a mapping where it takes one, such as ``params`` for LightGBM.
    """

    name: Annotated[str, Field(pattern=NAME)]
    options: Options = Field(default_factory=dict)


class Register(Strict):
    """Name under which the final model is registered, and the day it is trained for.

    Parameters
    ----------
    name : str
        Name of the registered model, such as ``churn``.
    as_of : date
        Day that the final model is trained for: it learns from all labels that end by then.
    """

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]*$")]
    as_of: Day


def part_breaches(
    registry: "Registry[Any]", parts: Iterable[tuple[Place, Part]]
) -> Iterator[tuple[Place, str]]:
    """Yield the place and the reason of each part that can't be created; needs no data."""
    for place, part in parts:
        try:
            registry.create(part.name, **part.options)
        except CrmError as error:
            yield place, str(error)


def refuse(config: Strict, breaches: Iterable[tuple[Place, str]]) -> None:
    """Raise all breaches of a config, if any, in one ``ValidationError``."""
    details: list[InitErrorDetails] = [
        {"type": PydanticCustomError("config", "{text}", {"text": text}), "loc": place, "input": None}
        for place, text in breaches
    ]
    if details:
        raise ValidationError.from_exception_data(type(config).__name__, details)
