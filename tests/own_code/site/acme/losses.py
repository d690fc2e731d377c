"""Objectives for LightGBM."""

import numpy as np


def logistic(margin, data):
    """Return gradient and Hessian of the log loss."""
    p = 1 / (1 + np.exp(-margin))
    return p - data.get_label(), p * (1 - p)


SETTING = 3
