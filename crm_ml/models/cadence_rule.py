"""The personal baseline: who has not ordered for long, measured by the own habit, is leaving."""

from crm_ml.models.feature_rule import FeatureRule


class CadenceRule(FeatureRule):
    """Probability given the time since the last order as a share of the customer's usual gap."""

    @property
    def feature(self) -> str:
        """Name of the feature."""
        return "cadence_gap_share"
