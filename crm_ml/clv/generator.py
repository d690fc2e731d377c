"""Customers drawn from the parameters of a purchase model, purchase by purchase."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from crm_ml.clv.beta_geo import BetaGeo
from crm_ml.clv.beta_geo_beta_binom import BetaGeoBetaBinom
from crm_ml.clv.mbg_cnbd_k import MbgCnbdK
from crm_ml.clv.pareto_nbd import ParetoNBD
from crm_ml.clv.purchase_histories import Floats
from crm_ml.clv.purchase_model import PurchaseModel
from crm_ml.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

_TINY = 1e-300
_MOST = 50_000_000


@dataclass(frozen=True, eq=False)
class Generated:
    """Drawn customers.

    Parameters
    ----------
    summary : pandas.DataFrame
        frequency, recency and T of each customer, with what the customers were given; no money.
    purchases : pandas.DataFrame
        A row for each repeat purchase, by customer and time: ``customer_id`` and ``time`` since the first.
    truth : pandas.DataFrame
        ``rate`` of purchases of each customer while alive, and ``alive`` at the age T.
    """

    summary: "pd.DataFrame"
    purchases: "pd.DataFrame"
    truth: "pd.DataFrame"


def generate(model: PurchaseModel, customers: "pd.DataFrame | Floats", rng: np.random.Generator) -> Generated:
    """Draw customers as a model has them: rates, lifetimes or coins, and every purchase.

    Parameters
    ----------
    model : PurchaseModel
        Fitted, or made by ``of_params``.
    customers : array-like of float, shape (n,), or pandas.DataFrame
        The age T of each customer in the unit of the model; a frame has it as its column T, beside the
        covariates of the model, if any.
    rng : numpy.random.Generator

    Raises
    ------
    InputError
        If the model is not fitted, an age is missing or negative, or more than 50 million purchases are
        expected.

    References
    ----------
    .. [1] Fader, Hardie and Lee (2005). "Counting your customers" the easy way. Marketing Science 24, section
       3 (the story of BG/NBD).

    Examples
    --------
    >>> from crm_ml.clv import BetaGeo
    >>> model = BetaGeo.of_params({"r": 0.24, "alpha": 4.41, "a": 0.79, "b": 2.43}, time_unit="W")
    >>> drawn = generate(model, np.full(1_000, 39.0), np.random.default_rng(0))
    >>> drawn.summary.columns.tolist(), bool(drawn.summary["frequency"].mean() < 2)
    (['frequency', 'recency', 'T'], True)
    """
    import pandas as pd

    model._check_fitted()
    if isinstance(model, BetaGeoBetaBinom):
        raise InputError("BetaGeoBetaBinom buys at opportunities, not in time; nothing is drawn from it")
    frame = customers if isinstance(customers, pd.DataFrame) else pd.DataFrame({"T": np.asarray(customers)})
    age = frame["T"].to_numpy(dtype=np.float64)
    wrong = int((~(np.isfinite(age) & (age >= 0))).sum())
    if wrong:
        raise InputError(f"customers: T is missing, infinite or negative for {wrong:,} of {len(age):,}")
    blank = frame.assign(frequency=0, recency=0.0)
    blank.attrs = {"time_unit": model.time_unit_} if model.time_unit_ else {}
    histories = model.histories_of(blank)
    theta = model.each(model.theta_, histories)
    each = np.exp(theta)[:, histories.row] if theta.ndim > 1 else np.exp(theta)[:, None] * np.ones(len(age))
    rate = rng.gamma(each[0], 1 / each[1])
    if not (rate * age).sum() < _MOST:
        raise InputError(f"more than {_MOST:,} purchases are expected; give fewer customers, or younger ones")
    owner, time, alive = _follow(_kind(model), rate, each, age, rng)
    order = np.lexsort((time, owner))
    owner, time = owner[order], time[order]
    last = np.zeros(len(age))
    np.maximum.at(last, owner, time)
    frequency = np.bincount(owner, minlength=len(age))
    given = frame.drop(columns=["frequency", "recency"], errors="ignore")
    summary = pd.concat([pd.DataFrame({"frequency": frequency, "recency": last}, frame.index), given], axis=1)
    summary.attrs = blank.attrs
    bought = pd.DataFrame({"customer_id": frame.index.to_numpy()[owner], "time": time})
    return Generated(summary, bought, pd.DataFrame({"rate": rate, "alive": alive}, frame.index))


def _kind(model: PurchaseModel) -> PurchaseModel:
    """Return the model without covariates."""
    return getattr(model, "model", model)


def _follow(
    kind: PurchaseModel, rate: Floats, each: Floats, age: Floats, rng: np.random.Generator
) -> tuple[npt.NDArray[np.int64], Floats, npt.NDArray[np.bool_]]:
    """Return customer and time of each purchase, and who is alive at the end."""
    ends, coin = np.full(len(age), np.inf), np.zeros(len(age))
    if isinstance(kind, ParetoNBD):
        ends = rng.standard_exponential(len(age)) / np.maximum(rng.gamma(each[2], 1 / each[3]), _TINY)
    else:
        coin = rng.beta(each[2], each[3])
    phases = kind.k_ if isinstance(kind, MbgCnbdK) else 1
    at_first = isinstance(kind, MbgCnbdK) or (isinstance(kind, BetaGeo) and kind.EXTRA > 0)
    alive, now, here = ends > age, np.zeros(len(age)), np.arange(len(age))
    owners, times = [], []
    if at_first:
        stays = rng.random(len(age)) >= coin
        alive, here = alive & stays, here[stays]
    until = np.minimum(ends, age)
    while len(here):
        now[here] += rng.standard_gamma(phases, len(here)) / np.maximum(rate[here], _TINY)
        here = here[now[here] <= until[here]]
        owners.append(here)
        times.append(now[here])
        leaves = rng.random(len(here)) < coin[here]
        alive[here[leaves]] = False
        here = here[~leaves]
    if not owners:
        return np.empty(0, np.int64), np.empty(0), alive
    return np.concatenate(owners), np.concatenate(times), alive
