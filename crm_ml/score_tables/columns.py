"""Names of score columns that other rooms read; who writes a column owns its name."""

from collections.abc import Collection

LISTED = {"p_churn": "float64", "clv_cents": "int64"}  # in every row of a list, null without a model

OF_ITEMS = ("item_ids", "item_p", "item_reasons")  # of a customer's own items


def numbered_column(score: str, number: int) -> str:
    """Return the column of a score that is about one action-channel, such as ``p_response_3``."""
    return f"{score}_{number}"


def score_column(score: str, number: int, columns: Collection[str]) -> str:
    """Return the column of a score for an action-channel: its own, or the one that is about all.

    Parameters
    ----------
    score : str
    number : int
        Of the action-channel.
    columns : collection of str
        Of the joined score tables.
    """
    own = numbered_column(score, number)
    return own if own in columns else score


MEANINGS = {
    "customer_id": "The customer.",
    "model": "Model behind the row, `<name>@<start of the hash of its files>`.",
    "p_churn": "Probability in [0, 1] that an active customer leaves within the horizon.",
    "p_response": "Probability in [0, 1] that the customer answers the action within its days.",
    "p_items": "How many of the products are expected to be bought; null if it is not known of any.",
    "item_ids": "Products for the customer, best first.",
    "item_p": "Probability in [0, 1] that the customer buys each of `item_ids`; null if not known.",
    "item_reasons": "Why each of `item_ids` was chosen.",
    "uplift_<arm>": "Effect of an arm on the customer, in the unit of the outcome; one column an arm.",
    "p_alive": "Probability in [0, 1] that the customer still buys.",
    "expected_purchases": "Expected number of purchases within the model's horizon.",
    "expected_value": "Expected spend on one purchase, in major units of the currency.",
    "clv_cents": "Discounted value of the expected purchases, in minor units.",
    "clv_low_cents": "Lower end of its 95 % interval, in minor units.",
    "clv_high_cents": "Upper end of its 95 % interval, in minor units.",
    "frequency": "Days with a purchase after the first one.",
    "recency": "Time from the first to the last purchase, in the model's unit of time.",
    "T": "Time from the first purchase to the last whole day, in the model's unit of time.",
    "monetary_value": "Mean paid on a repeat day, in major units; 0 without one.",
    "action_kind": "Kind of the action, such as that of a campaign.",
    "action_days": "Days in which an answer counts.",
    "action_offers": "Offers of the action.",
    "action_items": "Items that its offers cover.",
    "history_sent": "Earlier actions of the kind that the customer got.",
    "history_answered": "Those of them that were answered.",
    "history_answers": "Answers to them, such as coupons redeemed.",
    "history_days_since_answer": "Days since the last answer; null if there was none.",
    "overlap_lines": "Earlier order lines with items on offer.",
    "overlap_lines_84d": "Those of the last 84 days.",
    "overlap_items": "Different items on offer that the customer bought.",
    "overlap_offers": "Offers of which the customer bought something.",
    "overlap_offers_84d": "Those of the last 84 days.",
    "overlap_offers_coupon": "Offers of which the customer bought something with a coupon.",
    "overlap_coupon_lines": "Earlier order lines with items on offer and a coupon.",
    "overlap_paid_cents_84d": "Spend on items on offer in the last 84 days, in minor units.",
    "overlap_share": "Share in [0, 1] of all order lines that have items on offer; null without any line.",
    "overlap_days_since": "Days since the last line with an item on offer; null if there was none.",
}  # of the score tables
