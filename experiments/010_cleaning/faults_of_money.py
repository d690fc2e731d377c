"""Faults of money and quantities: separators, units, currencies and extremes."""

from decimal import ROUND_HALF_UP, Decimal

from faults import Planting, fault
from shop_exports import RATES, major

_PAID = "paid_cents"
_UNREAD = "unreadable_paid_cents"
_SIGNED = "unlinked_refund"
_MANY = "unreadable_quantity out_of_range_quantity unlinked_refund"


def _thousands(at: Planting) -> list[int]:
    """Return amounts above a thousand that are true of the rows from now on."""
    cents = [100_000 + (value * 37) % 900_000 for value in at.of(_PAID)]
    at.true(_PAID, cents)
    return cents


@fault("1,234.56 where nothing is declared", "repair", "text offsets", told="respelled")
def commas(at: Planting) -> None:
    """Separate thousands by commas, apostrophes or spaces."""
    signs = at.pick([",", "'", " ", "\u00a0", "\u202f", "\u2019"])
    amounts = [f"{Decimal(cents) / 100:,.2f}" for cents in _thousands(at)]
    at.put("paid", [text.replace(",", sign) for text, sign in zip(amounts, signs, strict=True)])


@fault("1.234,56 and 12,34 where nothing is declared", "repair", "text", told="respelled")
def points(at: Planting) -> None:
    """Write a comma before the decimals."""
    at.put("paid", [f"{value // 100},{value % 100:02d}" for value in at.of(_PAID)])


@fault("1.234 for 1,234.00", "aside", "text", "three_decimals_paid_cents thousands_paid_cents")
def three(at: Planting) -> None:
    """Write whole thousands with a point between them."""
    cents = [value // 100 * 100 for value in _thousands(at)]
    at.true(_PAID, cents)
    at.put("paid", [f"{value // 100:,}".replace(",", ".") for value in cents])


@fault("other separators than declared", "aside", "european", _UNREAD)
def others(at: Planting) -> None:
    """Write 1,234.56, 1234.56 and 12.34 where 1.234,56 is declared."""
    texts = zip(_thousands(at), at.pick(["{:,.2f}", "{:.2f}"]), strict=True)
    at.put("paid", [form.format(Decimal(cents) / 100) for cents, form in texts])


@fault("full-width digits", "repair", "text european offsets", told="respelled")
def full_width(at: Planting) -> None:
    """Write the digits of East Asian keyboards."""
    table = {ord(digit): ord(digit) + 0xFEE0 for digit in "0123456789"}
    at.put("paid", [cell.translate(table) for cell in at.cells("paid")])


@fault("signs of the currency, and of a spreadsheet", "repair", "text european epochs", told="respelled")
def signs(at: Planting) -> None:
    """Write the sign of the currency, its code, or what a spreadsheet makes of a text."""
    forms = at.pick(["€{}", "{} €", "{} EUR", '="{}"'])
    at.put("paid", [form.format(cell) for form, cell in zip(forms, at.cells("paid"), strict=True)])


@fault("signs of another currency", "aside", "text european epochs", "currency_sign_paid_cents")
def foreign_signs(at: Planting) -> None:
    """Write a sign of another currency than the declared one."""
    forms = at.pick(["$ {}", "{} Kč", "£{}", "{} SEK"])
    at.put("paid", [form.format(cell) for form, cell in zip(forms, at.cells("paid"), strict=True)])


@fault("signs of accounts", "aside", "text european epochs", f"unlinked_refund {_UNREAD}")
def accounts(at: Planting) -> None:
    """Write brackets or a minus behind, by which a sale is below zero."""
    forms = at.pick(["({})", "{}-"])
    at.put("paid", [form.format(cell) for form, cell in zip(forms, at.cells("paid"), strict=True)])


@fault("amounts that are no number", "aside", "text epochs",
       f"not_finite_paid_cents null_paid_cents out_of_range_paid_cents {_UNREAD}")  # fmt: skip
def no_numbers(at: Planting) -> None:
    """Write what stands for a missing or endless number."""
    at.put(
        "paid", at.pick(["nan", "NaN", "inf", "-Infinity", "1e400", "NULL", "n/a", "-", "", "#REF!", "1e39"])
    )


@fault("NaN, infinite and huge floats", "aside", "typed",
       f"not_finite_paid_cents null_paid_cents out_of_range_paid_cents {_UNREAD}")  # fmt: skip
def wild_floats(at: Planting) -> None:
    """Write floats that are no amount."""
    at.put("paid", at.pick([float("nan"), float("inf"), float("-inf"), 1e300, 1e25]))


@fault("noise of floats", "repair", "typed", told="rounded")
def noise(at: Planting) -> None:
    """Add what sums of floats leave behind the cents."""
    at.put("paid", [cell + 4e-7 for cell in at.cells("paid")])


@fault("fractions of a cent", "repair", "text offsets", told="rounded")
def rounded(at: Planting) -> None:
    """Write four decimals."""
    at.put("paid", [f"{cell}{part}" for cell, part in zip(at.cells("paid"), at.pick(["49", "01", "00"]),
           strict=True)])  # fmt: skip


@fault("fractions of a minor unit", "aside", "epochs", "fractional_paid_cents")
def fractional(at: Planting) -> None:
    """Write the amount in major units where minor ones are declared."""
    at.put("paid", [f"{value // 100}.{value % 100 or 1:02d}" for value in at.of(_PAID)])


@fault("amounts in another currency with a rate", "repair", "text typed offsets")
def currencies(at: Planting) -> None:
    """Pay in dollars, yen or dinars; the truth is in euros, from decimals, halves away from zero."""
    paid, codes = [], at.pick(["USD", "JPY", "KWD"])
    steps = {"USD": Decimal("0.01"), "JPY": Decimal(1), "KWD": Decimal("0.001")}
    for cents, code in zip(at.of(_PAID), codes, strict=True):
        paid.append((Decimal(int(cents)) / 100 / Decimal(RATES[code])).quantize(steps[code]))
    rates = [Decimal(RATES[code]) * 100 for code in codes]
    true = [int((a * r).quantize(Decimal(1), ROUND_HALF_UP)) for a, r in zip(paid, rates, strict=True)]
    at.true(_PAID, true)
    at.put("currency", codes)
    at.put("paid", [f"{a:f}" for a in paid] if at.dialect.form == "csv" else [float(a) for a in paid])
    for name, column in (("rebate", "discount_cents"), ("voucher", "coupon_cents")):
        at.put(name, at.dialect.money([0] * len(at.rows)))
        at.true(column, [0] * len(at.rows))


@fault("a currency without a rate", "refuse", "text whole")
def no_rate(at: Planting) -> None:
    """Name a currency for which nothing is declared."""
    at.put("currency", ["GBP"] * len(at.rows))


@fault("codes of currency in other letters", "refuse", "text")
def codes_of_old(at: Planting) -> None:
    """Name the currency in small letters or by its sign."""
    at.put("currency", at.pick(["usd", "US$", "€"]))


@fault("sales below zero that name no order", "aside", "text european epochs whole typed", _SIGNED)
def negative(at: Planting) -> None:
    """Turn the sign of what was paid."""
    at.put("paid", at.dialect.money([-int(cents) for cents in at.of(_PAID)]))


@fault("refunds above zero", "aside", "text whole typed", "positive_refund", refunds=True)
def positive(at: Planting) -> None:
    """Turn the sign of a refund."""
    at.put("paid", at.dialect.money([-int(cents) for cents in at.of(_PAID)]))


@fault("quantities that are none", "aside", "text epochs", _MANY)
def no_quantity(at: Planting) -> None:
    """Write parts, words, quantities below zero and beyond any table."""
    at.put("pieces", at.pick(["2.5", "two", "-1", "99999999999999", str(2**63), "1,5", "3 of 4"]))


@fault("quantities near 2^63 and below zero", "aside", "whole typed", _MANY)
def wild_quantity(at: Planting) -> None:
    """Write whole numbers that are no quantity."""
    at.put("pieces", at.pick([2**63 - 1, -1, 10**15]))


@fault("quantity of a million", "unknowable", "text whole", told="large_quantity")
def million(at: Planting) -> None:
    """Write a quantity that a wholesaler might have."""
    at.put("pieces", at.pick([1_000_000, 25_000_000]))


@fault("quantity empty", "unknowable", "text whole", told="filled_quantity")
def empty_quantity(at: Planting) -> None:
    """Leave the quantity out; it is taken as one."""
    at.put("pieces", [None] * len(at.rows))


@fault("amount of a billion", "unknowable", "text whole typed", told="large_paid_cents")
def billion(at: Planting) -> None:
    """Write an amount that nobody paid, and that a table may hold."""
    at.put("paid", at.dialect.money([100_000_000_000] * len(at.rows)))


@fault("hundred times the amount", "unknowable", "text whole")
def hundredfold(at: Planting) -> None:
    """Write minor units where major ones are declared, or a slip of the point."""
    at.put("paid", at.dialect.money([int(cents) * 100 for cents in at.of(_PAID)]))


@fault("currency left out", "unknowable", "text", told="filled_currency")
def no_currency(at: Planting) -> None:
    """Pay in dollars and say nothing; the declared currency is taken."""
    at.put("currency", [None] * len(at.rows))
    at.put("paid", major([round(int(cents) / 0.92) for cents in at.of(_PAID)]))
