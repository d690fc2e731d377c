"""Models that predict a number from a customer's features: boosted trees, regression, rules, calibration.

A family defines what is predicted and for whom; the models that all families share are here.
"""

from crm_ml.models.blend import Blend
from crm_ml.models.calibrated_model import CalibratedModel
from crm_ml.models.gradient_boosting import GradientBoosting
from crm_ml.models.labelled_rows import LabelledRows
from crm_ml.models.logistic import Logistic
from crm_ml.models.model import MODELS, Model, create
from crm_ml.models.one_feature_rule import OneFeatureRule
from crm_ml.models.shrunk_rate import ShrunkRate

__all__ = [
    "MODELS",
    "Blend",
    "CalibratedModel",
    "GradientBoosting",
    "LabelledRows",
    "Logistic",
    "Model",
    "OneFeatureRule",
    "ShrunkRate",
    "create",
]
