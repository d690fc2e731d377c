"""Touches: messages of campaigns sent to customers."""

from crm_ml.tables.contract import Column, Contract

CONTRACT = Contract(
    name="touches",
    columns=(
        Column("campaign_id", "id"),
        Column("customer_id", "id"),
        Column("sent_at", "time"),
        Column("channel", "text", required=False, nullable=True),
    ),
    key=("campaign_id", "customer_id", "sent_at"),
    references={"customer_id": "customers", "campaign_id": "campaigns"},
    known_at="sent_at",
    meanings={
        "campaign_id": "Campaign of the message.",
        "customer_id": "Customer who got it.",
        "sent_at": "When it was sent.",
        "channel": "Channel it was sent on.",
    },
)
