"""The loader of propensity models for MLflow; registered models store the name of this module."""

from crm_ml.models.model_folder import loader, probability

COLUMN = "p_response"
FAMILY = "propensity"
_load_pyfunc = loader(probability(COLUMN))
