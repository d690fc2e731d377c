"""Faults of ids: words for nothing, guests, variants of one id, and ids that nothing stands behind."""

import unicodedata
from collections.abc import Callable

from faults import Planting, fault

_ORPHAN = "unknown_customer_id"
_NULL = "null_customer_id"
_STRANGERS = {"allow": {"unknown_customer_id": 0.4}}  # few rows, and each a customer of whom nothing is left
_VARIANTS: dict[str, Callable[[str], str]] = {
    "no-break space": lambda text: text + "\u00a0",
    "spaces around": lambda text: f" {text} ",
    "zero width": lambda text: text[:1] + "\u200b" + text[1:],
    "mark of order": lambda text: "\ufeff" + text,
    "letters": str.upper,
    "composition": lambda text: unicodedata.normalize("NFD", text),
}


@fault("words for nothing as customers", "aside", "text epochs whole typed", _NULL)
def nulls(at: Planting) -> None:
    """Write words that programs write for a missing id."""
    at.put("client", at.pick(["nan", "NULL", "\\N", "None", "n/a", "<NA>", " null ", "undefined", "NaT", ""]))


@fault("guests that are declared", "aside", "text epochs whole typed", _NULL)
def guests(at: Planting) -> None:
    """Write the ids of guests that the mapping lists under nulls."""
    at.put("client", at.pick(["guest", "0", "-1", "Unknown", "GUEST"]))


@fault("guests that nobody declared", "unknowable", "epochs whole", told="list it under nulls")
def undeclared(at: Planting) -> None:
    """Write one id for all guests."""
    at.put("client", ["counter 4"] * len(at.rows))


@fault("ids of blanks and with NUL", "aside", "text whole typed",
       "blank_customer_id nul_in_customer_id null_customer_id")  # fmt: skip
def blanks(at: Planting) -> None:
    """Write blanks alone, or a NUL within the id."""
    at.put("client", at.pick(["  ", "\u3000", "\u00a0 ", "k\x00u", "\t"]))


def _varied(at: Planting) -> None:
    forms = at.pick(list(_VARIANTS.values()))
    at.put("client", [form(cell) for form, cell in zip(forms, at.cells("client"), strict=True)])


@fault("variants of an id (spaces, zero width, letters, NFD)", "aside", "text typed", _ORPHAN,
       declare=_STRANGERS)  # fmt: skip
def variants(at: Planting) -> None:
    """Write the id of a customer in another form; the table of customers has the plain one."""
    _varied(at)


@fault("the same without a table of customers", "unknowable", "epochs whole", told="equal another only after")
def variants_alone(at: Planting) -> None:
    """Write the id of a customer in another form, and nothing says which are customers."""
    _varied(at)


@fault("customers that no table has", "aside", "text typed", _ORPHAN,
       declare=_STRANGERS)  # fmt: skip
def orphans(at: Planting) -> None:
    """Write ids of customers who were deleted."""
    at.put("client", [f"x{row:08d}" for row in at.rows])


@fault("items that no table has", "aside", "text typed offsets", "unknown_item_id")
def orphan_items(at: Planting) -> None:
    """Write ids of items that were never listed, or lost their leading zeros."""
    at.put("sku", [form.format(cell[1:].lstrip("0") or "0") for form, cell in zip(at.pick(
           ["{}", "i{}x", "I{}"]), at.cells("sku"), strict=True)])  # fmt: skip


@fault("ids in a wrong encoding", "aside", "text typed", _ORPHAN,
       declare=_STRANGERS)  # fmt: skip
def mojibake(at: Planting) -> None:
    """Read the bytes of the id by another encoding before the export."""
    at.put("client", [cell.encode().decode("latin-1") for cell in at.cells("client")])


@fault("items from a spreadsheet (4.00638E+12)", "aside", "text epochs whole typed",
       "scientific_item_id unknown_item_id")  # fmt: skip
def scientific(at: Planting) -> None:
    """Write six digits of a long number, as a spreadsheet saves it."""
    at.put("sku", [f"{4_006_380_000_000 + int(cell[1:]) * 10_000:.5E}" for cell in at.cells("sku")])


@fault("orders and items without an id", "aside", "text whole",
       "null_order_id null_item_id blank_order_id")  # fmt: skip
def no_order(at: Planting) -> None:
    """Leave the id of the order or the item out."""
    half = len(at.rows) // 2
    at.put("receipt", [*at.pick(["", "null", None])[:half], *at.cells("receipt")[half:]])
    at.put("sku", [*at.cells("sku")[:half], *at.pick(["", "NaN", None])[half:]])


@fault("events without a customer or a kind", "aside", "text whole typed",
       "null_customer_id null_kind unknown_customer_id", table="events")  # fmt: skip
def bare_events(at: Planting) -> None:
    """Leave the customer or the kind of an event out."""
    half = len(at.rows) // 2
    at.put("client", [*at.pick(["", "NULL", None])[:half], *at.cells("client")[half:]])
    at.put("what", [*at.cells("what")[:half], *at.pick(["", None])[half:]])


@fault("another customer, another item", "unknowable", "text whole")
def exchanged(at: Planting) -> None:
    """Give the line to somebody else."""
    at.put("client", list(reversed(at.cells("client"))))
