"""Rules: eligibility and tag rules, from text to a tree to an expression over columns."""

from crm_ml.rules.compiled_rule import compile_rule

__all__ = ["compile_rule"]
