"""The baseline that every shop has: who has not ordered for long is leaving."""

from crm_ml.models.feature_rule import FeatureRule


class RecencyRule(FeatureRule):
    """Probability given the days since the last order."""

    @property
    def feature(self) -> str:
        """Name of the feature."""
        return "rfm_days_since_order"
