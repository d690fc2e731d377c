"""Names of score columns that other rooms read; who writes a column owns its name."""

LISTED = {"p_churn": "float64", "clv_cents": "int64"}  # in every row of a list, null without a model

OF_ITEMS = ("item_ids", "item_p", "item_reasons")  # of a customer's own items


def response_column(number: int) -> str:
    """Return the column of the probability that the action-channel of a number is answered."""
    return f"p_response_{number}"


def items_column(number: int) -> str:
    """Return the column of how many items of the action-channel of a number are expected to be bought."""
    return f"p_items_{number}"
