"""On which days a feature may change although its customer did nothing."""

import re
from collections.abc import Collection, Iterable

from crm_ml.tags.packed_facts import Fact

_NEVER = re.compile(
    r"rfm_(orders|paid_cents)|price_(discount|coupon|coupon_orders)_share|basket_\w+|preference_\w+|timing_\w+"
    r"|cadence_(order_days|gap_mean_days|gap_max_days|gap_irregularity|last_gap_days)|campaign_sent|attribute_\w+"
)
_WINDOW = re.compile(
    r"(?:rfm_(?:orders|paid_cents|lines)|price_discount_share|campaign_sent|habit_order_days"
    r"|event_rhythm_(?:events|days))_(\d+)d"
)
_AGE = re.compile(
    r"rfm_days_since_(large_)?order|lifecycle_tenure_days|price_days_since_coupon|campaign_days_since_(sent|answer)"
    r"|event_rhythm_(days_since|days_since_any|tenure_days)|habit_days_since_(third|tenth)"
)


def ages_that_move(facts: Iterable[Fact]) -> tuple[set[float], set[str]]:
    """Return at which age of a row a fact may change, and the columns that may change on any day.

    A window of 28 days loses a row that becomes 28 days old; ``rfm_days_since_order > 90`` becomes true when
    the last order becomes more than 90 days old. A column that is not known here may change on any day.

    Parameters
    ----------
    facts : iterable of Fact

    Returns
    -------
    set of float, set of str
        Ages in days, and columns.

    Examples
    --------
    >>> ages_that_move([Fact("rfm_orders_28d", ">=", (2.0,)), Fact("rfm_days_since_order", ">", (90.0,))])
    ({90.0, 28.0}, set())
    """
    ages: set[float] = set()
    daily: set[str] = set()
    for fact in facts:
        window = _WINDOW.fullmatch(fact.column)
        if window:
            ages.add(float(window.group(1)))
        elif _AGE.fullmatch(fact.column):
            ages |= {float(value) for value in fact.literals}
        elif not _NEVER.fullmatch(fact.column):
            daily.add(fact.column)
    return ages, daily


def groups_of(columns: Collection[str], groups: Iterable[str]) -> list[str]:
    """Return those feature groups that make some of the columns."""
    from crm_ml.features.feature_groups import group_of

    return [
        name
        for name in groups
        if any(column in group_of(name).COLUMNS or column.startswith(_prefix(name)) for column in columns)
    ]


def _prefix(group: str) -> str:
    return "attribute_" if group == "attributes" else f"{group}_"
