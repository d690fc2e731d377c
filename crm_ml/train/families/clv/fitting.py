"""What the lifetime-value experiment fits to the customers of a moment: candidates and the challenger."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np

from crm_ml.clv.challenger import Challenger, challenger_features, join
from crm_ml.clv.gamma_gamma import GammaGamma
from crm_ml.clv.purchase_and_spend_model import PURCHASES, Valuer
from crm_ml.clv.purchase_calendar import with_gaps
from crm_ml.clv.purchase_model import PurchaseModel
from crm_ml.clv.validation_windows import WindowSource
from crm_ml.clv.with_covariates import WithCovariates
from crm_ml.config import ClvRun

if TYPE_CHECKING:
    import pandas as pd


def fit_candidates(config: ClvRun, source: WindowSource, as_of: datetime) -> dict[str, Valuer]:
    """Return every candidate fitted to the customers of a moment; what several share is fitted once."""
    return {each.name: fit_one(config, source, as_of, each.name) for each in config.candidates}


def fit_one(config: ClvRun, source: WindowSource, as_of: datetime, name: str) -> Valuer:
    """Return the candidate of a name fitted to the customers of a moment."""
    (candidate,) = (each for each in config.candidates if each.name == name)
    settings = candidate.first_purchase, candidate.largest_correlation

    def purchases(summary: "pd.DataFrame") -> PurchaseModel:
        model = PURCHASES[candidate.purchases](prior=candidate.prior)
        known = candidate.covariates
        if known is not None:
            return WithCovariates(model, known.purchases, known.dropout, candidate.prior).fit(summary)
        return model.fit(summary if model.K_IS_ONE else with_gaps(summary, source.tables, as_of))

    return Valuer(
        candidate.purchases,
        source.fitted(f"{candidate.purchases} {candidate.covariates} {candidate.prior}", as_of, purchases),
        source.fitted(f"spend {settings}", as_of, lambda frame: GammaGamma(*settings).fit(frame)),
    )


def fit_challenger(config: ClvRun, source: WindowSource, as_of: datetime, base: str) -> Challenger:
    """Train the challenger for a moment on snapshots before it, with labels that end at it."""
    assert config.challenger is not None
    parts = []
    for step in range(config.challenger.windows, 0, -1):
        days = step * config.challenger.every_days
        past = source.window(as_of - timedelta(days=days), days)
        parts.append((past, fit_one(config, source, past.snapshot.as_of, base)))
    features = [challenger_features(valuer, past.summary, past.terms) for past, valuer in parts]
    values = [valuer.value(past.summary, past.terms).to_numpy() for past, valuer in parts]
    came = [past.outcomes.known["value"].to_numpy() for past, _ in parts]
    trees = Challenger.with_options(config.challenger.options)
    return trees.fit(join(features), np.concatenate(values), np.concatenate(came))
