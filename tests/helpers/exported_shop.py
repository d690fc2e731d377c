"""The orders of one small shop, exported in the forms of several countries and tools."""

import csv
import random
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

FIRST = datetime(2024, 1, 3, 9, 0)


@dataclass(frozen=True)
class Line:
    """A line of an order; `price` of one piece, in cents."""

    order: int
    customer: int
    at: datetime
    item: int
    pieces: int
    price: int

    @property
    def amount(self) -> int:
        return self.price * self.pieces


def lines(orders: int = 150, customers: int = 30) -> list[Line]:
    """Orders in the order of time, with one to three different items each, at prices up to 2,500.00."""
    draw, at, result = random.Random(3), FIRST, []
    prices = [draw.randint(200, 250_000) for _ in range(25)]
    for order in range(orders):
        at += timedelta(minutes=draw.randint(60, 3000))
        customer = draw.randrange(customers)
        for item in draw.sample(range(25), draw.randint(1, 3)):
            result.append(Line(5000 + order, customer, at, item, draw.choice([1, 1, 2, 3]), prices[item]))
    return result


def continental(cents: int, thousands: str = ".") -> str:
    """1.234,56"""
    return f"{cents // 100:,}".replace(",", thousands) + f",{cents % 100:02d}"


def english(cents: int) -> str:
    """1,234.56"""
    return f"{cents / 100:,.2f}"


@dataclass(frozen=True)
class Form:
    """A form of an export: header, cells of a line, encoding, delimiter."""

    header: tuple[str, ...]
    cells: Callable[[Line], tuple[Any, ...]]
    encoding: str = "utf-8"
    delimiter: str = ","
    minor: int = 1

    def write(self, folder: Path, name: str, rows: list[Line] | None = None) -> Path:
        """Write the shop; a name that ends with .zip is an archive."""
        text = folder / name.removesuffix(".zip")
        with text.open("w", newline="", encoding=self.encoding) as file:
            writer = csv.writer(file, delimiter=self.delimiter)
            writer.writerows([self.header] if self.header else [])
            writer.writerows(self.cells(line) for line in (lines() if rows is None else rows))
        if not name.endswith(".zip"):
            return text
        with zipfile.ZipFile(folder / name, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.write(text, text.name)
        return folder / name


FORMS = {
    "german": Form(
        ("Bestellnummer", "Kundennummer", "Bestelldatum", "Artikelnummer", "Menge", "Einzelpreis", "Notiz"),
        lambda r: (
            r.order, f"K{r.customer:04d}", f"{r.at:%d.%m.%Y %H:%M}", f"A-{r.item}", r.pieces,
            continental(r.price) + " €", "grün, für Müßiggänger",
        ),
        "cp1252", ";",
    ),
    "american": Form(
        ("Order ID", "Customer ID", "Order Date", "SKU", "Qty", "Line Total", "State"),
        lambda r: (
            r.order, f"C{r.customer}", f"{r.at:%m/%d/%Y %I:%M %p}", f"S{r.item}", r.pieces,
            "$" + english(r.amount), "CA",
        ),
    ),
    "french": Form(
        ("N° commande", "Client", "Date", "Produit", "Quantité", "Montant"),
        lambda r: (
            r.order, f"client {r.customer}", f"{r.at:%d/%m/%Y}", f"réf {r.item}", r.pieces,
            continental(r.amount, "\u202f"),
        ),
        delimiter=";",
    ),
    "japanese": Form(
        ("注文番号", "顧客コード", "注文日時", "商品コード", "数量", "金額"),
        lambda r: (
            r.order, f"会員{r.customer}", f"{r.at:%Y/%m/%d %H:%M:%S}", f"商品{r.item}", r.pieces,
            f"\N{FULLWIDTH YEN SIGN}{r.amount:,}",
        ),
        "cp932",
    ),
    "spanish": Form(
        ("pedido", "cliente", "fecha", "artículo", "cantidad", "importe"),
        lambda r: (r.order, r.customer, f"{r.at:%Y-%m-%d}", r.item, r.pieces, r.amount / 100),
        "utf-16", "\t",
    ),
    "epoch": Form(
        ("uid", "txn", "ts", "sku", "amount_cents"),
        lambda r: (
            r.customer + 100_000, r.order, int(r.at.replace(tzinfo=UTC).timestamp() * 1000), r.item, r.amount,
        ),
    ),
    "nameless": Form(
        ("a", "b", "c", "d", "e"),
        lambda r: (r.order, r.customer, f"{r.at:%Y-%m-%d %H:%M:%S}", r.item, f"{r.amount / 100:.2f}"),
    ),
}  # fmt: skip
