"""Strict models of ``configs/*.yaml``; one file is one run."""

from crm_ml.config.churn import Calibration, ChurnRun
from crm_ml.config.clv import ClvRun
from crm_ml.config.loading import Run, load, load_run
from crm_ml.config.parts import Data, Defaults, Register

__all__ = ["Calibration", "ChurnRun", "ClvRun", "Data", "Defaults", "Register", "Run", "load", "load_run"]
