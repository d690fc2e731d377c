"""Shared judges: how good predictions are, how sure that is, and whether they were honestly made.

Nothing here knows a family: everything works on arrays of labels and scores.
"""
