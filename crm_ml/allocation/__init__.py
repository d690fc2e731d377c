"""Allocation: whole numbers within all limits, with prices and a proof of how good they are."""

from crm_ml.allocation.allocate import Allocation, allocate
from crm_ml.allocation.problem import ActionGroup

__all__ = ["ActionGroup", "Allocation", "allocate"]
