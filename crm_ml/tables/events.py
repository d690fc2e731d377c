"""Events (optional): actions of a customer in app, shop or site, one row per event.

``ends_at`` is the planned end of what began with the event, such as a subscription or a course.
"""

from crm_ml.tables.contract import Column, Contract

CONTRACT = Contract(
    name="events",
    columns=(
        Column("event_id", "id", required=False, nullable=True),
        Column("customer_id", "id"),
        Column("kind", "text"),
        Column("occurred_at", "time"),
        Column("item_id", "id", required=False, nullable=True),
        Column("channel", "text", required=False, nullable=True),
        Column("ends_at", "time", required=False, nullable=True, planned=True),
    ),
    key=("event_id",),
    references={"customer_id": "customers"},
    known_at="occurred_at",
    meanings={
        "event_id": "The event.",
        "customer_id": "Customer who acted.",
        "kind": "What happened, such as `app_open` or `subscription`.",
        "occurred_at": "When it happened.",
        "item_id": "Product or course that the event is about.",
        "channel": "Where it happened, such as app or site.",
        "ends_at": "Planned end of what began with the event, such as a subscription or a course.",
    },
)
