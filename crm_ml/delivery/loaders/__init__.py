"""Loaders: one module for each kind of database or file that a list is loaded into, each list once.

A module has ``NAMES`` on the command line, ``TARGET`` and ``load(folder, target)``. A loader of one's own is
a class with the last two: ``module:Class``, or an entry point of the group ``crm_ml.loaders``.
"""

from crm_ml.delivery.loaders.loaders import Loader, loader_of

__all__ = ["Loader", "loader_of"]
