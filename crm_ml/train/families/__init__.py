"""Training: one folder a family, with its experiment, the models that it may have, and its card."""

from crm_ml.train.training_family import Card, TrainingFamily, training_family

__all__ = ["Card", "TrainingFamily", "training_family"]
