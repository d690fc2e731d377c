"""Responses: reactions of a customer to a campaign, such as redeeming a coupon."""

from crm_ml.tables.contract import Column, Contract

CONTRACT = Contract(
    name="responses",
    columns=(
        Column("campaign_id", "id"),
        Column("customer_id", "id"),
        Column("responded_at", "time"),
        Column("kind", "text", required=False, nullable=True),
        Column("offer_id", "id", required=False, nullable=True),
    ),
    key=("campaign_id", "customer_id", "responded_at", "offer_id", "kind"),
    references={"customer_id": "customers", "campaign_id": "campaigns"},
    known_at="responded_at",
    meanings={
        "campaign_id": "Campaign that was answered.",
        "customer_id": "Customer who answered.",
        "responded_at": "When the customer answered.",
        "kind": "Kind of answer, such as a click or a complaint.",
        "offer_id": "Offer that was redeemed.",
    },
)
