"""The shape of ``clv.json``: what a lifetime-value model reads from its folder, and nothing else."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from crm_ml.tables.strict import Strict

Above = Annotated[float, Field(gt=0, le=1e12)]
Unit = Literal["D", "W"]


class _Fitted(Strict):
    theta: tuple[Annotated[float, Field(ge=-700, le=700)], ...]  # logarithms
    covariance: tuple[tuple[float | None, ...], ...]
    log_likelihood: float
    n_customers: Annotated[int, Field(ge=0, lt=2**53)]


class _Covariate(Strict):
    source: str
    level: str | None
    usual: float
    known: tuple[str, ...]


class _Covariates(Strict):
    purchases: tuple[str, ...]
    dropout: tuple[str, ...]
    columns: tuple[_Covariate, ...]
    few_patterns: bool


class _Purchases(_Fitted):
    time_unit: Unit
    prior: Literal["weak"] | None = None
    covariates: _Covariates | None = None
    k: Annotated[int, Field(ge=1, le=1000)] = 1


class _Independence(Strict):
    spearman: float
    pearson: float
    p_value: float


class _Levels(Strict):
    edges: tuple[int, ...]
    factors: tuple[Above, ...]

    @model_validator(mode="after")
    def _check(self) -> Self:
        if len(self.factors) != len(self.edges) + 1:
            raise ValueError(f"{len(self.edges)} edges have {len(self.factors)} factors")
        return self


class _Spend(_Fitted):
    use_first_purchase: bool
    largest_correlation: float
    mean_is_tied: bool
    independence: _Independence
    levels: _Levels


class _Valuer(Strict):
    name: str
    purchases: _Purchases
    spend: _Spend


class _Tilt(Strict):
    power: Annotated[float, Field(gt=0, le=10)]
    total: Above
    scale: Above


class _Caution(Strict):
    kind: Literal["horizon", "bound", "season", "regularity", "cohorts"]
    figure: float
    limit: float
    text: str


class ClvFile(Strict):
    """What the file holds; see `crm_ml.clv.clv_model.ClvModel`."""

    format: int
    time_unit: Unit
    horizon_days: Annotated[float, Field(gt=0, le=1e6)] | None
    annual_discount_rate: Annotated[float, Field(ge=0, le=1e3)]
    margin: Annotated[float, Field(gt=0, le=1e3)]
    valuer: _Valuer
    tilt: _Tilt
    challenger_floor: Annotated[float, Field(ge=0, le=1e12)] | None
    season: Annotated[float, Field(gt=0, le=1e3)] = 1.0
    cautions: tuple[_Caution, ...] = ()
