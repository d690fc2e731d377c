"""Hillstrom's e-mail challenge: 64,000 customers, a third each mailed men's wear, women's wear or nothing.

Real data of 2008 as one CSV file, which the package does not carry: give its path. For its dates, which it
does not have, see `crm_ml.datasets._one_trial`.

- The file has no ids: a customer is the number of the row. 6,562 rows equal others in every column; with so
  few columns that is to be expected, and all are accepted.
- Arms are ``control``, ``mens`` and ``womens``, drawn with a third each. Responses are ``visit`` and
  ``conversion``; `spend`, in dollars, is an order line of the customer.

References
----------
Hillstrom, K. (2008). The MineThatData e-mail analytics and data mining challenge.
"""

from crm_ml.datasets._one_trial import OneTrial

load = OneTrial(
    name="hillstrom",
    channel="email",
    types={
        "recency": "INTEGER",
        "history_segment": "VARCHAR",
        "history": "DECIMAL(10,2)",
        "mens": "INTEGER",
        "womens": "INTEGER",
        "zip_code": "VARCHAR",
        "newbie": "INTEGER",
        "channel": "VARCHAR",
        "segment": "VARCHAR",
        "visit": "INTEGER",
        "conversion": "INTEGER",
        "spend": "DECIMAL(10,2)",
    },
    customer_id="CAST(n AS VARCHAR)",
    arm="CASE segment WHEN 'No E-Mail' THEN 'control' WHEN 'Mens E-Mail' THEN 'mens' "
    "WHEN 'Womens E-Mail' THEN 'womens' END",
    probability="1.0 / 3",
    attributes={
        "recency": "integer",
        "history_segment": "text",
        "history": "number",
        "mens": "integer",
        "womens": "integer",
        "zip_code": "text",
        "newbie": "integer",
        "channel": "text",
    },
    responses={"visit": "visit = 1", "conversion": "conversion = 1"},
    paid="spend",
).load
