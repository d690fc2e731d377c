"""Assignments (optional): the arm of a randomised campaign assigned to a customer, and its probability."""

from crm_ml.tables.contract import Column, Contract

CONTRACT = Contract(
    name="assignments",
    columns=(
        Column("campaign_id", "id"),
        Column("customer_id", "id"),
        Column("assigned_at", "time"),
        Column("arm", "text"),
        Column("probability", "number", required=False, nullable=True),
    ),
    key=("campaign_id", "customer_id"),
    references={"customer_id": "customers", "campaign_id": "campaigns"},
    known_at="assigned_at",
    meanings={
        "campaign_id": "Randomised campaign.",
        "customer_id": "Customer who was drawn.",
        "assigned_at": "When the arm was drawn.",
        "arm": "Arm that was drawn, such as `control`.",
        "probability": "Probability with which the customer got this arm.",
    },
)
