"""A promotion of Starbucks: 84,534 customers, half of them drawn to receive it, and whether they bought.

Real data with seven unnamed attributes as one CSV file, which the package does not carry: give its path. For
its dates, which it does not have, see `crm_ml.datasets._one_trial`.

- Arms are ``control`` and ``promotion``, drawn with a half each. A purchase is the response ``purchase`` and
  an order line of 10 dollars, its worth by the challenge; a promotion costs 0.15 dollars.

References
----------
Starbucks portfolio exercise: maximise net incremental revenue, where a purchase is worth 10 dollars and a
promotion costs 0.15.
"""

from crm_ml.datasets._one_trial import OneTrial

load = OneTrial(
    name="starbucks",
    channel="promotion",
    types={
        "ID": "VARCHAR",
        "Promotion": "VARCHAR",
        "purchase": "INTEGER",
        **{f"V{n}": "DOUBLE" if n in (2, 3) else "INTEGER" for n in range(1, 8)},
    },
    customer_id="ID",
    arm="CASE Promotion WHEN 'Yes' THEN 'promotion' WHEN 'No' THEN 'control' END",
    probability="0.5",
    attributes={f"V{n}": "number" if n in (2, 3) else "integer" for n in range(1, 8)},
    responses={"purchase": "purchase = 1"},
    paid="10 * purchase",
).load
