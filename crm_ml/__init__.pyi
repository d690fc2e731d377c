from crm_ml import datasets as datasets
from crm_ml import plots as plots
from crm_ml import tables as tables
from crm_ml.actions.catalog import Action as Action
from crm_ml.front.decide import decide as decide
from crm_ml.front.fit import fit as fit
from crm_ml.front.fitted_model import load_model as load_model

__version__: str
