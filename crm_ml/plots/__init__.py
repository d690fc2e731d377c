"""Plots of models, customers and lists, one call each, on given axes or on those of a new figure.

Each takes what a notebook has in hand: labels and predictions, an evaluation, a summary with fitted models,
tables, or the frame of another function. ``ax`` are the axes to draw on; without it a figure is made, white
whatever the style around it. Each returns the whole `matplotlib.figure.Figure`. No global state is changed,
and equal inputs give equal bytes.
"""

from crm_ml.plots.alive_plots import p_alive_matrix, p_alive_path, purchases_matrix
from crm_ml.plots.calibration_plot import calibration
from crm_ml.plots.course_plot import cumulative_purchases
from crm_ml.plots.decision_plot import decision_curve
from crm_ml.plots.exposure_plots import coverage, exposure
from crm_ml.plots.gains_plots import gains, gains_and_lift, lift
from crm_ml.plots.retention_plots import retention, retention_matrix
from crm_ml.plots.segment_plot import segments
from crm_ml.plots.uplift_plots import policies, qini, uplift_deciles
from crm_ml.plots.value_plots import clv_distribution, deciles, purchases_by_frequency

__all__ = [
    "calibration",
    "clv_distribution",
    "coverage",
    "cumulative_purchases",
    "deciles",
    "decision_curve",
    "exposure",
    "gains",
    "gains_and_lift",
    "lift",
    "p_alive_matrix",
    "p_alive_path",
    "policies",
    "purchases_by_frequency",
    "purchases_matrix",
    "qini",
    "retention",
    "retention_matrix",
    "segments",
    "uplift_deciles",
]
