"""Features of an action: its attributes, past responses to its kind, and past purchases of its items."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from crm_ml.features.past import snapshots_in_a_pass
from crm_ml.propensity.occasion import Occasion
from crm_ml.propensity.occasion_past import HISTORY, OVERLAP, OccasionPast
from crm_ml.tables.bundle import Tables

if TYPE_CHECKING:
    import pandas as pd

ACTION = ("action_kind", "action_days", "action_offers", "action_items")
COLUMNS = (*ACTION, *HISTORY, *OVERLAP)


def action_features(tables: Tables, occasion: Occasion, customers: "pd.Index[str]") -> "pd.DataFrame":
    """Compute the features of an occasion that depend on the action.

    Parameters
    ----------
    tables : Tables
    occasion : Occasion
        Only rows strictly before its ``as_of`` are read; what it covers and how long it lasts is planned.
    customers : pandas.Index of str
        Customers to compute the features for.

    Returns
    -------
    pandas.DataFrame
        Indexed like `customers`. ``action_*``: kind, days, number of offers and of items. ``history_*``:
        actions of the same kind received and answered, number of answers (such as coupons redeemed), and days
        since the last one. ``overlap_*``: past lines of items on offer, in all, within 84 days and with a
        coupon, different items, offers of which something was bought, cents paid, share of all lines, and
        days since the last such line. Where the tables lack what a part takes, its columns are missing.
    """
    return action_features_each(tables, [(occasion, customers)])[0]


def action_features_each(
    tables: Tables, wanted: "Sequence[tuple[Occasion, pd.Index[str]]]"
) -> "list[pd.DataFrame]":
    """Compute the `action_features` of several occasions with their customers, many in one pass.

    Parameters
    ----------
    tables : Tables
    wanted : sequence of pairs of Occasion and pandas.Index of str
        An occasion may be there several times.

    Returns
    -------
    list of pandas.DataFrame
        In the order of `wanted`, to the bit what `action_features` returns.
    """
    size = snapshots_in_a_pass(tables) if len(wanted) > 1 else 1
    parts = [wanted[start : start + size] for start in range(0, len(wanted), size)]
    return [features for part in parts for features in _in_one_pass(tables, part)]


def _in_one_pass(tables: Tables, wanted: "Sequence[tuple[Occasion, pd.Index[str]]]") -> "list[pd.DataFrame]":
    import pandas as pd

    occasions = list(dict.fromkeys(occasion for occasion, _ in wanted))
    with tables.scratch() as inside:
        past = OccasionPast(inside, occasions)
        sizes, history, overlap = past.sizes(), past.history(), past.overlap()
    result = []
    for occasion, customers in wanted:
        days = float(occasion.snapshot.horizon.days)
        features = pd.DataFrame({"action_kind": occasion.kind, "action_days": days}, index=customers)
        features["action_offers"], features["action_items"] = sizes[occasion]
        parts = (history.of(occasion, customers), overlap.of(occasion, customers))
        result.append(features.join(parts[0]).join(parts[1])[list(COLUMNS)])
    return result
