"""Order lines: one row per item of an order, with the amount paid and the discounts."""

from crm_ml.tables.contract import Column, Contract

CONTRACT = Contract(
    name="order_lines",
    columns=(
        Column("customer_id", "id"),
        Column("order_id", "id"),
        Column("line_id", "id", required=False, nullable=True),
        Column("item_id", "id"),
        Column("ordered_at", "time"),
        Column("quantity", "integer", required=False, default=1),
        Column("paid_cents", "cents"),
        Column("discount_cents", "cents", required=False, default=0),
        Column("coupon_cents", "cents", required=False, default=0),
        Column("currency", "text", required=False, nullable=True),
        Column("refund_of", "id", required=False, nullable=True),
    ),
    key=("order_id", "line_id"),
    references={"customer_id": "customers", "item_id": "items"},
    required=True,
    known_at="ordered_at",
    meanings={
        "customer_id": "Customer who bought.",
        "order_id": "Order that the line belongs to.",
        "line_id": "Line within its order.",
        "item_id": "Product that was bought.",
        "ordered_at": "When the order was placed.",
        "quantity": "Pieces that were bought.",
        "paid_cents": "What was paid for the whole line, after all discounts; negative in a refund.",
        "discount_cents": "Discount of the shop on the line, already taken off what was paid.",
        "coupon_cents": "Discount by coupons on the line, already taken off what was paid.",
        "currency": "Currency of the amounts, an ISO 4217 code.",
        "refund_of": "In a refund, the order that it takes back.",
    },
)
