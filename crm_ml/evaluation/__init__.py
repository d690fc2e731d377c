"""Metrics of predictions, their intervals, checks for leaks, and calibration.

Works on arrays of outcomes and predictions and knows no model family.
"""

from crm_ml.evaluation.frame_comparison import Comparison, compare
from crm_ml.evaluation.predictions import Predictions
from crm_ml.evaluation.significance import Evaluation, Interval, evaluate
from crm_ml.evaluation.uplift_predictions import UpliftPredictions
from crm_ml.evaluation.value_predictions import ValuePredictions

__all__ = [
    "Comparison",
    "Evaluation",
    "Interval",
    "Predictions",
    "UpliftPredictions",
    "ValuePredictions",
    "compare",
    "evaluate",
]
