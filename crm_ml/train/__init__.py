"""Experiments: fit, calibrate, evaluate, log and register; started by ``python -m crm_ml.train``."""
