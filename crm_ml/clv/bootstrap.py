"""Customer bootstrap: whole customers are resampled by reweighting their histories."""

import copy
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from crm_ml.clv.gamma_gamma import GammaGamma
from crm_ml.clv.maximum_likelihood import NotConverged
from crm_ml.clv.purchase_histories import Floats
from crm_ml.clv.purchase_model import PurchaseModel
from crm_ml.clv.spend_summary import Grouped, Spend
from crm_ml.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

Fitted = TypeVar("Fitted", PurchaseModel, GammaGamma)


def bootstrap(
    model: PurchaseModel | GammaGamma, summary: "pd.DataFrame", replicates: int, rng: np.random.Generator
) -> "pd.DataFrame":
    """Refit a model to customers drawn with replacement.

    Parameters
    ----------
    model : BetaGeo, ModifiedBetaGeo, ParetoNBD or GammaGamma
        Fitted to `summary`; every refit starts at its parameters, and at the standard starting points where
        that does not converge. The model itself is not changed.
    summary : pandas.DataFrame, shape (n, ...)
    replicates : int
    rng : numpy.random.Generator

    Returns
    -------
    pandas.DataFrame, shape (replicates, number of parameters)
        Parameters of each replicate, in the unit of the summary.

    Raises
    ------
    InputError
        If the model is not fitted, `summary` is no valid summary, or `replicates` is not positive.
    NotConverged
        If the likelihood of a replicate has no maximum from any start; the error counts such replicates.

    Notes
    -----
    Drawing n customers with replacement is the same as drawing the count of each of k distinct histories from
    a multinomial distribution with n draws and shares weight / n, so a replicate costs k, not n.

    References
    ----------
    .. [1] Efron and Tibshirani (1993). An introduction to the bootstrap, chapter 6.
    """
    import pandas as pd

    if replicates < 1:
        raise InputError(f"replicates is {replicates}; it must be 1 or more")
    again = _again(model, summary, rng)
    rows, failed = [], 0
    for _ in range(replicates):
        try:
            rows.append(again())
        except NotConverged:
            failed += 1
    if failed:
        raise NotConverged(
            f"{failed:,} of {replicates:,} replicates have no maximum, neither from the fitted parameters "
            "nor from the standard starts; give more customers, or customers with more repeat purchases"
        )
    return pd.DataFrame(rows, columns=list(model.NAMES))


def _again(
    model: PurchaseModel | GammaGamma, summary: "pd.DataFrame", rng: np.random.Generator
) -> Callable[[], dict[str, float]]:
    """Return a function that draws customers, refits the model and returns its parameters."""
    if isinstance(model, GammaGamma):
        known = Spend.of(summary, model.use_first_purchase).known()
        settings, curved = (model.use_first_purchase, model.largest_correlation), model.hessian(known)

        def spend() -> dict[str, float]:
            drawn = Grouped(known.n, known.mean, _drawn(known.weight, rng))
            return _retried(
                lambda *near: GammaGamma(*settings).fit_grouped(drawn, *near), model.theta_, curved
            ).params_

        return spend
    histories = model.histories_of(summary)
    hessian = model.hessian(histories)

    def purchases() -> dict[str, float]:
        drawn = histories.weighted(_drawn(histories.weight, rng))
        return _retried(
            lambda *near: model.fresh().fit_histories(drawn, *near), model.theta_, hessian
        ).params_

    return purchases


def _retried(fit: Callable[..., Fitted], start: Floats, hessian: Floats) -> Fitted:
    """Fit from a start with its Hessian, or from the standard starts where that does not converge."""
    try:
        return fit(start, hessian)
    except NotConverged:
        return fit()


def with_bootstrap_errors(
    model: Fitted, summary: "pd.DataFrame", replicates: int, rng: np.random.Generator
) -> Fitted:
    """Return the model with the covariance of its parameters taken from `bootstrap`, not from the Hessian.

    Valid also where the distributions that the model assumes do not hold; it costs one refit per replicate.
    Parameters, raises: as `bootstrap`.
    """
    drawn = bootstrap(model, summary, replicates, rng).to_numpy(copy=True)
    positive = slice(drawn.shape[1] - model.COEFFICIENTS)
    if isinstance(model, GammaGamma):
        drawn[:, 1] -= 1  # q is known by the logarithm of q - 1
    changed = copy.copy(model)
    drawn[:, positive] = np.log(drawn[:, positive])
    changed.covariance_ = np.cov(drawn, rowvar=False)
    return changed


def _drawn(weight: Floats, rng: np.random.Generator) -> Floats:
    customers = round(float(weight.sum()))
    return rng.multinomial(customers, weight / weight.sum()).astype(np.float64)
