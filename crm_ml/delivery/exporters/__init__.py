"""Exporters: one module a campaign tool, which says what its files look like and checks what was written.

A module has ``TOOLS`` (name on the command line to what makes a `Plan` of the options) and
``validate(path)``, which reads a file, or a folder of files, back and returns every breach of a rule.
"""

from crm_ml.delivery.exporters.export_plan import Options, Plan
from crm_ml.delivery.exporters.exporters import plan_of, tools

__all__ = ["Options", "Plan", "plan_of", "tools"]
