"""Offers (optional): items covered by an offer of a campaign, such as a coupon."""

from crm_ml.tables.contract import Column, Contract

CONTRACT = Contract(
    name="offers",
    columns=(
        Column("campaign_id", "id"),
        Column("offer_id", "id"),
        Column("item_id", "id"),
    ),
    key=("campaign_id", "offer_id", "item_id"),
    references={"campaign_id": "campaigns", "item_id": "items"},
    meanings={
        "campaign_id": "Campaign of the offer.",
        "offer_id": "The offer, such as a coupon.",
        "item_id": "A product that the offer covers; one row a product.",
    },
)
