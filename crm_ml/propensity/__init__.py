"""Propensity: the probability that a customer answers an action, or buys in a category, within a window.

An occasion is an action or category at a moment. Its rows have the features of the customer, the history with
actions of its kind, the action's attributes, and the overlap of past baskets with the items on offer. The
models stand in `crm_ml.models`.
"""
