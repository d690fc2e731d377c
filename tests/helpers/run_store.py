"""What a run left in the store, read back through MLflow."""

import json
from pathlib import Path

RUN = "churn/lightgbm"
FEW = {"features": "{rfm: {}, cadence: {}}", "leave_out": "[]", "split.test": "[2017-10-25]"}


def runs(client, name=RUN):
    """Runs of a name, newest first."""
    experiment_id = client.get_experiment_by_name(name.partition("/")[0]).experiment_id
    return [run for run in client.search_runs([experiment_id]) if run.info.run_name == name]


def newest(client, name=RUN):
    return runs(client, name)[0]


def first(client, name=RUN):
    return runs(client, name)[-1]


def overall(run):
    """Metrics of all test days together, without those of each day."""
    return {name: value for name, value in run.data.metrics.items() if not name.startswith("by_day/")}


def folder(run):
    """Folder of a run's artefacts in the local store."""
    return Path(run.info.artifact_uri.removeprefix("file://"))


def facts(run, name="facts"):
    """A JSON file that a run logged."""
    return json.loads((folder(run) / f"{name}.json").read_text(encoding="utf-8"))


def files(run):
    """Names of all artefacts of a run."""
    return {str(path.relative_to(folder(run))) for path in folder(run).rglob("*") if path.is_file()}


def versions(client, name="churn"):
    """Registered versions, and the one that is champion."""
    known = client.search_model_versions(f"name='{name}'")
    champion = client.get_model_version_by_alias(name, "champion")
    return sorted(int(one.version) for one in known), champion.version


def version_folder(client, name, version):
    """Folder of the files of a registered model in the local store."""
    location = client.get_model_version_download_uri(name, str(version))
    return Path(location.removeprefix("file://")) / "data" / "model"
