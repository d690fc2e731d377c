"""Churn: the probability that an active customer places no order within the horizon.

Who can churn and who did, and the labelled rows of several snapshots; the models stand in `crm_ml.models`.
"""
