"""Models of customer features that the families share: trees, lines, rules, calibration, reasons.

A family says what is predicted and of whom; how a number is learned from a row of features stands here once.
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
