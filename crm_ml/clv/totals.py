"""The total of many customers, with the interval of its expectation and that of what will come."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np

from crm_ml.clv.clv_model import ClvModel
from crm_ml.clv.gamma_gamma import GammaGamma
from crm_ml.clv.lifetime_value import LEVEL, lifetime_value
from crm_ml.clv.parameter_posterior import posterior_of_purchases, posterior_of_spend
from crm_ml.clv.purchase_and_spend_model import Valuer
from crm_ml.clv.purchase_histories import Floats, Histories, Ints
from crm_ml.clv.purchase_model import PurchaseModel
from crm_ml.clv.spend_summary import Spend
from crm_ml.clv.time_units import NAMES, Horizon, in_units
from crm_ml.clv.valuation_terms import Terms
from crm_ml.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

WIDEST = 8.0
_TOP, _REST = 300, 300
_TINY = 1e-300
_HALVINGS, _FEW = 8, 100


class HorizonRefused(InputError):
    """A horizon for which the data can't say the total."""


@dataclass(frozen=True)
class Total:
    """The sum over customers within a horizon, in purchases or in money.

    Parameters
    ----------
    expected : float
        By the fitted parameters.
    expectation_low, expectation_high : float
        95 % interval of the expectation: how well the parameters are known.
    prediction_low, prediction_high : float
        95 % interval of the sum that will be observed: the above, and what chance does to each customer.
    """

    expected: float
    expectation_low: float
    expectation_high: float
    prediction_low: float
    prediction_high: float

    def as_dict(self) -> dict[str, float]:
        """Return the total as plain data."""
        return asdict(self)


@dataclass(frozen=True, eq=False)
class _Sample:
    """Customers by which a sum is known: the largest, and some of the rest with the weight of all."""

    histories: Histories
    rows: Ints
    weight: Floats

    @classmethod
    def of(cls, histories: Histories, worth: Floats) -> "_Sample":
        order = np.argsort(-worth, kind="stable")
        top, rest = order[:_TOP], order[_TOP:]
        some = rest[:: max(math.ceil(len(rest) / _REST), 1)]
        weight = np.concatenate([np.ones(len(top)), np.full(len(some), len(rest) / max(len(some), 1))])
        rows = np.concatenate([top, some])
        return cls(histories.of_customers(rows), rows, weight)


def total_purchases(
    model: PurchaseModel, summary: "pd.DataFrame", horizon: Horizon, rng: np.random.Generator
) -> Total:
    """Return the number of purchases of all customers within a horizon, with both intervals.

    Parameters
    ----------
    model : PurchaseModel
        Fitted to `summary`.
    summary : pandas.DataFrame, shape (n, ...)
    horizon : timedelta or float
        A time, or a number in the unit of the summary.
    rng : numpy.random.Generator

    Raises
    ------
    HorizonRefused
        If the interval of the expectation spans more than a factor of 8: the data can't say the total. The
        error says how far ahead they can.
    InputError
        If the horizon is infinite, or the summary is not valid.

    Notes
    -----
    The parameters are drawn from their posterior (see `crm_ml.clv.parameter_posterior`), not from a normal
    distribution around the fit, so parameters at the end of their range count. Of more than 600 customers
    the 300 with the largest expectation and every so many of the rest carry the spread of all.
    """
    histories, length = model.histories_of(summary), _finite(model, summary, horizon)
    expected = model.future(histories).expected(length)[histories.row]
    sample = _Sample.of(histories, expected)
    theta = posterior_of_purchases(model, histories, rng)
    _refuse_unknown(model, sample, theta, length)
    drawn = [_purchases(model, sample.histories, draw, length, rng) for draw in theta]
    means, counts = (np.array(part) for part in zip(*drawn, strict=True))
    return _total(expected[sample.rows], float(expected.sum()), means, counts, sample.weight)


def total_value(
    valuer: Valuer,
    summary: "pd.DataFrame",
    terms: Terms,
    rng: np.random.Generator,
    factor: float = 1.0,
    level_errors: Sequence[float] = (),
) -> Total:
    """Return the value of all customers within a horizon, with both intervals; raises as `total_purchases`.

    Parameters
    ----------
    valuer : Valuer
        Fitted to `summary`.
    summary : pandas.DataFrame, shape (n, ...)
    terms : Terms
        Of a finite horizon.
    rng : numpy.random.Generator
    factor : float
        By which a calibration raises the sum of the probabilistic values.
    level_errors : sequence of float
        ``log(observed / predicted)`` of totals of earlier windows: what moves all customers at once, as a
        season does. Their root mean square, with Student's t of as many degrees, widens the prediction.
    """
    purchases, spend_model = valuer.purchases, valuer.spend
    histories, spend = (
        valuer.purchases.histories_of(summary),
        Spend.of(summary, valuer.spend.use_first_purchase),
    )
    length = _finite(purchases, summary, terms.length)
    args = terms.length, terms.annual_discount_rate, terms.margin
    values = factor * lifetime_value(purchases, spend_model, summary, *args).to_numpy(dtype=np.float64)
    sample = _Sample.of(histories, np.asarray(values))
    rows = sample.rows
    plain = purchases.future(sample.histories).expected(length) * spend_model.expected(spend)[rows]
    share = np.asarray(values[rows] / np.maximum(plain, _TINY))  # discount, margin and calibration
    theta = posterior_of_purchases(purchases, histories, rng)
    _refuse_unknown(purchases, sample, theta, length)
    some = Spend(spend.n[rows], spend.mean[rows])
    drawn = []
    for draw, money in zip(theta, posterior_of_spend(spend_model, spend, rng), strict=True):
        mean, count = _purchases(purchases, sample.histories, draw, length, rng)
        each, paid = _spend(spend_model, money, some, count, rng)
        drawn.append((share * mean * each, share * paid))
    means, sums = (np.array(part) for part in zip(*drawn, strict=True))
    levels = _levels(level_errors, len(theta), rng)
    return _total(np.asarray(values[rows]), float(values.sum()), means, sums, sample.weight, levels)


def total_of(
    model: ClvModel, summary: "pd.DataFrame", rng: np.random.Generator, level_errors: Sequence[float] = ()
) -> Total | str:
    """Return the total of a model with its calibration, or the sentence that refuses it; see `total_value`.

    `summary` is that of the customers whom the model was fitted to.
    """
    if model.terms.horizon is None:
        return "values for ever have no total to be observed"
    plain = float(model.valuer.value(summary, model.terms).sum())
    factor = float(model.predict(summary)["clv"].sum()) / max(plain, _TINY)
    try:
        return total_value(model.valuer, summary, model.terms, rng, factor, level_errors)
    except HorizonRefused as refusal:
        return str(refusal)


def _purchases(
    model: PurchaseModel, histories: Histories, theta: Floats, length: float, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """Return expected and drawn purchases of each history for one draw of the parameters."""
    future = model.future_at(theta, histories)
    return future.expected(length), future.drawn(length, rng)


def _spend(
    model: GammaGamma, theta: Floats, spend: Spend, count: Floats, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """Return the expected spend on a purchase, and what `count` purchases cost, of each customer."""
    p, above, v = np.exp(theta)
    level = model.levels_.of(spend.n)
    inverse_scale = v + spend.n * spend.mean / level
    expected = level * p * inverse_scale / (p * spend.n + above)
    nu = rng.gamma(1 + above + p * spend.n) / inverse_scale
    paid = level * rng.gamma(np.maximum(p * count, _TINY)) / np.maximum(nu, _TINY)
    return np.asarray(expected), np.where(count > 0, paid, 0.0)


def _levels(errors: Sequence[float], draws: int, rng: np.random.Generator) -> Floats:
    """Return factors of the whole sum that are as likely as the errors of earlier windows."""
    if not len(errors):
        return np.ones(draws)
    spread = math.sqrt(float(np.mean(np.square(errors))))
    return np.exp(np.clip(spread * rng.standard_t(len(errors), draws), -20.0, 20.0))


def _total(
    fitted: Floats,
    everybody: float,
    means: Floats,
    sums: Floats,
    weight: Floats,
    levels: Floats | float = 1.0,
) -> Total:
    """Return the total from draws of the customers of a sample, shape (draws, m)."""
    expectation = means @ weight * (everybody / max(float(fitted @ weight), _TINY))
    chance = (sums - means) @ np.sqrt(weight)
    prediction = np.maximum(expectation + chance, 0.0) * levels
    ends = (1 - LEVEL) / 2, (1 + LEVEL) / 2
    low, high = np.quantile(expectation, ends)
    least, most = np.quantile(prediction, ends)
    return Total(everybody, float(low), float(high), float(least), float(most))


def _finite(model: PurchaseModel, summary: "pd.DataFrame", horizon: Horizon) -> float:
    length = in_units(horizon, model.unit_for(summary))
    if math.isinf(length):
        raise InputError("horizon is infinite; a total with its intervals needs one that ends")
    return length


def _refuse_unknown(model: PurchaseModel, sample: _Sample, theta: Floats, length: float) -> None:
    """Raise `HorizonRefused` where the interval of the expected purchases is too wide."""
    span = _span(model, sample, theta, length)
    if span <= WIDEST:
        return
    low, high = 0.0, length
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if _span(model, sample, theta, middle) <= WIDEST else (low, middle)
    unit = NAMES.get(model.time_unit_ or "", "units of time")
    known = float(sample.histories.T.max())
    reach = f"up to {low:,.0f} {unit} ahead they can" if low >= 1 else "nor for any shorter time"
    raise HorizonRefused(
        f"the total of the next {length:,.0f} {unit} can't be said: customers are known for at most "
        f"{known:,.0f} {unit}, and what they may do spans a factor of {min(span, 1e6):,.0f} (limit "
        f"{WIDEST:.0f}); {reach}"
    )


def _span(model: PurchaseModel, sample: _Sample, theta: Floats, length: float) -> float:
    """Return the upper over the lower end of the interval of the expected purchases."""
    draws = theta[:: max(len(theta) // _FEW, 1)]
    sums = [float(model.future_at(draw, sample.histories).expected(length) @ sample.weight) for draw in draws]
    low, high = np.quantile(sums, ((1 - LEVEL) / 2, (1 + LEVEL) / 2))
    return float(high / max(low, _TINY))
