"""What MLflow loads a model of returns by."""

from crm_ml.models.model_folder import loader, probability

COLUMN = "p_return"
FAMILY = "returns"
_load_pyfunc = loader(probability(COLUMN))
