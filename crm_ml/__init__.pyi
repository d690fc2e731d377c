from crm_ml import allocation as allocation
from crm_ml import churn as churn
from crm_ml import clv as clv
from crm_ml import datasets as datasets
from crm_ml import decision as decision
from crm_ml import evaluation as evaluation
from crm_ml import features as features
from crm_ml import learning as learning
from crm_ml import lists as lists
from crm_ml import models as models
from crm_ml import monitoring as monitoring
from crm_ml import plots as plots
from crm_ml import propensity as propensity
from crm_ml import recommend as recommend
from crm_ml import snapshots as snapshots
from crm_ml import tables as tables
from crm_ml import tracking as tracking
from crm_ml import uplift as uplift
from crm_ml.actions.catalog import Action as Action
from crm_ml.front.decide import decide as decide
from crm_ml.front.fit import fit as fit
from crm_ml.front.fitted_model import load_model as load_model

__version__: str
