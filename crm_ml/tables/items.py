"""Items: products with their place in the assortment."""

from crm_ml.tables.contract import Column, Contract

CONTRACT = Contract(
    name="items",
    columns=(
        Column("item_id", "id"),
        Column("department", "text", required=False, nullable=True),
        Column("category", "text", required=False, nullable=True),
        Column("product_type", "text", required=False, nullable=True),
        Column("brand", "text", required=False, nullable=True),
    ),
    key=("item_id",),
    meanings={
        "item_id": "The product.",
        "department": "Coarsest group of products.",
        "category": "Group of products within a department.",
        "product_type": "Kind of product within a category.",
        "brand": "Brand of the product.",
    },
)
