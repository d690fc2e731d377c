"""Strict models of the experiment configs ``configs/*.yaml``, one file per run, and their loading."""

from crm_ml.config.churn import ChurnRun
from crm_ml.config.clv import ClvRun
from crm_ml.config.loading import load, load_run
from crm_ml.config.parts import Data, Defaults, Register
from crm_ml.config.probability import Calibration, ProbabilityRun
from crm_ml.config.propensity import PropensityRun
from crm_ml.config.recommend import RecommendRun
from crm_ml.config.run import Run, run_classes
from crm_ml.config.tuning import Tuning
from crm_ml.config.uplift import UpliftRun

__all__ = [
    "Calibration", "ChurnRun", "ClvRun", "Data", "Defaults", "ProbabilityRun", "PropensityRun",
    "RecommendRun", "Register", "Run", "Tuning", "UpliftRun", "load", "load_run", "run_classes",
]  # fmt: skip
