"""The folder a propensity model is kept in; also the loader module of its MLflow flavour."""

from pathlib import Path

from crm_ml.models.artefact import PyfuncModel, load

COLUMN = "p_response"
FAMILY = "propensity"


def _load_pyfunc(path: str) -> PyfuncModel:
    return PyfuncModel(load(Path(path)), COLUMN)
