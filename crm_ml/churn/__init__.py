"""Churn: the probability that an active customer places no order within the horizon.

A target, two rules and a logistic regression as baselines, gradient boosting and its blend with the logistic
regression, calibration, and the folder of a model.
A new model is one new module with a class that has ``fit``, ``predict``, ``save`` and ``load``.
"""
