"""Runs, registered models and aliases in MLflow, which only this package imports."""

from crm_ml.tracking.loader_check import LoaderGone
from crm_ml.tracking.model_descriptions import describe_model, describe_version
from crm_ml.tracking.published_day import log_day
from crm_ml.tracking.refusals import StoreRefused
from crm_ml.tracking.registry import CONTENT, ModelAbsent, ModelVersion, aliases_of, champion, registered
from crm_ml.tracking.runs import TrackedRun, check_finite, start
from crm_ml.tracking.safe_names import safe_file
from crm_ml.tracking.store import Client, absent, connect, connect_to, refusing, store_name, tracking_uri

__all__ = [
    "CONTENT",
    "Client",
    "LoaderGone",
    "ModelAbsent",
    "ModelVersion",
    "StoreRefused",
    "TrackedRun",
    "absent",
    "aliases_of",
    "champion",
    "check_finite",
    "connect",
    "connect_to",
    "describe_model",
    "describe_version",
    "log_day",
    "refusing",
    "registered",
    "safe_file",
    "start",
    "store_name",
    "tracking_uri",
]
