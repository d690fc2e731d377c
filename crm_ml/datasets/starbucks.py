"""A promotion of Starbucks: 84,534 customers, half of them drawn to receive it, and whether they bought.

Real data with seven unnamed attributes as one CSV file, which the package does not carry: give its path. For
its dates, which it does not have, see `crm_ml.datasets._one_trial`.

- Arms are ``control`` and ``promotion``, drawn with a half each. A purchase is the response ``purchase`` and
  an order line of 10 dollars, what the challenge says it is worth; a promotion costs 0.15 dollars.

References
----------
Starbucks portfolio exercise: maximise net incremental revenue, where a purchase is worth 10 dollars and a
promotion costs 0.15.
"""

from pathlib import Path

from crm_ml.datasets._one_trial import OneTrial
from crm_ml.tables.bundle import Tables
from crm_ml.tables.cleaning import Progress

_TRIAL = OneTrial(
    name="starbucks",
    channel="promotion",
    types={
        "ID": "VARCHAR",
        "Promotion": "VARCHAR",
        "purchase": "INTEGER",
        "V1": "INTEGER",
        "V2": "DOUBLE",
        "V3": "DOUBLE",
        "V4": "INTEGER",
        "V5": "INTEGER",
        "V6": "INTEGER",
        "V7": "INTEGER",
    },
    customer_id="ID",
    arm="CASE Promotion WHEN 'Yes' THEN 'promotion' WHEN 'No' THEN 'control' END",
    probability="0.5",
    attributes={
        "V1": "integer",
        "V2": "number",
        "V3": "number",
        "V4": "integer",
        "V5": "integer",
        "V6": "integer",
        "V7": "integer",
    },
    responses={"purchase": "purchase = 1"},
    paid="10 * purchase",
)


def load(path: Path | None = None, progress: Progress | None = None) -> Tables:
    """Load the promotion.

    Parameters
    ----------
    path : Path
        The CSV file.
    progress : callable, optional
        Told the name of each step.

    Returns
    -------
    Tables
        With customers, items, order_lines, campaigns, assignments, touches and responses.

    Raises
    ------
    InputError
        If no path is given or the file is damaged.
    """
    return _TRIAL.load(path, progress)
