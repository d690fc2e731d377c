"""Campaigns: what was run, of which kind, and when."""

from crm_ml.tables.contract import Column, Contract

CONTRACT = Contract(
    name="campaigns",
    columns=(
        Column("campaign_id", "id"),
        Column("kind", "text", required=False, nullable=True),
        Column("channel", "text", required=False, nullable=True),
        Column("starts_at", "time"),
        Column("ends_at", "time"),
    ),
    key=("campaign_id",),
)
