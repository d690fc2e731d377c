"""Uplift: what an action changes for each customer, learned from a randomised or well-observed experiment.

S, T, X, R and DR learners over boosted trees or lines, a constant effect as baseline, the rows of an
experiment, and the folder of a model. Whether an order by uplift is worth anything is judged in
`crm_ml.evaluation`.
"""

from crm_ml.uplift.dr_learner import DRLearner
from crm_ml.uplift.learners import LEARNERS, create
from crm_ml.uplift.r_learner import RLearner
from crm_ml.uplift.s_learner import SLearner
from crm_ml.uplift.t_learner import TLearner
from crm_ml.uplift.x_learner import XLearner

__all__ = ["LEARNERS", "DRLearner", "RLearner", "SLearner", "TLearner", "XLearner", "create"]
