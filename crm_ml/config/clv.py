"""The config of a lifetime-value experiment."""

from datetime import date
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from crm_ml.config.parts import Day, Option, Positive
from crm_ml.config.run import Run
from crm_ml.tables.strict import Strict


class ValueTarget(Strict):
    """The predicted outcome: purchases and money within a horizon.

    Parameters
    ----------
    horizon_days : int
        Length of the test window.
    purpose : str, optional
        Purpose that customers must have consented to for their rows to train a model; required if the tables
        have consents.
    """

    horizon_days: Positive
    purpose: str | None = None


class ValueSplit(Strict):
    """The test snapshot, and earlier validation snapshots for model selection.

    Parameters
    ----------
    test : date
        The snapshot that evaluates the model.
    validation : tuple of date
        In ascending order, all before `test`. Each window ends after the horizon, or at `test` if that is
        sooner, so that no label of the test window influences the selection.
    """

    test: Day
    validation: Annotated[tuple[Day, ...], Field(strict=False, min_length=1)]

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        days = list(self.validation)
        if days != sorted(set(days)) or days[-1] >= self.test:
            shown = ", ".join(map(str, days))
            raise ValueError(f"validation days must ascend, each once, all before {self.test}, not {shown}")
        return self


class CovariatesConfig(Strict):
    """Attributes of customers by which they buy more or drop out sooner.

    Parameters
    ----------
    purchases : tuple of str
        Attributes of the table ``customers`` that the rate of purchases follows from.
    dropout : tuple of str
        Those that dropping out follows from.
    """

    purchases: Annotated[tuple[str, ...], Field(strict=False)] = ()
    dropout: Annotated[tuple[str, ...], Field(strict=False)] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """All attributes, each once."""
        return tuple(dict.fromkeys((*self.purchases, *self.dropout)))

    @model_validator(mode="after")
    def _some(self) -> Self:
        if not self.names:
            raise ValueError("covariates need an attribute under purchases or dropout")
        return self


class CandidateConfig(Strict):
    """A purchase model and a spend model.

    Parameters
    ----------
    purchases : {"beta_geo", "modified_beta_geo", "pareto_nbd", "mbg_cnbd_k"}
        The last one learns how regular purchases are.
    first_purchase : bool
        Whether Gamma-Gamma learns from the first purchase too.
    largest_correlation : float
        Correlation of frequency and spend beyond which each band of frequency gets its own level of spend.
    covariates : CovariatesConfig, optional
        Attributes that the purchase model knows; not for mbg_cnbd_k.
    prior : "weak", optional
        Weak priors of the purchase model's parameters, for small cohorts; see `crm_ml.clv.parameter_priors`.
    """

    purchases: Literal["beta_geo", "modified_beta_geo", "pareto_nbd", "mbg_cnbd_k"]
    first_purchase: bool = False
    largest_correlation: Annotated[float, Field(ge=0, le=1)] = 0.3
    covariates: CovariatesConfig | None = None
    prior: Literal["weak"] | None = None

    @model_validator(mode="after")
    def _takes_covariates(self) -> Self:
        if self.covariates is not None and self.purchases == "mbg_cnbd_k":
            raise ValueError("mbg_cnbd_k takes no covariates; beta_geo, modified_beta_geo and pareto_nbd do")
        return self

    @property
    def name(self) -> str:
        """Name in the tables of a run, such as ``"pareto_nbd, first purchase"``."""
        told: list[str] = [self.purchases]
        if self.covariates is not None:
            told.append(f"covariates {' '.join(self.covariates.names)}")
        if self.prior is not None:
            told.append(f"{self.prior} prior")
        return ", ".join([*told, "first purchase"] if self.first_purchase else told)


class ChallengerConfig(Strict):
    """Boosted trees that correct the predictions of the best candidate.

    Parameters
    ----------
    windows : int
        Number of earlier snapshots that the trees are trained on, with labels that end at the predicted one.
    every_days : int
        Days between these snapshots.
    options : dict of str to value
        Parameters of `crm_ml.clv.challenger.Challenger`.
    """

    windows: Positive = 2
    every_days: Positive = 28
    options: dict[str, Option] = Field(default_factory=dict)


class ValuationConfig(Strict):
    """Terms of the lifetime value in the score table.

    Parameters
    ----------
    months : float, optional
        Horizon; none for an infinite one, which needs a discount.
    annual_discount_rate : float
        What a year takes off money to come: 0.1 is 10 %.
    margin : float
        Share of the spend that is earned.
    """

    months: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = 12
    annual_discount_rate: Annotated[float, Field(ge=0, le=10)] = 0.1
    margin: Annotated[float, Field(gt=0, le=1)] = 1.0

    @model_validator(mode="after")
    def _ends(self) -> Self:
        if self.months is None and self.annual_discount_rate == 0:
            raise ValueError("a value for ever needs an annual_discount_rate above 0")
        return self


class ClvRun(Run):
    """A lifetime-value experiment: one file of ``configs/clv/``.

    Parameters
    ----------
    family : "clv"
    target, split, candidates, challenger, worth
        See the class of each; by default no challenger is tried.
    time_unit : {"D", "W"}
        Of the summary and of the parameters.
    interval_replicates : int
        Bootstrap refits behind the intervals of the score table.
    largest_total_error : float
        A relative error of the total of the test window up to this is no reason against a model. Beyond it
        the observed total must lie in the prediction interval, or every rule must have missed by more than
        this, and by half as much as the model or more, on the same side; see
        `crm_ml.evaluation.total_verdict`.
    """

    family: Literal["clv"]
    time_unit: Literal["D", "W"] = "D"
    target: ValueTarget
    split: ValueSplit
    candidates: Annotated[tuple[CandidateConfig, ...], Field(strict=False, min_length=1)]
    challenger: ChallengerConfig | None = None
    worth: ValuationConfig = ValuationConfig()
    interval_replicates: Annotated[int, Field(ge=20)] = 100
    largest_total_error: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 0.25

    @field_validator("candidates")
    @classmethod
    def _named_once(cls, candidates: tuple[CandidateConfig, ...]) -> tuple[CandidateConfig, ...]:
        names = [candidate.name for candidate in candidates]
        if len(set(names)) < len(names):
            raise ValueError(f"each candidate may stand once, not {', '.join(names)}")
        return candidates

    @model_validator(mode="after")
    def _registered_after_test(self) -> Self:
        if self.register_as.as_of < self.split.test:
            raise ValueError(
                f"register_as.as_of {self.register_as.as_of} lies before the test {self.split.test}"
            )
        return self

    @property
    def attributes(self) -> tuple[str, ...]:
        """Attributes of customers that candidates know, each once."""
        known = [each.covariates.names for each in self.candidates if each.covariates is not None]
        return tuple(dict.fromkeys(name for names in known for name in names))

    def window_days(self, as_of: date) -> int:
        """Return the length of the window of a snapshot: the horizon, but at most until the test snapshot."""
        left = (self.split.test - as_of).days
        return self.target.horizon_days if left <= 0 else min(self.target.horizon_days, left)


RUN = ClvRun
