"""Settings of ``configs/identity/*.yaml``."""

from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator

from crm_ml.errors import ConfigError
from crm_ml.identity.average_link import AverageLink
from crm_ml.identity.compared_pairs import block_parts
from crm_ml.identity.comparison import Comparison
from crm_ml.identity.normalising import Identifier
from crm_ml.identity.rule import Rule, Wall
from crm_ml.tables.safe_yaml import read_yaml
from crm_ml.tables.strict import Strict, validate


def _day(value: Any) -> Any:
    if isinstance(value, str):
        try:
            return date.fromisoformat(value)
        except ValueError as error:
            raise ValueError(f"{value!r} is no date; write it as YYYY-MM-DD") from error
    return value.date() if isinstance(value, datetime) else value


class ScorerSettings(Strict):
    """Probabilities of pairs, by which groups of the rules are joined further.

    Parameters
    ----------
    kind : {"fellegi_sunter", "splink"}
        The package's own scorer, or a model of Splink (extra ``identity``).
    comparisons : tuple of Comparison
        Columns that are compared.
    blocks : tuple of str, optional
        Which profiles are compared, such as ``"surname[:4] + birth_date"``: those with equal columns, or
        equal first letters of them; by default each compared column and each two of them.
    block_cap : int
        Most profiles of a block; larger ones are left out. Of ``fellegi_sunter``.
    labelled : str, optional
        A CSV or Parquet file with left, right (profile_ids) and same (whether they are one person), relative
        to the project, by which probabilities are recalibrated.
    """

    kind: Literal["fellegi_sunter", "splink"] = "fellegi_sunter"
    comparisons: Annotated[tuple[Comparison, ...], Field(strict=False, min_length=1)]
    blocks: Annotated[tuple[str, ...], Field(strict=False, min_length=1)] | None = None
    block_cap: int = Field(default=100, ge=2)
    labelled: str | None = None

    @field_validator("blocks")
    @classmethod
    def _written(cls, blocks: tuple[str, ...] | None) -> tuple[str, ...] | None:
        try:
            for block in blocks or ():
                block_parts(block)
        except ConfigError as error:
            raise ValueError(str(error)) from error
        return blocks


class IdentitySettings(Strict):
    """How the profiles of a company become customers.

    Parameters
    ----------
    profiles : str
        A CSV or Parquet file, relative to the project, with profile_id and identifiers.
    out : str
        Folder of the published customers, relative to the project.
    as_of : date, optional
        Day that is published; ``--as-of`` overrides it.
    identifiers : dict of str to Identifier
        Forms of columns.
    rules : tuple of Rule
        What joins profiles.
    hub_cap : int
        Most profiles that may share a value of a rule without a cap of its own.
    walls : tuple of Wall
        Columns across which nothing is joined.
    scorer : ScorerSettings, optional
        Probabilities of further pairs.
    average_link : AverageLink
        How these join groups.
    """

    profiles: str
    out: str = "data/identity/customers"
    as_of: Annotated[date | None, BeforeValidator(_day)] = None
    identifiers: dict[str, Identifier] = Field(default_factory=dict)
    rules: Annotated[tuple[Rule, ...], Field(strict=False, min_length=1)]
    hub_cap: int = Field(default=8, ge=2)
    walls: Annotated[tuple[Wall, ...], Field(strict=False)] = ()
    scorer: ScorerSettings | None = None
    average_link: AverageLink = AverageLink()


def read_settings(path: Path) -> IdentitySettings:
    """Read a settings file.

    Raises
    ------
    ConfigError
        If it is absent, no YAML, or invalid; lists all errors.
    """
    content = read_yaml(path)
    if not isinstance(content, dict):
        raise ConfigError(f"{path}: is no block of settings; it begins with profiles: FILE")
    return validate(content, IdentitySettings, str(path))
