"""Uplift: the effect of an action on each customer, learned from a randomised or observational experiment.

S, T, X, R and DR learners over boosted trees or linear models, a forest with intervals, a constant effect as
baseline, and the rows of an experiment. Uplift models are evaluated in `crm_ml.evaluation`.
"""

from crm_ml.uplift.dr_learner import DRLearner
from crm_ml.uplift.effect_forest import EffectForest
from crm_ml.uplift.learners import LEARNERS, create
from crm_ml.uplift.qini_scorer import QiniScorer
from crm_ml.uplift.r_learner import RLearner
from crm_ml.uplift.s_learner import SLearner
from crm_ml.uplift.several_outcomes import SeveralOutcomes
from crm_ml.uplift.t_learner import TLearner
from crm_ml.uplift.x_learner import XLearner

__all__ = [
    "LEARNERS",
    "DRLearner",
    "EffectForest",
    "QiniScorer",
    "RLearner",
    "SLearner",
    "SeveralOutcomes",
    "TLearner",
    "XLearner",
    "create",
]
