"""Cautions: what the data behind a lifetime value do not know, each with a figure and its limit."""

import logging
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from crm_ml.clv.newton import BOUND
from crm_ml.clv.purchase_calendar import Calendar
from crm_ml.clv.purchase_histories import plain_names
from crm_ml.clv.purchase_model import PurchaseModel
from crm_ml.clv.purchase_regularity import Regularity, regularity
from crm_ml.clv.season import LEAST_FACTOR, MONTHS, Season, season
from crm_ml.clv.time_units import DAYS, NAMES, Horizon, each_in_units, in_units
from crm_ml.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

    from crm_ml.clv.time_units import Horizons

logger = logging.getLogger(__name__)
Kind = Literal["horizon", "bound", "season", "regularity", "cohorts"]
LONGEST = 1.5
LEAST_SHAPE = 1.3
SWING = 1.5
COHORT_FACTOR = 1.25
_LEVEL = 0.01
_LEAST_COHORT = 50
_APART = 0.8  # median age of newer customers over that of older ones


@dataclass(frozen=True)
class Caution:
    """One reason not to trust a value as it stands.

    Parameters
    ----------
    kind : {"horizon", "bound", "season", "regularity", "cohorts"}
    figure, limit : float
        What was measured, and where the caution begins.
    text : str
        A sentence for people, with a way on.
    """

    kind: Kind
    figure: float
    limit: float
    text: str

    def as_dict(self) -> dict[str, Any]:
        """Return the caution as plain data."""
        return asdict(self)


def cautions(
    model: PurchaseModel, summary: "pd.DataFrame", horizon: Horizon, calendar: Calendar | None = None
) -> tuple[Caution, ...]:
    """Return what to be careful of in values of a fitted model within a horizon.

    Parameters
    ----------
    model : PurchaseModel
        Fitted to `summary`.
    summary : pandas.DataFrame, shape (n, ...)
    horizon : timedelta or float
        A time, or a number in the unit of the summary; ``math.inf`` for ever.
    calendar : Calendar, optional
        Of `crm_ml.clv.purchase_calendar`; without it nothing is said of season and regularity.

    Notes
    -----
    Season, regularity and cohorts each ask for an effect that matters (a quarter of the purchases, or a shape
    of 1.3) and for a departure that chance makes in at most 1 of 100 worlds where the model holds; horizon
    and bound are facts. Reasons and rates of false alarms: decision 88.
    """
    length = in_units(horizon, model.unit_for(summary))
    every: list[Caution | None] = [_horizon(summary, length), _bound(model, summary)]
    if calendar is not None:
        days = DAYS[str(summary.attrs["time_unit"])] * min(length, 1e6)
        every.append(_season(season(model, summary, calendar, timedelta(days=days))))
        every.append(_regularity(regularity(calendar), model.K_IS_ONE))
    every.append(_cohorts(model, summary))
    return tuple(caution for caution in every if caution is not None)


def of_horizon_and_bounds(
    model: PurchaseModel, summary: "pd.DataFrame", horizon: "Horizon | Horizons"
) -> list[dict[str, Any]]:
    """Return the cautions of horizon and bounds as plain data, which frames can hold; log the former."""
    summary = plain_names(summary)
    beyond = _horizon(summary, float(np.max(each_in_units(horizon, model.unit_for(summary), summary.index))))
    if beyond is not None:
        logger.warning("%s", beyond.text)
    return [item.as_dict() for item in (beyond, _bound(model, summary)) if item is not None]


def texts(items: Sequence[Caution]) -> list[str]:
    """Return the sentences of cautions."""
    return [item.text for item in items]


def _horizon(summary: "pd.DataFrame", length: float) -> Caution | None:
    known = float(summary["T"].max())
    unit = NAMES.get(str(summary.attrs.get("time_unit")), "units of time")
    ratio = length / max(known, 1e-12)
    if ratio <= LONGEST:
        return None
    ahead = "for ever" if math.isinf(length) else f"{length:,.0f} {unit} ahead"
    return Caution(
        "horizon",
        ratio,
        LONGEST,
        f"Values are {ahead} of customers known for at most {known:,.0f} {unit}: beyond "
        f"{LONGEST:g} times what is known they rest on the model's form more than on data; read "
        "the interval of the total, or take a shorter horizon.",
    )


def _bound(model: PurchaseModel, summary: "pd.DataFrame") -> Caution | None:
    scale = math.log(max(float(summary["T"].mean()), 1e-300))
    known = dict(zip(model.NAMES, model.theta_.tolist(), strict=True))
    logarithms = list(known.items())[: len(known) - model.COEFFICIENTS]
    at_bound = [
        name
        for name, value in logarithms
        if abs(value - (scale if name in model.TIMES else 0.0)) >= BOUND - 1
    ]
    if not at_bound:
        return None
    return Caution(
        "bound",
        len(at_bound),
        0,
        f"The data can't tell {' and '.join(at_bound)} from 0 or infinity. Intervals of single customers "
        "leave this out; the interval of the total has it.",
    )


def _season(known: Season | None) -> Caution | None:
    if known is None:
        return None
    from scipy.stats import norm

    if known.factor == known.factor:
        if not known.is_clear:
            return None
        text = (
            f"The months ahead have had {known.factor:.2f} of an average month's purchases, which no model "
            "of purchases knows; "
        )
        text += "a seasonal factor is tried." if known.whole_year else "less than a year is known of it."
        return Caution("season", known.factor, LEAST_FACTOR, text)
    if known.swing <= SWING or known.swing_z <= float(norm.isf(_LEVEL / 2 / known.months)):
        return None
    return Caution(
        "season",
        known.swing,
        SWING,
        f"Months differ by a factor of {known.swing:.1f}, and {known.unseen_days:,} days ahead lie in "
        f"calendar months that were not seen ({known.months} of {MONTHS} were): totals may be off by as "
        "much; wait for a whole year of orders, or read values as an order of customers.",
    )


def _regularity(shape: Regularity | None, assumes_one: bool) -> Caution | None:
    if shape is None or not assumes_one or shape.low <= LEAST_SHAPE:
        return None
    return Caution(
        "regularity",
        shape.shape,
        LEAST_SHAPE,
        f"Purchases are regular (Gamma shape {shape.shape:.1f} [{shape.low:.1f}, {shape.high:.1f}] of the "
        f"gaps of {shape.customers:,} customers; 1 is chance): customers who are overdue count as alive for "
        "too long; try the candidate mbg_cnbd_k.",
    )


def _cohorts(model: PurchaseModel, summary: "pd.DataFrame") -> Caution | None:
    """Compare the fits of older and newer customers by the likelihood ratio of two fits against one."""
    from scipy.stats import chi2

    middle = float(summary["T"].median())
    older, newer = summary[summary["T"] > middle], summary[summary["T"] <= middle]
    ages = [float(part["T"].median()) if len(part) >= _LEAST_COHORT else math.nan for part in (older, newer)]
    if not 0 < ages[1] <= _APART * ages[0]:  # NaN where a cohort is small
        return None
    try:
        parts = [model.fresh().fit_histories(model.histories_of(part)) for part in (older, newer)]
    except InputError:  # too few repeat purchases for two fits
        return None
    ratio = 2 * (sum(part.log_likelihood_ for part in parts) - model.log_likelihood_)
    at = [ages[1]]
    before, after = (float(part.expected_since_first(at)[0]) for part in parts)
    change = after / max(before, 1e-12)
    if max(change, 1 / max(change, 1e-12)) <= COHORT_FACTOR or ratio <= chi2.isf(_LEVEL, len(model.NAMES)):
        return None
    unit = NAMES.get(model.time_unit_ or "", "units of time")
    return Caution(
        "cohorts",
        change,
        COHORT_FACTOR,
        f"Newer customers (known for {middle:,.0f} {unit} or less) buy {change:.2f} times what older ones "
        f"did in their first {at[0]:,.0f} {unit}; one set of parameters for all is wrong for them: fit newer "
        "customers alone.",
    )
