"""Encodings: declared or found from the bytes, and refused with candidates where the bytes do not tell."""

import codecs
import gzip
import zipfile
from pathlib import Path

import pyarrow as pa
import pytest
from shop import Shop, bytes_of, column_of, only_csv_shop, own_data_folder  # noqa: F401  (fixtures)

from crm_ml.errors import InputError
from crm_ml.tables.encodings import CODECS, judge
from crm_ml.tables.found_encoding import found_encodings
from crm_ml.tables.packed_files import unpacked

# names of places, as an export has them
CHINESE = (
    "订单编号 买家会员名 付款时间 实付金额 商品名称 购买数量 订单状态 交易成功 北京市 上海市 广东省深圳市 "
    "四川省成都市 湖北省武汉市"
)
TRADITIONAL = (
    "訂單編號 會員名稱 付款時間 實付金額 商品名稱 購買數量 訂單狀態 交易成功 臺北市 高雄市 臺中市 新竹縣"
)
JAPANESE = (
    "注文番号 会員名 支払日時 支払金額 商品名 数量 東京都渋谷区 大阪府大阪市 北海道札幌市 サイズ カラー "
    "お届け先"
)
KOREAN = (
    "주문번호 회원명 결제시간 결제금액 상품명 수량 서울특별시 부산광역시 대구광역시 인천광역시 강원도 경기도 "
    "전라북도 충청남도"
)
GERMAN = "Müller Köln Größe Straße Jäger München Österreich Übergabe Nürnberg"
TEXTS = {
    "gb18030": CHINESE,
    "big5": TRADITIONAL,
    "shift_jis": JAPANESE,
    "euc-jp": JAPANESE,
    "euc-kr": KOREAN,
    "cp1252": GERMAN,
}
UNKNOWN = {
    "few-chinese": "订单,商品".encode("gb18030"),
    "russian": "Заказ Москва Покупатель Товар Количество Санкт-Петербург Новосибирск Екатеринбург".encode(
        "cp1251"
    ),
    "polish": "Łódź Gdańsk Kraków Poznań Wrocław Częstochowa Świętokrzyskie".encode("cp1250"),
    "turkish": "\u0130stanbul Eski\u015fehir Mu\u011fla K\u0131r\u015fehir Çorum".encode("cp1254"),
    "german-of-dos": GERMAN.encode("cp850"),
    "german-of-an-old-mac": GERMAN.encode("mac_roman"),
    "one-letter": "café".encode("latin-1"),
    "french-with-a-grave": "Genève Hélène François".encode("cp1252"),  # may be Czech letters of cp1250
}


@pytest.mark.parametrize("name", TEXTS)
def test_texts_are_told_apart(name: str) -> None:
    lines = [f"{n},{word},1.50".encode(CODECS[name]) for n, word in enumerate(TEXTS[name].split())]
    assert judge(lines).encoding == name
    assert judge([b"\n".join(lines)]).candidates[0] == name


@pytest.mark.parametrize("case", UNKNOWN)
def test_what_can_be_two_is_not_known(case: str) -> None:
    assert judge(UNKNOWN[case].split()).encoding == ""


@pytest.mark.parametrize(
    ("words", "first"),
    [
        ("Gebäck", "cp1252"),
        ("Gebäck €", "cp1252"),
        ("€", "cp1252"),
        ("手机", "gb18030"),
        ("T恤", "gb18030"),
        ("携帯", "shift_jis"),
    ],
)
def test_few_words_that_read_well_in_latin_letters_are_most_likely_western(words: str, first: str) -> None:
    verdict = judge([word.encode(first) for word in words.split()])
    assert verdict.encoding == ""
    assert (verdict.candidates[0] == "cp1252") == (first == "cp1252")


def written(shop: Shop, encoding: str, suffix: str = "") -> bytes:
    """Write order lines with ids in an encoding's own letters; return the bytes of the clean tables."""
    names = TEXTS[encoding].split()
    for table in ("customers", "order_lines"):
        shop[table]["customer_id"] = [names[int(i[1:]) % len(names)] + i for i in shop[table]["customer_id"]]
    clean = bytes_of(shop.load())
    for table in ("customers", "order_lines"):
        content = shop.path(table).read_text(encoding="utf-8").encode(CODECS[encoding])
        shop.path(table).unlink()
        shop.mapping["tables"][table]["path"] = f"{table}.csv{suffix}"
        path = shop.folder / f"{table}.csv{suffix}"
        if suffix == ".zip":
            with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
                archive.writestr(f"{table}.csv", content)
                archive.writestr(f"__MACOSX/._{table}.csv", "x")
        else:
            packed = {
                "": bytes,
                ".gz": gzip.compress,
                ".zst": lambda data: pa.compress(data, "zstd", asbytes=True),
            }
            path.write_bytes(packed[suffix](content))
    shop.tables = {"items": shop["items"]}
    return clean


@pytest.mark.parametrize(
    ("encoding", "suffix"),
    [("gb18030", ".gz"), ("shift_jis", ".zst"), ("cp1252", ".zip")],
)
def test_every_row_is_read_right_and_the_encoding_is_told(csv_shop: Shop, encoding: str, suffix: str) -> None:
    clean = written(csv_shop, encoding, suffix)
    tables = csv_shop.load()
    assert bytes_of(tables) == clean
    told = (
        f"order_lines.csv{suffix} is read as {encoding}, found from its bytes; declare encoding: {encoding}"
    )
    assert tables.report.tables["order_lines"].warnings == [told]
    for table in ("customers", "order_lines"):
        csv_shop.mapping["tables"][table]["encoding"] = encoding
    tables = csv_shop.load()
    assert bytes_of(tables) == clean
    assert tables.report.tables["order_lines"].warnings == []
    assert not list((csv_shop.folder / "data" / "tables").glob(".*"))  # nothing rewritten is left


def test_a_byte_order_mark_is_conclusive(tmp_path: Path) -> None:
    path, text = tmp_path / "a.csv", "a,b\nä,1\n"
    for mark, encoding in (
        (codecs.BOM_UTF8, "utf-8"),
        (b"", "utf-16"),
        ("\ufeff".encode("gb18030"), "gb18030"),
    ):
        path.write_bytes(mark + text.encode(encoding))
        assert found_encodings([path]) == {path: encoding}


def test_files_of_a_table_are_judged_together(tmp_path: Path) -> None:
    words = CHINESE.split()
    parts = {"a": "a,b\n1,2", "b": "a,b\n" + words[0], "c": "a,b\n" + "\n".join(words[1:])}
    for name, text in parts.items():
        (tmp_path / name).write_bytes(text.encode("gb18030"))
    paths = [tmp_path / name for name in parts]
    assert [*found_encodings(paths).values()] == ["utf-8", "gb18030", "gb18030"]
    with pytest.raises(InputError, match=r"it may be .*gb18030.*; declare the right one, such as encoding: "):
        found_encodings(paths[1:2])


def test_damaged_utf_8_is_named_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    whole = f"a,b\n{CHINESE},1\n".encode()
    path.write_bytes(whole + whole[4:-4] + b"\n")  # cut within a character
    place = len(whole) + len(CHINESE.encode()) - len("市".encode())
    with pytest.raises(InputError, match=rf"is utf-8 but for byte {place} \(line 3\); correct the place"):
        found_encodings([path])


@pytest.mark.parametrize("encoding", ["gb18030", "shift_jis", "utf-8", "euc-kr"])
def test_a_byte_outside_of_the_declared_encoding_is_named(csv_shop: Shop, encoding: str) -> None:
    csv_shop.write()
    path = csv_shop.path("items")
    content = path.read_bytes()
    place = content.index(b"i07")
    path.write_bytes(content[:place] + (b"\x81," if encoding == "shift_jis" else b"\xff") + content[place:])
    csv_shop.mapping["tables"]["items"]["encoding"] = encoding
    del csv_shop.tables["items"]
    with pytest.raises(InputError) as error:
        csv_shop.load()
    line = 1 + content[:place].count(b"\n")
    assert f"items.csv line {line} is not in the declared encoding ({encoding}: byte {place} of" in str(
        error.value
    )


def packed_zip(path: Path, names: list[str], text: str = "a,b\n1,2\n") -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            archive.writestr(name, text)
    return path


@pytest.mark.parametrize(
    ("names", "member", "told"),
    [
        (["a.csv", "b.csv"], None, r"holds 2 files \(a.csv, b.csv\); declare which one: member: <name>"),
        (["a.csv"], "c.csv", r"holds 1 files \(a.csv\); declare which one"),
        ([], None, "holds 0 files"),
    ],
)
def test_the_file_of_an_archive_is_named(
    tmp_path: Path, names: list[str], member: str | None, told: str
) -> None:
    path = packed_zip(tmp_path / "a.zip", names)
    with pytest.raises(InputError, match=told), unpacked(path, member):
        pass
    path = packed_zip(path, ["a.csv", "b.csv"])
    with unpacked(path, "b.csv") as file:
        assert file.read() == b"a,b\n1,2\n"


@pytest.mark.parametrize("suffix", [".gz", ".zst", ".zip"])
def test_packed_files_are_bounded_and_whole(
    tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crm_ml.tables.packed_files.MOST_FREE_BYTES", 1 << 16)
    path, data = tmp_path / f"a{suffix}", b"0\n" * (1 << 23)
    if suffix == ".zip":
        packed_zip(path, ["a.csv"], data.decode())
    else:
        path.write_bytes(gzip.compress(data) if suffix == ".gz" else pa.compress(data, "zstd", asbytes=True))
    with (
        pytest.raises(InputError, match=r"unpacks to more than .* bytes, 200 times its size"),
        unpacked(path) as file,
    ):
        while file.read(1 << 16):
            pass
    path.write_bytes(path.read_bytes()[:-9])
    monkeypatch.undo()
    with pytest.raises(InputError, match=r"is no whole .* file; it may be truncated"), unpacked(path) as file:
        while file.read(1 << 20):
            pass


def test_columns_by_position_and_a_list_of_files(csv_shop: Shop) -> None:
    clean = bytes_of(csv_shop.load())
    lines = csv_shop.path("order_lines").read_text(encoding="utf-8").splitlines()
    names, rows = lines[0].split(","), lines[1:]
    (csv_shop.folder / "b").mkdir()
    (csv_shop.folder / "z.csv").write_text("\n".join(rows[:120]) + "\n")
    (csv_shop.folder / "b" / "a.csv").write_text("\n".join(rows[120:]))
    places = {name: str(place) for place, name in enumerate(names, start=1)}
    columns = {name: places[name] for name in names if name != "paid"}
    columns["paid_cents"] = {"column": places["paid"], "unit": "major"}
    declared = {"path": ["z.csv", "b/a.csv"], "header": False, "columns": columns}
    csv_shop.mapping["tables"]["order_lines"] = declared
    del csv_shop.tables["order_lines"]
    tables = csv_shop.load()
    assert bytes_of(tables) == clean
    assert tables.report.tables["order_lines"].read == 200
    assert column_of(tables, "order_lines", "paid_cents")[0] == 125
    declared["path"] = ["z.csv", "./z.csv"]
    with pytest.raises(Exception, match="path names a file more than once"):
        csv_shop.load()
