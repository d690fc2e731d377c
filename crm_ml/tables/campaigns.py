"""Campaigns: kind, channel and period of each campaign."""

from crm_ml.tables.contract import Column, Contract

CONTRACT = Contract(
    name="campaigns",
    columns=(
        Column("campaign_id", "id"),
        Column("kind", "text", required=False, nullable=True),
        Column("channel", "text", required=False, nullable=True),
        Column("starts_at", "time", planned=True),
        Column("ends_at", "time", planned=True),
    ),
    key=("campaign_id",),
    meanings={
        "campaign_id": "The campaign.",
        "kind": "Kind of campaign, such as coupon or mailing.",
        "channel": "Channel of its messages.",
        "starts_at": "First moment of the campaign.",
        "ends_at": "Planned end of the campaign.",
    },
)
