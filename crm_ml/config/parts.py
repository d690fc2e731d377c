"""Parts that the configs of several families share."""

from datetime import date
from typing import Annotated

from pydantic import Field

from crm_ml.tables.strict import Strict

Positive = Annotated[int, Field(ge=1)]
Option = bool | int | float | str
Day = Annotated[date, Field(strict=False)]


class Defaults(Strict):
    """``configs/default.yaml``: the runs that ``python -m crm_ml.train`` trains without a name."""

    runs: Annotated[tuple[str, ...], Field(strict=False, min_length=1)]


class Data(Strict):
    """Which tables a run reads.

    Parameters
    ----------
    name : str
        A data set of `crm_ml.datasets`, or the mapping of own tables, such as ``configs/data/mine.yaml``.
    path : str, optional
        Where the files of a data set lie that is not installed with the package.
    options : dict of str to value
        Of the data set, such as ``part: master`` of cdnow; see its module.
    ends_at : date, optional
        First day of which the tables know nothing. Without it, the day after the newest order; give it where
        orders may be dated in the future, for else every label before them is "churned".
    """

    name: str
    path: str | None = None
    options: dict[str, Option] = Field(default_factory=dict)
    ends_at: Day | None = None


class Part(Strict):
    """A model or baseline by the name of its module, with its options."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    options: dict[str, Option] = Field(default_factory=dict)


class Register(Strict):
    """Under which name the final model is registered and which day it is trained for."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]*$")]
    as_of: Day
