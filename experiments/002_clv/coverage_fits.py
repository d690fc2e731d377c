"""Models fitted to simulated customers: parameters and quantities of a typical history, with intervals."""

import copy
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
from coverage_simulation import SPEND, Floats, simulate
from threadpoolctl import threadpool_limits

from crm_ml.clv import BetaGeo, GammaGamma, ModifiedBetaGeo, ParetoNBD, value_with_interval
from crm_ml.clv.bootstrap import bootstrap
from crm_ml.clv.maximum_likelihood import NotConverged
from crm_ml.clv.profile_likelihood import profile_intervals
from crm_ml.clv.purchase_histories import Histories
from crm_ml.clv.purchase_model import PurchaseModel
from crm_ml.clv.spend_summary import Spend

HORIZON, Z = 39.0, 1.959963984540054
TYPICAL = {"frequency": [2], "recency": [30.43], "T": [38.86], "monetary_value": [25.0]}
EXPECTED, VALUE, MEAN = "expected purchases", "expected value", "expected spend"
LOGARITHM = {"q": lambda q: np.log(q - 1)}


@dataclass(frozen=True)
class Study:
    """A model, the parameters that customers are simulated with, and how often to draw them again."""

    model: type[PurchaseModel] | type[GammaGamma]
    truth: dict[str, float]
    replicates: int = 0


@dataclass(frozen=True)
class Estimate:
    """An estimate of a quantity, its interval and the standard error of its logarithm."""

    estimate: float
    low: float
    high: float
    error: float
    log_estimate: float
    kind: str
    wald: tuple[float, float] | None = None


_BETA_GEO = {"r": 0.2426, "alpha": 4.4136, "a": 0.7929, "b": 2.4259}
STUDIES = {
    "BG/NBD": Study(BetaGeo, _BETA_GEO),
    "MBG/NBD": Study(ModifiedBetaGeo, {"r": 0.5248, "alpha": 6.1831, "a": 0.8914, "b": 1.6140}),
    "Pareto/NBD": Study(ParetoNBD, {"r": 0.553, "alpha": 10.578, "s": 0.606, "beta": 11.669}),
    "Gamma-Gamma": Study(GammaGamma, SPEND),
    "BG/NBD, bootstrap": Study(BetaGeo, _BETA_GEO, replicates=200),
    "Gamma-Gamma, bootstrap": Study(GammaGamma, SPEND, replicates=200),
}


def simulate_and_fit(job: tuple[str, int, int, int]) -> dict[str, Estimate]:
    """Simulate customers and return a model's estimate of each quantity; none if it does not converge."""
    name, customers, seed, number = job
    study = STUDIES[name]
    rng = np.random.default_rng([seed, list(STUDIES).index(name), number])
    buying = _BETA_GEO if issubclass(study.model, GammaGamma) else study.truth
    with threadpool_limits(1):
        summary = simulate(buying, study.model is ModifiedBetaGeo, customers, rng)
        try:
            model = study.model().fit(summary)
            if study.replicates:
                return drawn_again(model, summary, study.replicates, rng)
            return asked(model, summary)
        except NotConverged:
            return {}


def typical() -> pd.DataFrame:
    """Return the history of the typical customer."""
    frame = pd.DataFrame(TYPICAL)
    frame.attrs["time_unit"] = "W"
    return frame


def asked(model: PurchaseModel | GammaGamma, summary: pd.DataFrame) -> dict[str, Estimate]:
    """Return each parameter and each quantity of the typical history, with the intervals of the package."""
    theta, covariance = model.theta_, model.covariance_
    if isinstance(model, GammaGamma):
        return spend_parameters(model) | {MEAN: _by_delta(partial(quantity, model), theta, covariance)}
    clv, low, high = value_with_interval(model, GammaGamma().fit(summary), typical(), HORIZON).iloc[0]
    value = Estimate(clv, low, high, np.log(high / clv) / Z, np.log(clv), "delta")
    expected = _by_delta(partial(quantity, model), theta, covariance)
    return purchase_parameters(model, summary) | {VALUE: value, EXPECTED: expected}


def purchase_parameters(model: PurchaseModel, summary: pd.DataFrame) -> dict[str, Estimate]:
    """Return each parameter of a purchase model with its profile interval, and Wald's beside it."""
    errors = np.sqrt(np.diag(model.covariance_))
    profile, wald = profile_intervals(model, summary), model.confidence_intervals()
    return {
        name: Estimate(
            model.params_[name],
            *profile[name],
            float(errors[i]),
            float(model.theta_[i]),
            "profile",
            wald[name],
        )
        for i, name in enumerate(model.NAMES)
    }


def spend_parameters(model: GammaGamma) -> dict[str, Estimate]:
    """Return each parameter of Gamma-Gamma with Wald's interval."""
    theta, errors = model.theta_, np.sqrt(np.diag(model.covariance_))
    shift = np.array([name in LOGARITHM for name in model.NAMES], dtype=float)  # theta holds log (q - 1)
    lows, highs = np.exp(theta - Z * errors) + shift, np.exp(theta + Z * errors) + shift
    return {
        name: Estimate(
            model.params_[name], float(lows[i]), float(highs[i]), float(errors[i]), float(theta[i]), "Wald"
        )
        for i, name in enumerate(model.NAMES)
    }


def quantity(model: PurchaseModel | GammaGamma, theta: Floats) -> float:
    """Return what the typical customer is expected to spend on a purchase, or to buy within the horizon."""
    moved = copy.copy(model)
    moved.theta_ = theta
    if isinstance(moved, GammaGamma):
        return float(moved.expected(Spend.of(typical(), moved.use_first_purchase))[0])
    return float(moved.future(Histories.of(typical())).expected(HORIZON)[0])


def _by_delta(ask: Callable[[Floats], float], theta: Floats, covariance: Floats) -> Estimate:
    """Return a positive quantity with an interval symmetric in its logarithm, by the delta method."""
    steps = 1e-4 * np.eye(len(theta))
    slope = np.array([np.log(ask(theta + step) / ask(theta - step)) / 2e-4 for step in steps])
    error, at = float(np.sqrt(slope @ covariance @ slope)), ask(theta)
    return Estimate(at, at * np.exp(-Z * error), at * np.exp(Z * error), error, float(np.log(at)), "delta")


def drawn_again(
    model: PurchaseModel | GammaGamma, summary: pd.DataFrame, replicates: int, rng: np.random.Generator
) -> dict[str, Estimate]:
    """Return each parameter and quantity with percentile intervals of a bootstrap of whole customers."""
    drawn = bootstrap(model, summary, replicates, rng)
    logs = np.log(drawn.assign(q=drawn["q"] - 1) if "q" in drawn else drawn).to_numpy()
    what = MEAN if isinstance(model, GammaGamma) else EXPECTED
    values = {name: drawn[name].to_numpy() for name in model.NAMES}
    values[what] = np.array([quantity(model, theta) for theta in logs])
    estimates = {**model.params_, what: quantity(model, model.theta_)}
    estimated = {}
    for name, each in values.items():
        low, high = np.percentile(each, [2.5, 97.5])
        in_logs = LOGARITHM.get(name, np.log)
        error = float(np.std(in_logs(each), ddof=1))
        log_estimate = float(in_logs(estimates[name]))
        estimated[name] = Estimate(estimates[name], low, high, error, log_estimate, "percentile")
    return estimated


def truths(study: Study) -> dict[str, float]:
    """Return the true parameters, and the quantities of the typical history at them."""
    model = known(study)
    at = quantity(model, model.theta_)
    if isinstance(model, GammaGamma):
        return study.truth | {MEAN: at}
    value = {} if study.replicates else {VALUE: at * truths(STUDIES["Gamma-Gamma"])[MEAN]}
    return study.truth | value | {EXPECTED: at}


def known(study: Study) -> PurchaseModel | GammaGamma:
    """Return a model with the true parameters: one that was fitted, with these put in."""
    summary = simulate(_BETA_GEO, False, 1_000, np.random.default_rng(0))
    empty = GammaGamma(largest_correlation=1.0) if study.model is GammaGamma else study.model()
    logs = [float(LOGARITHM.get(name, np.log)(value)) for name, value in study.truth.items()]
    return study.model.from_dict(empty.fit(summary).as_dict() | {"theta": logs})
