"""The profile that a registered lifetime-value model carries."""

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

import numpy as np

from crm_ml.clv.summary import SUMMARY, in_cents
from crm_ml.models.model_profiles import Scores, score_columns
from crm_ml.monitoring.training_profile import Profile, ProfiledDay, profile_columns
from crm_ml.snapshots import as_utc
from crm_ml.tables.currencies import currency_of, minor_per_major

if TYPE_CHECKING:
    import pandas as pd

    from crm_ml.clv.clv_model import ClvModel
    from crm_ml.clv.validation_windows import ValidationWindow, WindowSource


_OF_VALUES = ("p_alive", "expected_purchases", "expected_value")


def of_values(model: "ClvModel", source: "WindowSource", window: "ValidationWindow", day: date) -> Profile:
    """Return the profile of a lifetime-value model: the summaries of two days, and what the final one says.

    Parameters
    ----------
    model : ClvModel
        The final one.
    source : WindowSource
    window : ValidationWindow
        The test window.
    day : date
        Of the final model. Its customers are counted with those who did not allow training.
    """
    as_of = as_utc(day)
    summaries = {window.snapshot.as_of: window.summary, as_of: source.summary(as_of)}
    everybody = (
        summaries[as_of] if source.customers is None else replace(source, customers=None).summary(as_of)
    )
    ordered = sorted(summaries.items())
    per_major = minor_per_major(currency_of(source.tables.frame("order_lines")))
    known = [ProfiledDay(moment.toordinal(), summary[[*SUMMARY]]) for moment, summary in ordered]
    predicted = {moment: value_scores(model.predict(summary), per_major) for moment, summary in ordered}
    return Profile(
        profile_columns(known, 1), tuple(score_columns(predicted, "")), {f"{as_of:%Y-%m-%d}": len(everybody)}
    )


def value_scores(values: "pd.DataFrame", minor_per_major: int = 100) -> Scores:
    """Return the scores of a value model as they stand in a score table, money in minor units."""
    scores = {name: values[name].to_numpy() for name in _OF_VALUES}
    return scores | {"clv_cents": in_cents(values["clv"], minor_per_major).astype(np.float64)}
