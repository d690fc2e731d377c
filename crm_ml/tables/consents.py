"""Consents (optional): grants and refusals of a customer by purpose, channel and time."""

from crm_ml.tables.contract import Column, Contract

CONTRACT = Contract(
    name="consents",
    columns=(
        Column("customer_id", "id"),
        Column("purpose", "text"),
        Column("channel", "text", required=False, nullable=True),
        Column("granted", "boolean"),
        Column("changed_at", "time"),
    ),
    key=("customer_id", "purpose", "channel", "changed_at"),
    references={"customer_id": "customers"},
    known_at="changed_at",
    meanings={
        "customer_id": "Customer who decided.",
        "purpose": "What the consent is for, such as `marketing`.",
        "channel": "Channel that it is about; empty for all channels.",
        "granted": "Whether consent was granted (true) or refused (false).",
        "changed_at": "When the customer decided; the latest decision holds.",
    },
)
