"""The table of limits: which share of a table may have one fault before the table is refused as a whole.

Below its limit a fault is set aside or repaired row by row and counted. ``allow: {reason: share}`` of a table
in the mapping overrides a limit, for one column (``unknown_item_id``) or for all of them (``unknown``).
"""

from collections.abc import Mapping

#: Largest share of the rows that were read; of ``rounded``, of the money of the column.
LIMITS = {
    "null": 0.5,
    "null_customer_id": 0.9,
    "unreadable": 0.5,
    "digits": 0.5,
    "implausible": 0.5,
    "fractional": 0.5,
    "decimal_comma": 0.1,
    "thousands": 0.1,
    "currency_sign": 0.1,
    "future": 0.001,
    "unknown": 0.05,
    "conflicting_key": 0.5,
    "unshared": 0.05,
    "differs_in_order": 0.05,
    "exceeds_order": 0.05,
    "rounded": 0.01,
}


#: Reasons whose limit also holds for the money set aside, and for the customers of whom nothing is left.
JUDGED_BY_LOSS = frozenset(
    (
        "null",
        "unreadable",
        "digits",
        "implausible",
        "fractional",
        "decimal_comma",
        "thousands",
        "currency_sign",
        "unknown",
        "unshared",
        "differs_in_order",
        "exceeds_order",
    )
)


def limit(allow: Mapping[str, float], kind: str, column: str = "") -> float:
    """Return the largest share of a fault; that of its column counts before that of its kind.

    Parameters
    ----------
    allow : mapping of str to float
        What the mapping of the table declares.
    kind, column : str

    Examples
    --------
    >>> limit({}, "unknown", "item_id"), limit({"unknown": 0.2}, "unknown", "item_id")
    (0.05, 0.2)
    """
    reason = f"{kind}_{column}"
    shares = (allow.get(reason), allow.get(kind), LIMITS.get(reason), LIMITS[kind])
    return next(share for share in shares if share is not None)


def wrong_allowances(allow: Mapping[str, float]) -> list[str]:
    """Return what is wrong with declared shares: reasons without a limit, shares that are none."""
    unknown = [
        name for name in allow if not any(name == kind or name.startswith(f"{kind}_") for kind in LIMITS)
    ]
    faults = [f"allow has no reason {name}; reasons are {', '.join(LIMITS)}" for name in unknown]
    faults += [f"allow.{name} is {share}; it is a share from 0 to 1" for name, share in allow.items()
               if not 0 <= share <= 1]  # fmt: skip
    return faults
