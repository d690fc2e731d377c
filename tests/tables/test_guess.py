"""A first mapping from a file: exports of many forms load as what they are, and what is open is said."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from exported_shop import FORMS, Form, Line, lines
from shop import column_of

from crm_ml.errors import InputError
from crm_ml.tables.__main__ import main
from crm_ml.tables.config_file import load_config
from crm_ml.tables.guess.write import write_guess
from crm_ml.tables.number_form import NumberForm, number_form, numbers_of
from crm_ml.tables.time_form import time_form


def guessed(folder: Path, file: Path) -> tuple[dict, str, list[str]]:
    """Guess, and return the mapping, its text and the notes."""
    out = folder / "configs" / "data" / "mine.yaml"
    notes = write_guess([file], out).orders.notes
    text = out.read_text(encoding="utf-8")
    return yaml.safe_load(text), text, notes


LOADED_QUICKLY = ("german", "japanese")
LOADED = [form if form in LOADED_QUICKLY else pytest.param(form, marks=pytest.mark.slow) for form in FORMS]
OF_ROLES = {
    "german": ("Kundennummer", "Bestellnummer", "Artikelnummer", "Bestelldatum", "Einzelpreis"),
    "american": ("Customer ID", "Order ID", "SKU", "Order Date", "Line Total"),
    "french": ("Client", "N° commande", "Produit", "Date", "Montant"),
    "japanese": ("顧客コード", "注文番号", "商品コード", "注文日時", "金額"),
    "spanish": ("cliente", "pedido", "artículo", "fecha", "importe"),
    "epoch": ("uid", "txn", "sku", "ts", "amount_cents"),
    "nameless": ("b", "a", "d", "c", "e"),
}


@pytest.mark.parametrize("form", FORMS)
def test_columns_of_many_forms_are_found(form: str, tmp_path: Path) -> None:
    file = FORMS[form].write(tmp_path, f"{form}.csv.zip" if form == "american" else f"{form}.csv")
    mapping, _, _ = guessed(tmp_path, file)
    columns = mapping["tables"]["order_lines"]["columns"]
    names = ("customer_id", "order_id", "item_id", "ordered_at", "paid_cents")
    theirs = [how if isinstance(how, str) else how["column"] for how in map(columns.get, names)]
    assert tuple(theirs) == OF_ROLES[form]


@pytest.mark.parametrize("form", LOADED)
def test_what_is_guessed_loads_as_the_shop_that_it_is(form: str, tmp_path: Path) -> None:
    file = FORMS[form].write(tmp_path, f"{form}.csv.zip" if form == "american" else f"{form}.csv")
    guessed(tmp_path, file)
    tables = load_config(tmp_path / "configs" / "data" / "mine.yaml")
    report = tables.report.tables["order_lines"]
    assert (report.read, report.accepted, report.quarantined) == (len(lines()), len(lines()), {})
    assert len(set(column_of(tables, "order_lines", "order_id"))) == len({line.order for line in lines()})
    assert len(column_of(tables, "customers", "customer_id")) == len({line.customer for line in lines()})
    assert sum(column_of(tables, "order_lines", "paid_cents")) == sum(line.amount for line in lines())


def test_what_a_file_declares_is_written_down(tmp_path: Path) -> None:
    mapping, text, notes = guessed(tmp_path, FORMS["german"].write(tmp_path, "german.csv"))
    table = mapping["tables"]["order_lines"]
    assert (mapping["currency"], table["encoding"], table["delimiter"]) == ({"code": "EUR"}, "cp1252", ";")
    assert table["columns"]["paid_cents"] == {
        "column": "Einzelpreis", "times": "Menge", "unit": "major", "thousands": ".", "decimal": ",",
    }  # fmt: skip
    assert table["columns"]["ordered_at"] == {"column": "Bestelldatum", "format": "%d.%m.%Y %H:%M"}
    assert "# say: timezone: Europe/Berlin" in text
    assert notes == ["Bestelldatum: the first number goes up to 31"]
    assert sum(1 for line in text.splitlines() if line.strip() and not line.strip().startswith("#")) <= 17


def dated(days: list[str]) -> Form:
    """A form in which the times are these, again and again."""
    return Form(
        ("order", "customer", "date", "sku", "paid"),
        lambda r: (r.order, r.customer, days[r.order % len(days)], r.item, f"{r.amount / 100:.2f}"),
    )


def test_a_day_that_may_be_a_month_stays_open(tmp_path: Path) -> None:
    file = dated(["05/04/2024", "02/11/2024", "01/02/2024", "09/03/2024"]).write(tmp_path, "open.csv")
    mapping, text, notes = guessed(tmp_path, file)
    assert mapping["tables"]["order_lines"]["columns"]["ordered_at"]["format"] == "%d/%m/%Y"
    told = "date: no number is above 12, so day or month may be first; read as %d/%m/%Y, else write %m/%d/%Y"
    assert notes == [told]
    assert f"# - {told}" in text


@pytest.mark.parametrize(
    ("cells", "in_order", "format_"),
    [
        (["01/02/2024", "02/02/2024"], ["01/02/2024", "02/02/2024", "12/02/2024", "01/03/2024"], "%d/%m/%Y"),
        (["02/01/2024"], ["02/01/2024", "02/02/2024", "02/12/2024", "03/01/2024"], "%m/%d/%Y"),
        (["13/01/2024", "01/02/2024"], [], "%d/%m/%Y"),
        (["01/13/2024 1:05 PM"], [], "%m/%d/%Y %I:%M %p"),
        (["1.2.24 9:05"], [], "%d.%m.%y %H:%M"),
        (["2024/1/2 3:04:05+0100"], [], "%Y/%m/%d %H:%M:%S%z"),
        (["2024年1月2日"], [], "%Y年%m月%d日"),
        (["20240102", "20241231"], [], "%Y%m%d"),
        (["02 Jan 2024"], [], "%d %b %Y"),
    ],
)
def test_forms_of_times(cells: list[str], in_order: list[str], format_: str) -> None:
    form = time_form(cells, in_order or cells)
    assert form is not None
    assert form.format == format_


@pytest.mark.parametrize(
    ("cells", "epoch"),
    [
        (["1704272400", "1704275000"], "s"),
        (["1704272400000", "1704275000000"], "ms"),
        (["1704272400000000000", "1704275000000000000"], "ns"),
        (["1704272400", "9"], None),
        (["100000000000001001", "100000000000001002"], None),
        (["13/13/2024", "13/14/2024"], None),
    ],
)
def test_units_of_epochs(cells: list[str], epoch: str | None) -> None:
    form = time_form(cells, cells)
    assert (form and form.epoch) == epoch


@pytest.mark.parametrize(
    ("cells", "form"),
    [
        (["1,234.56", "7.00"], NumberForm(",", ".")),
        (["1.234,56 €", "7,00 €"], NumberForm(".", ",", currency="EUR")),
        (["1 234,5", "12,5"], NumberForm(" ", ",")),
        (["1'234.50"], NumberForm("'", ".")),
        (["944", "1,751"], NumberForm(",")),
        (["1.234", "5.678"], NumberForm(None, ".", True)),
        (["12,5", "7"], NumberForm(None, ",")),
        (["1,234,567"], NumberForm(",")),
        (["USD 5.00", "USD 1.10"], NumberForm(None, ".", currency="USD")),
        (["5", "x"], None),
        (["c00000001", "c00000002"], None),
        (["TEE-3", "TEE-4"], None),
        (["1.234,00 kr", "5,00 kr"], NumberForm(".", ",", currency="SEK")),
    ],
)
def test_forms_of_numbers(cells: list[str], form: NumberForm | None) -> None:
    guessed_form = number_form(cells)
    assert (guessed_form and replace(guessed_form, decimals=0)) == form


@pytest.mark.parametrize(
    ("cell", "number"),
    [("(5.00)", -5), ("5.00-", -5), ("-$5.00", -5), ("USD 5.00", 5), ('="5.00"', 5), ("5.00 SKU", None)],
)
def test_signs_around_numbers(cell: str, number: float | None) -> None:
    assert numbers_of([cell], NumberForm(None, ".")) == [number]


def with_one_word(path: Path, word: str, sign: str = "") -> Path:
    """Write an export in cp1252 in which one item has a letter outside of ASCII."""
    rows = ["order;customer;date;item;paid"]
    for r in lines():
        item, paid = word if r.item % 3 else f"Tee {r.item}", f"{r.amount / 100:.2f}{sign}"
        rows.append(f"{r.order};k{r.customer};{r.at:%Y-%m-%d %H:%M};{item};{paid}")
    path.write_bytes("\n".join(rows).encode("cp1252"))
    return path


@pytest.mark.parametrize("sign", ["", " €"])
def test_one_western_word_is_read_as_such_and_the_doubt_is_shown(
    sign: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, out = with_one_word(tmp_path / "de.csv", "Gebäck", sign), tmp_path / "mine.yaml"
    assert main(["--guess", str(file), "--out", str(out)]) == 0
    shown = capsys.readouterr().out
    assert "- de.csv is read as cp1252, but its bytes do not tell the encoding" in shown
    assert "cp1252 'Gebäck'" in shown
    table = yaml.safe_load(out.read_text(encoding="utf-8"))["tables"]["order_lines"]
    assert table["encoding"] == "cp1252"


def test_a_declared_encoding_leaves_no_doubt_and_has_to_fit(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, out = with_one_word(tmp_path / "de.csv", "Gebäck"), tmp_path / "mine.yaml"
    assert main(["--guess", str(file), "--out", str(out), "--encoding", "latin-1"]) == 0
    assert "its bytes do not tell" not in capsys.readouterr().out
    assert re.search(r"encoding: latin-1 +# declared", out.read_text(encoding="utf-8"))
    assert main(["--guess", str(file), "--out", str(tmp_path / "no.yaml"), "--encoding", "utf-8"]) == 2
    assert re.search(r"de\.csv line \d+ is not in utf-8", capsys.readouterr().err)
    with pytest.raises(SystemExit):
        main([str(out), "--encoding", "latin-1"])


def test_an_error_after_a_doubtful_encoding_names_it(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_bytes("who,what\na,Gebäck\nb,Tee\n".encode("cp1252"))
    with pytest.raises(
        InputError, match=r"(?s)no column of times.*x\.csv was read as cp1252, but .*--encoding"
    ):
        write_guess([tmp_path / "x.csv"], tmp_path / "mine.yaml")


def test_a_file_without_a_header_is_refused(tmp_path: Path) -> None:
    form = Form((), FORMS["nameless"].cells)
    with pytest.raises(InputError, match=r"no\.csv line 1 is no header: 5 of its 5 cells .* header: false"):
        write_guess([form.write(tmp_path, "no.csv")], tmp_path / "mine.yaml")


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("x.xlsx", b"PK", r"x\.xlsx is neither CSV .* nor Parquet .*; save it as one of them"),
        ("x.csv", b"", r"x\.csv is empty"),
        ("x.csv", b"a,b\n", r"x\.csv has one line alone"),
        ("x.csv", b"sku,sku\n1,2\n", r"x\.csv names sku more than once"),
        ("x.csv", b"a,b\nx,y\nz,w\n", r"x\.csv has no column of times among its 2"),
        ("x.csv", b"\xff\x00\x81\n\xfd\x80\n", r"x\.csv is in no known encoding"),
    ],
)
def test_what_is_no_export_is_refused_in_a_sentence(
    name: str, content: bytes, told: str, tmp_path: Path
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=told):
        write_guess([tmp_path / name], tmp_path / "mine.yaml")
    assert not (tmp_path / "mine.yaml").exists()


def test_several_files_of_one_form_are_one_table(tmp_path: Path) -> None:
    first, second = lines()[:200], lines()[200:]
    files = [FORMS["nameless"].write(tmp_path, f"{n}.csv", part) for n, part in enumerate((first, second))]
    write_guess(files, tmp_path / "mine.yaml")
    assert load_config(tmp_path / "mine.yaml").report.tables["order_lines"].accepted == len(lines())


def test_other_files_are_told_by_the_ids_that_they_share(tmp_path: Path) -> None:
    orders = FORMS["nameless"].write(tmp_path, "orders.csv")
    people, events, rest = (tmp_path / f"{name}.csv" for name in ("people", "events", "rest"))
    people.write_text("nr,since\n" + "".join(f"{n},0{n % 9 + 1}.12.2023\n" for n in range(40)))
    days = [f"2024-03-{day:02d} 10:00:00" for day in range(1, 21)]
    events.write_text("who,action,at\n" + "".join(f"{n % 7},{'open' if n % 2 else 'buy'},{days[n % 20]}\n"
                                                  for n in range(60)))  # fmt: skip
    write_guess([people, orders, events], tmp_path / "mine.yaml")
    tables = yaml.safe_load((tmp_path / "mine.yaml").read_text(encoding="utf-8"))["tables"]
    since = {"column": "since", "format": "%d.%m.%Y"}
    assert tables["customers"]["columns"] == {"customer_id": "nr", "registered_at": since}
    assert tables["events"]["columns"] == {"customer_id": "who", "kind": "action", "occurred_at": "at"}
    assert load_config(tmp_path / "mine.yaml").report.tables["events"].accepted == 60
    rest.write_text("x,y\n1,2\n3,4\n")
    with pytest.raises(InputError, match=r"rest\.csv is neither of orders nor of events"):
        write_guess([orders, rest], tmp_path / "more.yaml")


def test_discounts_of_an_order_are_proven_by_its_sum(tmp_path: Path) -> None:
    rows = lines()
    sums: dict[int, int] = {}
    for row in rows:
        sums[row.order] = sums.get(row.order, 0) + row.amount
    first = {order: min(n for n, row in enumerate(rows) if row.order == order) for order in sums}
    place = {id(row): n for n, row in enumerate(rows)}

    def cells(row: Line) -> tuple[object, ...]:
        once = first[row.order] == place[id(row)]
        off = sums[row.order] // 10 if row.order % 3 == 0 else 0
        total = (sums[row.order] - off) / 100
        of_order = (f"u{row.customer}@shop.example", total, off / 100) if once else ("", "", "")
        return (row.order, *of_order, f"{row.at:%Y-%m-%d %H:%M:%S}", row.item, row.pieces, row.price / 100)

    header = ("order", "email", "sum", "rebate", "placed", "sku", "pieces", "each")
    mapping, _, notes = guessed(tmp_path, Form(header, cells).write(tmp_path, "once.csv", rows))
    table = mapping["tables"]["order_lines"]
    assert notes == ["sum is what the lines of an order come to, less rebate"]
    assert table["fill_down"] == {"columns": ["email"], "within": "order"}
    assert table["columns"]["paid_cents"] == {
        "column": "each", "times": "pieces", "unit": "major", "less": ["rebate"],
    }  # fmt: skip


def test_the_command_shows_shapes_and_no_person(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    form = Form(
        ("Order", "E-Mail", "Date", "SKU", "Paid"),
        lambda r: (r.order, f"jane{r.customer}@mail.example", f"{r.at:%Y-%m-%d}", r.item, english_price(r)),
    )
    form.write(tmp_path, "people.csv")
    assert main(["--guess", "people.csv"]) == 0
    shown = capsys.readouterr().out
    text = (tmp_path / "configs" / "data" / "mine.yaml").read_text(encoding="utf-8")
    assert "python -m crm_ml.tables configs/data/mine.yaml" in shown
    for word in ("jane", "mail.example"):
        assert word not in shown + text
    assert main(["--guess", "people.csv"]) == 2
    assert "configs/data/mine.yaml exists" in capsys.readouterr().err


def english_price(line: Line) -> str:
    return f"{line.amount / 100:.2f}"


def test_a_known_header_needs_a_name_and_a_path(tmp_path: Path) -> None:
    form = Form(
        ("user_id", "event", "timestamp", "revenue", "os"),
        lambda r: (r.customer, "purchase", f"{r.at:%d.%m.%Y %H:%M:%S}", r.amount / 100, "ios"),
    )
    mapping, _, _ = guessed(tmp_path, form.write(tmp_path, "app.csv"))
    time = {"column": "timestamp", "format": "%d.%m.%Y %H:%M:%S"}
    assert mapping == {
        "name": "mine",
        "like": "app_events",
        "tables": {
            "events": {"path": "app.csv", "columns": {"occurred_at": time}},
            "order_lines": {"path": "app.csv", "columns": {"ordered_at": time}},
        },
    }


@pytest.mark.parametrize(
    ("name", "mapped"),
    [("order-item-id", "order-item-id"), ("note", {"made": "position"}), ("", None)],
    ids=["ids of lines", "differ in another column", "equal in all"],
)
def test_equal_lines_are_told_apart_by_what_the_file_has(name: str, mapped: object, tmp_path: Path) -> None:
    rows = [row for row in lines() for _ in range(2)]
    notes = iter(range(10_000))
    form = Form(
        ("order", "customer", "date", "sku", "paid", *([name] if name else [])),
        lambda r: (
            r.order, r.customer, f"{r.at:%Y-%m-%d %H:%M:%S}", r.item, r.amount / 100,
            *([n if name != "note" else f"{n % 7} of {n % 2}" for n in [next(notes)]] if name else []),
        ),
    )  # fmt: skip
    mapping, text, _ = guessed(tmp_path, form.write(tmp_path, "twice.csv", rows))
    assert mapping["tables"]["order_lines"]["columns"].get("line_id") == mapped
    assert ("# say: line_id: {made: position}" in text) == (mapped is None)


@pytest.mark.parametrize(
    "once", [pytest.param(True, marks=pytest.mark.slow), False], ids=["once an order", "on all lines"]
)
def test_amounts_of_orders_without_amounts_of_lines_count_once(once: bool, tmp_path: Path) -> None:
    rows = lines()
    sums: dict[int, int] = {}
    for row in rows:
        sums[row.order] = sums.get(row.order, 0) + row.amount
    first = {id(row) for row in {row.order: row for row in reversed(rows)}.values()}
    form = Form(
        ("order", "customer", "date", "sku", "total"),
        lambda r: (
            r.order, r.customer, f"{r.at:%Y-%m-%d %H:%M:%S}", r.item,
            f"{sums[r.order] / 100:.2f}" if id(r) in first or not once else "",
        ),
    )  # fmt: skip
    guessed(tmp_path, form.write(tmp_path, "totals.csv", rows))
    tables = load_config(tmp_path / "configs" / "data" / "mine.yaml")
    assert sum(column_of(tables, "order_lines", "paid_cents")) == sum(sums.values())
    assert len(set(column_of(tables, "order_lines", "order_id"))) == len(sums)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("\nwho,when\na,2024-01-01\n", "line 1 is empty"),
        ("who,when\n   \n", "has no row of 2 cells below its header"),
        (f'who,when\na,"{"x" * 140_000}"\n', "has a cell of over 131,072 characters"),
    ],
)
def test_a_file_that_is_no_table_is_told(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "odd.csv"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=rf"odd\.csv {message}"):
        write_guess([file], tmp_path / "out.yaml")


@pytest.mark.parametrize(("name", "pieces"), [("amount", True), ("price", False), ("total", False)])
def test_whole_amounts_are_no_ids(tmp_path: Path, name: str, pieces: bool) -> None:
    lines = [f"who,number,when,{name},sku" + ",quantity" * pieces]
    for n in range(60):
        day = f"2024-{1 + n // 2 % 12:02d}-{1 + n // 2 % 28:02d}"
        amount = (1 + n % 3) * (500 + n % 7 * 150) + n * (not pieces)
        lines.append(f"c{n // 2 % 9},o{n // 2},{day},{amount},s{n % 7}" + f",{1 + n % 3}" * pieces)
    file = tmp_path / "yen.csv"
    file.write_text("\n".join(lines), encoding="utf-8")
    columns = guessed(tmp_path, file)[0]["tables"]["order_lines"]["columns"]
    assert columns["paid_cents"] == {"column": name, "unit": "major"}
    assert columns["item_id"] == "sku"


def test_an_amount_that_is_read_as_a_price_is_told(tmp_path: Path) -> None:
    lines = ["who,when,amount,quantity"]
    lines += [f"c{n % 9},2024-01-{1 + n % 28:02d} 10:{n:02d},{5 + n % 7}.25,{1 + n % 3}" for n in range(60)]
    file = tmp_path / "odd.csv"
    file.write_text("\n".join(lines), encoding="utf-8")
    assert any("amount does not grow with quantity" in note for note in guessed(tmp_path, file)[2])


def test_columns_of_one_name_are_refused(tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(
        pa.table([pa.array(["a"]), pa.array([1])], names=["id", "id"]), tmp_path / "orders.parquet"
    )
    with pytest.raises(InputError, match=r"orders.parquet has several columns of one name"):
        write_guess([tmp_path / "orders.parquet"], tmp_path / "mine.yaml")


def test_times_of_a_zone_that_is_none_are_refused_with_their_type(tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    times = pa.array([1_717_200_000_000_000], pa.timestamp("us", "Nowhere/Land"))
    pq.write_table(pa.table({"ordered_at": times}), tmp_path / "orders.parquet")
    with pytest.raises(InputError, match=r"orders.parquet has values of type .*Nowhere/Land.* times in UTC"):
        guessed(tmp_path, tmp_path / "orders.parquet")
