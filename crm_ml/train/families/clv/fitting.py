"""What the lifetime-value experiment fits to the customers of a moment: candidates and the challenger."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np

from crm_ml.clv.challenger import Challenger, challenger_features, join
from crm_ml.clv.gamma_gamma import GammaGamma
from crm_ml.clv.purchase_and_spend_model import PURCHASES, Valuer
from crm_ml.clv.validation_windows import WindowSource
from crm_ml.config import ClvRun

if TYPE_CHECKING:
    import pandas as pd


def fit_candidates(config: ClvRun, summary: "pd.DataFrame") -> dict[str, Valuer]:
    """Fit every candidate to a summary; a purchase model that several share is fitted once."""
    purchases = {
        name: PURCHASES[name]().fit(summary)
        for name in sorted({candidate.purchases for candidate in config.candidates})
    }
    return {
        candidate.name: Valuer(
            candidate.purchases,
            purchases[candidate.purchases],
            GammaGamma(candidate.first_purchase, candidate.largest_correlation).fit(summary),
        )
        for candidate in config.candidates
    }


def fit_one(config: ClvRun, summary: "pd.DataFrame", name: str) -> Valuer:
    """Fit the candidate of a name to a summary."""
    only = [candidate for candidate in config.candidates if candidate.name == name]
    return fit_candidates(config.model_copy(update={"candidates": tuple(only)}), summary)[name]


def fit_challenger(config: ClvRun, source: WindowSource, as_of: datetime, base: str) -> Challenger:
    """Train the challenger for a moment on snapshots before it, with labels that end at it."""
    assert config.challenger is not None
    parts = []
    for step in range(config.challenger.windows, 0, -1):
        days = step * config.challenger.every_days
        past = source.window(as_of - timedelta(days=days), days)
        parts.append((past, fit_one(config, past.summary, base)))
    features = [challenger_features(valuer, past.summary, past.terms) for past, valuer in parts]
    values = [valuer.value(past.summary, past.terms).to_numpy() for past, valuer in parts]
    came = [past.outcomes.known["value"].to_numpy() for past, _ in parts]
    trees = Challenger.with_options(config.challenger.options)
    return trees.fit(join(features), np.concatenate(values), np.concatenate(came))
