"""Runs, registered models and aliases in MLflow, which only this package imports."""

from crm_ml.tracking.loader_check import LoaderGone
from crm_ml.tracking.registry import ModelAbsent, ModelVersion, aliases_of, champion, registered
from crm_ml.tracking.runs import TrackedRun, check_finite, start
from crm_ml.tracking.store import Client, absent, connect, connect_to, refusing, tracking_uri

__all__ = [
    "Client",
    "LoaderGone",
    "ModelAbsent",
    "ModelVersion",
    "TrackedRun",
    "absent",
    "aliases_of",
    "champion",
    "check_finite",
    "connect",
    "connect_to",
    "refusing",
    "registered",
    "start",
    "tracking_uri",
]
