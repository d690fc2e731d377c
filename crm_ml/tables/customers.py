"""Customers: one row per person, with the attributes that the mapping declares."""

from crm_ml.tables.contract import Column, Contract

CONTRACT = Contract(
    name="customers",
    columns=(
        Column("customer_id", "id"),
        Column("registered_at", "time", required=False, nullable=True),
    ),
    key=("customer_id",),
    attributes=True,
    required=True,
    meanings={
        "customer_id": "The customer; every other table refers to it.",
        "registered_at": "When the customer signed up.",
    },
)
