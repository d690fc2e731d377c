"""What a prior has changed of the parameters of a purchase model."""

import math
from typing import TYPE_CHECKING

import numpy as np

from crm_ml.clv.maximum_likelihood import NotConverged
from crm_ml.clv.purchase_model import PurchaseModel
from crm_ml.errors import InputError

if TYPE_CHECKING:
    import pandas as pd


def prior_effect(model: PurchaseModel, summary: "pd.DataFrame") -> "pd.DataFrame":
    """Return each parameter with and without the prior of a model.

    Parameters
    ----------
    model : PurchaseModel
        Fitted to `summary` with a prior.
    summary : pandas.DataFrame

    Returns
    -------
    pandas.DataFrame
        A row for each parameter: ``without`` and ``with_prior``, their standard errors ``error_without`` and
        ``error_with``, and ``moved``, the change in standard errors without the prior. What has no maximum
        without it, or stands at a bound, is NaN. ``attrs["log_likelihood_lost"]`` is how much lower the
        likelihood is at the parameters with the prior.

    Raises
    ------
    InputError
        If the model is not fitted, or has no prior.

    Examples
    --------
    >>> import pandas as pd
    >>> from crm_ml.clv import BetaGeo
    >>> rows = [(0, 0, 38), (1, 9, 38), (2, 20, 36), (5, 30, 35), (0, 0, 30), (3, 12, 39)]
    >>> summary = pd.DataFrame(rows, columns=["frequency", "recency", "T"])
    >>> prior_effect(BetaGeo(prior="weak").fit(summary), summary).columns.tolist()
    ['without', 'with_prior', 'error_without', 'error_with', 'moved']
    """
    import pandas as pd

    model._check_fitted()
    if model.prior is None:
        raise InputError(f"{type(model).__name__} has no prior, so nothing has an effect")
    plain = model.fresh()
    plain.prior = None
    columns = {"with_prior": model.params_, "error_with": model.standard_errors_}
    try:
        plain.fit_histories(model.histories_of(summary))
        columns |= {"without": plain.params_, "error_without": plain.standard_errors_}
        lost = plain.log_likelihood_ - model.log_likelihood_
        moved = (model.theta_ - plain.theta_) / np.sqrt(np.diag(plain.covariance_))
    except NotConverged:
        nothing = dict.fromkeys(model.NAMES, math.nan)
        columns |= {"without": nothing, "error_without": nothing}
        lost, moved = math.nan, np.full(len(model.NAMES), np.nan)
    table = pd.DataFrame(columns, index=pd.Index(list(model.NAMES), name="parameter")).assign(moved=moved)
    table.attrs["log_likelihood_lost"] = lost
    return table[["without", "with_prior", "error_without", "error_with", "moved"]]
