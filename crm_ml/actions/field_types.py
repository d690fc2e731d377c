"""Types of the fields of a catalogue: names, amounts, counts, probabilities and rules."""

from typing import Annotated

from pydantic import AfterValidator, Field

from crm_ml.errors import ConfigError
from crm_ml.rules.grammar import parse


def _checked_rule(rule: str) -> str:
    try:
        parse(rule)
    except ConfigError as error:
        raise ValueError(str(error)) from error
    return rule


Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]
Names = Annotated[tuple[Name, ...], Field(strict=False)]
Texts = Annotated[tuple[str, ...], Field(strict=False)]
Cents = Annotated[int, Field(ge=0, le=10**9)]
Count = Annotated[int, Field(ge=1)]
Probability = Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)]
Percent = Annotated[float, Field(ge=-100, le=1000, allow_inf_nan=False)]
Source = Annotated[str, Field(min_length=10)]
TagName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
Rule = Annotated[str, AfterValidator(_checked_rule)]
