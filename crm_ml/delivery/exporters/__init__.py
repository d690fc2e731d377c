"""Exporters: one module for each campaign tool, which plans its files and checks what was written.

A module has ``TOOLS`` (name on the command line to a function that makes an `ExportPlan` of the options) and
``validate(path)``, which reads a file, or a folder of files, back and returns every breach of a rule. An
exporter of one's own is such a function: ``module:name``, or an entry point of the group
``crm_ml.exporters``.
"""

from crm_ml.delivery.exporters.export_plan import ExportPlan, Options
from crm_ml.delivery.exporters.exporters import plan_of, tools

__all__ = ["ExportPlan", "Options", "plan_of", "tools"]
