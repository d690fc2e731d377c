"""Runs, models and aliases in MLflow; the only package that imports it."""

from crm_ml.tracking.registry import ModelVersion, champion, registered
from crm_ml.tracking.runs import Run, check_finite, start
from crm_ml.tracking.store import Client, absent, connect, connect_to, refusing, tracking_uri

__all__ = [
    "Client",
    "ModelVersion",
    "Run",
    "absent",
    "champion",
    "check_finite",
    "connect",
    "connect_to",
    "refusing",
    "registered",
    "start",
    "tracking_uri",
]
