"""Modelling and experimentation for the customer relationship management of internet companies.

The way data takes: ``tables`` (contract, cleaning) -> ``features`` and targets at a ``Snapshot`` -> an
experiment of ``train`` (fit, calibrate, evaluate, log, register) -> the champion -> ``score_tables`` ->
``actions`` (open, valued and allocated in ``decision``) -> ``lists`` -> ``delivery`` and ``learning``.
"""

from crm_ml.threads import let_idle_threads_sleep

__version__ = "0.9.0"

let_idle_threads_sleep()  # before an OpenMP library is loaded
