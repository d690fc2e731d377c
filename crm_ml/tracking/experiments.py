"""Experiments of the tracking store, one a family."""

import shlex

from crm_ml.errors import InputError
from crm_ml.tracking.store import Client, artefacts_location, store_name

_OF_TRAINING = {"mlflow.experimentKind": "custom_model_development"}  # which pages MLflow shows


def experiment_id(client: Client, name: str) -> str:
    """Return the id of an experiment, created if absent, also if another process creates it meanwhile.

    Raises
    ------
    InputError
        If it was deleted; the message says how it is restored.
    """
    from mlflow.exceptions import MlflowException

    experiment = client.get_experiment_by_name(name)
    if experiment is None:
        try:
            return str(client.create_experiment(name, artefacts_location(), tags=_OF_TRAINING))
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
            experiment = client.get_experiment_by_name(name)
    if experiment.lifecycle_stage != "active":
        command = f"mlflow experiments restore --experiment-id {experiment.experiment_id}"
        raise InputError(
            f"the experiment {name} is deleted in the store; restore it: "
            f"MLFLOW_TRACKING_URI={shlex.quote(store_name())} {command}"
        )
    for key in _OF_TRAINING.keys() - experiment.tags.keys():
        client.set_experiment_tag(experiment.experiment_id, key, _OF_TRAINING[key])
    return str(experiment.experiment_id)
