"""Membership: the tier of each member by what a period brought, and what outstanding points will cost."""

from crm_ml.membership.liability import Liability, liability
from crm_ml.membership.point_lots import balances, lots_of
from crm_ml.membership.standing import standing
from crm_ml.membership.tier_rules import Period, Tier, TierRules

__all__ = [
    "Liability",
    "Period",
    "Tier",
    "TierRules",
    "balances",
    "liability",
    "lots_of",
    "standing",
]
