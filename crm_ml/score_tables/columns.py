"""Columns that a score table has for each offering by its number."""


def response_column(number: int) -> str:
    """Return the column of the probability that the offering of a number is answered."""
    return f"p_response_{number}"


def items_column(number: int) -> str:
    """Return the column of how many items of the offering of a number are expected to be bought."""
    return f"p_items_{number}"
