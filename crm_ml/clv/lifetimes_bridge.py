"""Models of the library ``lifetimes`` into ours and back; it is imported only to make one of its fitters."""

import warnings
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from crm_ml.clv.maximum_likelihood import covariance_of
from crm_ml.clv.newton import free_parameters
from crm_ml.clv.purchase_histories import Floats
from crm_ml.errors import InputError
from crm_ml.extras import require

if TYPE_CHECKING:
    import pandas as pd

FITTERS: Final = {
    "BetaGeo": "BetaGeoFitter",
    "ModifiedBetaGeo": "ModifiedBetaGeoFitter",
    "ParetoNBD": "ParetoNBDFitter",
    "BetaGeoBetaBinom": "BetaGeoBetaBinomFitter",
    "GammaGamma": "GammaGammaFitter",
}


def fitter_name(model: type[Any]) -> str:
    """Return the class of lifetimes that is the counterpart of one of ours.

    Raises
    ------
    InputError
        If there is none.
    """
    if model.__name__ not in FITTERS:
        raise InputError(
            f"{model.__name__} has no counterpart in lifetimes; these have: {', '.join(FITTERS)}"
        )
    return FITTERS[model.__name__]


def params_of(model: type[Any], fitter: Any) -> dict[str, float]:
    """Return the parameters of a fitted fitter, in the order of ours.

    Raises
    ------
    InputError
        If it is a fitter of another model, or not fitted.
    """
    wanted = fitter_name(model)
    kinds = [kind.__name__ for kind in type(fitter).__mro__ if kind.__name__ in FITTERS.values()]
    if kinds[:1] != [wanted]:  # that of the modified model is a kind of the other
        raise InputError(f"{model.__name__}.from_lifetimes takes a {wanted}, not {type(fitter).__name__}")
    if not hasattr(fitter, "params_"):
        raise InputError(f"{wanted} is not fitted; call its fit first")
    return {name: float(fitter.params_[name]) for name in model.NAMES}


def rows_of(fitter: Any) -> "tuple[pd.DataFrame, Floats] | None":
    """Return the rows that a fitter learned from and their weights; None where it holds none."""
    data = getattr(fitter, "data", None)
    if data is not None:
        data = data.rename(columns={"n_periods": "T"})  # of BG/BB
    return None if data is None else (data, data["weights"].to_numpy(dtype=np.float64))


def covariance_at(theta: Floats, hessian: Floats, customers: float) -> Floats:
    """Return the covariance of logarithms of parameters from the Hessian of their mean log-likelihood.

    `theta` are these in the unit of our own search; NaN where that would put a parameter at a bound, or the
    likelihood is flat, as it is close to one.
    """
    return covariance_of(hessian, free_parameters(theta)) / customers


def make_fitter(model: Any) -> Any:
    """Return a fitter of lifetimes with the parameters of one of our models.

    Parameters
    ----------
    model : PurchaseModel or GammaGamma
        Fitted.

    Raises
    ------
    ConfigError
        If lifetimes is not installed.
    InputError
        If it has no such model.

    Notes
    -----
    The fitter predicts, plots and values as a fitted one does. It holds no data: what reads ``fitter.data``
    needs a fit of its own.
    """
    import pandas as pd

    name = fitter_name(type(model))
    with warnings.catch_warnings():  # its import sets an option that pandas 3 warns of, and filters
        warnings.simplefilter("ignore")
        require("lifetimes", f"{type(model).__name__}.to_lifetimes")
        import lifetimes

        fitter = getattr(lifetimes, name)()
    fitter.params_ = pd.Series(model.params_)
    fitter.standard_errors_ = pd.Series(model.standard_errors_)
    fitter.confidence_intervals_ = fitter._compute_confidence_intervals()
    fitter._negative_log_likelihood_ = -model.log_likelihood_ / max(model.n_customers_, 1)
    if name != FITTERS["GammaGamma"]:
        fitter.predict = fitter.conditional_expected_number_of_purchases_up_to_time
    return fitter
