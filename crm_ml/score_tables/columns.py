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
