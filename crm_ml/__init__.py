"""Modelling and experimentation for the customer relationship management of internet companies.

The way data takes: ``tables`` (contract, cleaning) -> ``features`` and targets at a ``Snapshot`` -> an
experiment of ``train`` (fit, calibrate, evaluate, log, register) -> the champion -> score tables of
``score`` -> actions (eligible, valued, capped) -> a list for a campaign tool.
"""

__version__ = "0.6.0"
