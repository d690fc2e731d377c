"""Faults of whole files and whole columns: what is read right, and what is refused with a sentence."""

import gzip
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from clean_shop import LINES, Sheet
from planting import CleanExports, clean_folder, judged_tables
from shop_exports import DIALECTS, write

from crm_ml.errors import CrmError

Spoil = Callable[["Place"], None]


@dataclass(frozen=True)
class Place:
    """A folder with a written export, and its mapping."""

    root: Path
    mapping: dict[str, Any]
    sheets: dict[str, Sheet]

    @property
    def lines(self) -> dict[str, Any]:
        """Mapping of the order lines."""
        found: dict[str, Any] = self.mapping["tables"][LINES]
        return found

    @property
    def path(self) -> Path:
        """File of the order lines."""
        return self.root / self.lines["path"]

    def text(self, change: Callable[[str], str]) -> None:
        """Change the text of the file."""
        self.path.write_bytes(change(self.path.read_text(encoding="utf-8")).encode())

    def data(self, change: Callable[[bytes], bytes]) -> None:
        """Change the bytes of the file."""
        self.path.write_bytes(change(self.path.read_bytes()))

    def column(self, name: str, change: Callable[[Any], Any]) -> None:
        """Change every cell of a column and write the file again."""
        sheet = self.sheets[LINES]
        sheet.cells[name] = sheet.cells[name].map(change)
        write(DIALECTS[_dialect(self)], sheet, LINES, self.root)

    def arrow(self, change: Callable[[Any], Any]) -> None:
        """Change the Arrow table of a Parquet file."""
        import pyarrow.parquet as pq

        pq.write_table(change(pq.read_table(self.path)), self.path)


def _dialect(place: Place) -> str:
    return "text" if place.path.suffix == ".csv" else "typed"


@dataclass(frozen=True)
class FileFault:
    """A fault of a file: its dialect, what is expected of it, and how it is made."""

    dialect: str
    expected: str
    spoil: Spoil


def _rename(place: Place) -> None:
    other = place.path.with_name("lines1.csv")
    other.write_text("client\nnobody\n", encoding="utf-8")
    place.path.rename(place.path.with_name("lines[12]*.csv"))
    place.lines["path"] = "lines[12]*.csv"


def _parts(place: Place) -> None:
    head, *rows = place.path.read_text(encoding="utf-8").splitlines()
    folder = place.root / "parts"
    folder.mkdir()
    for part in range(3):
        (folder / f"{part}.csv").write_text("\n".join([head, *rows[part::3]]) + "\n", encoding="utf-8")
    places = [row for part in range(3) for row in range(part, len(rows), 3)]
    sheet = place.sheets[LINES]
    sheet.truth = sheet.truth.iloc[places].reset_index(drop=True)
    place.lines.update(path="parts", parts=True)


def _zipped(place: Place) -> None:
    whole = gzip.compress(place.path.read_bytes())
    place.path.with_suffix(".csv.gz").write_bytes(whole[: len(whole) * 2 // 3])
    place.lines["path"] += ".gz"


def _utf16(place: Place) -> None:
    place.text(lambda text: text)
    place.path.write_text(place.path.read_text(encoding="utf-8"), encoding="utf-16")
    place.lines["encoding"] = "utf-16"


def _moved(place: Place) -> None:
    sheet = place.sheets[LINES]
    sheet.cells = sheet.cells[list(sheet.cells)[::-1]]
    write(DIALECTS[_dialect(place)], sheet, LINES, place.root)


def _paid_last(place: Place, cut: int) -> None:
    sheet = place.sheets[LINES]
    sheet.cells = sheet.cells[[*(name for name in sheet.cells if name != "paid"), "paid"]]
    write(DIALECTS["text"], sheet, LINES, place.root)
    place.data(lambda data: data[:-cut])


def _noted(place: Place) -> None:
    place.column("export_id", lambda cell: f'{cell}\n"said", he;,\r\n=1+1')


def _durations(place: Place) -> None:
    import pyarrow as pa

    seconds = pa.array([1] * len(place.sheets[LINES].cells), pa.duration("s"))
    place.arrow(lambda table: table.set_column(table.column_names.index("paid"), "paid", seconds))


def _number_ids(place: Place) -> None:
    import pyarrow as pa

    ids = pa.array(range(len(place.sheets[LINES].cells)), pa.int64())
    place.arrow(lambda table: table.set_column(table.column_names.index("client"), "client", ids))


def _twice(place: Place) -> None:
    place.arrow(lambda table: table.append_column("paid", table.column("rebate")))


def _profile(place: Place, times: int) -> None:
    cents = place.sheets[LINES].truth["paid_cents"].astype(int)
    middle = int(cents[cents > 0].median()) // times
    (place.root / "profile.json").write_text(json.dumps({LINES: {"paid_cents": middle}}), encoding="utf-8")
    place.mapping["profile"] = "profile.json"


def _text(change: Callable[[str], str]) -> Spoil:
    return lambda place: place.text(change)


def _data(change: Callable[[bytes], bytes]) -> Spoil:
    return lambda place: place.data(change)


def _column(name: str, change: Callable[[Any], Any]) -> Spoil:
    return lambda place: place.column(name, change)


def _minor(place: Place) -> None:
    del place.lines["columns"]["paid_cents"]["unit"]


def _time(**declared: str) -> Spoil:
    """Replace what the mapping declares of the times of orders."""

    def spoil(place: Place) -> None:
        place.lines["columns"]["ordered_at"] = {"column": "sold_at", **declared}

    return spoil


def _three_digits(cell: str) -> str:
    """Return an amount as whole thousands with a point between them."""
    whole, _, cents = cell.partition(".")
    return f"{whole}.{int(cents) * 7 % 1000:03d}"


_READ: dict[str, Spoil] = {
    "byte order mark": _data(lambda data: b"\xef\xbb\xbf" + data),
    "UTF-16, declared": _utf16,
    "line ends of Windows": _text(lambda text: text.replace("\n", "\r\n")),
    "no line break at the end": _data(lambda data: data[:-1]),
    "quotes, separators and line breaks in a cell": _noted,
    "columns in another order": _moved,
    "a name with [, ] and *": _rename,
    "three parts, declared": _parts,
    "decimal comma in all rows": _column("paid", lambda cell: cell.replace(".", ",")),
}
_REFUSED: dict[str, Spoil] = {
    "Latin-1, not declared": _data(lambda data: data.decode().encode("latin-1")),
    "another delimiter": _text(lambda text: text.replace(",", ";")),
    "a row with one cell more": _text(lambda text: text.replace("\n", ",x\n", 40).replace(",x\n", "\n", 39)),
    "a quote that is never closed": _text(lambda text: text + '"open,'),
    "0 bytes": _data(lambda _: b""),
    "a header alone": _text(lambda text: text.partition("\n")[0] + "\n"),
    "cut in the last row": _data(lambda data: data[:-40]),
    "cut in a compressed file": _zipped,
    "a column that is missing": _text(lambda text: text.replace("paid", "pay", 1)),
    "a column that stands twice": _text(lambda text: text.replace("rebate", "Paid", 1)),
    "1.234 for 1,234 in all rows": _column("paid", _three_digits),
    "major units where minor ones are declared": _minor,
    "one day for all orders": _column("sold_at", lambda _: "2024-05-01 10:00:00"),
    "one customer in ten is unknown": _column("client", lambda cell: cell + "x" * cell.endswith("3")),
    "amounts a hundredfold, against the profile": lambda place: _profile(place, 100),
}
_REFUSED_PARQUET: dict[str, Spoil] = {
    "Parquet that is cut": _data(lambda data: data[: len(data) // 2]),
    "durations for amounts": _durations,
    "a Parquet column that stands twice": _twice,
    "numbers for ids that are texts elsewhere": _number_ids,
}
_REFUSED_EPOCHS: dict[str, Spoil] = {
    "epochs in another unit than declared": _time(epoch="s"),
    "epochs without a unit": _time(),
}
FILES: dict[str, FileFault] = {
    "UTF-16, not declared": FileFault(
        "text", "read, told", _data(lambda data: data.decode().encode("utf-16"))
    ),
    **{name: FileFault("text", "read right", spoil) for name, spoil in _READ.items()},
    "amounts tenfold, against the profile": FileFault("text", "read, told", lambda p: _profile(p, 10)),
    **{name: FileFault("text", "refused", spoil) for name, spoil in _REFUSED.items()},
    **{name: FileFault("typed", "refused", spoil) for name, spoil in _REFUSED_PARQUET.items()},
    **{name: FileFault("whole", "refused", spoil) for name, spoil in _REFUSED_EPOCHS.items()},
    "cut in the last cell": FileFault("text", "unknowable", lambda place: _paid_last(place, 2)),
}


def run_file(exports: CleanExports, fault: FileFault) -> dict[str, Any]:
    """Spoil one file, clean the tables and return what happened.

    Returns
    -------
    dict
        ``outcome``: ``refused``, ``read right``, ``read, told`` or ``wrong``; ``text``: the first
        line of the refusal, or the first warning.
    """
    dialect = DIALECTS[fault.dialect]
    sheets, mapping = exports.sheets(dialect), dialect.mapping()
    with TemporaryDirectory() as folder:
        root = Path(folder)
        for name, sheet in sheets.items():
            write(dialect, sheet, name, root)
        fault.spoil(Place(root, mapping, sheets))
        try:
            report = clean_folder(mapping, root)
        except CrmError as error:
            return {"outcome": "refused", "text": str(error).splitlines()[0]}
        judged = judged_tables(sheets, root)
    warnings = [text for text in report[LINES]["warnings"] if not text.startswith("the customer_id")]
    right = all(table.cells.strict == 1 for table in judged.values())
    outcome = ("read, told" if warnings else "read right") if right else "wrong"
    return {"outcome": outcome, "text": warnings[0] if warnings else ""}
