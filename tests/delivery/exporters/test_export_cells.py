"""Cells, hashes and phone numbers against Python's own csv, hashlib and published examples."""

import csv
import hashlib
import io

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st
from soak import examples

from crm_ml.delivery.exporters.csv_cells import header, is_dangerous, line, value
from crm_ml.delivery.exporters.export_plan import Cell
from crm_ml.delivery.exporters.hashing import register, sha256, sha256_compact, sha256_name
from crm_ml.delivery.exporters.phones import check_country, e164
from crm_ml.errors import ConfigError
from crm_ml.tables.engine import connect

FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
CELL = st.text(st.sampled_from(["a", "'", " ", ",", '"', "ü", "1", *FORMULAS]), max_size=6)


@pytest.fixture(scope="module")
def connection():
    """A connection with the functions of the exporters."""
    opened = connect(threads=1)
    register(opened, "DE")
    yield opened
    opened.close()


@examples(60)
@given(st.lists(st.tuples(CELL, CELL, st.none() | st.integers()), min_size=1, max_size=20))
def test_lines_read_back_as_the_cells_with_formulas_defused(connection, rows):
    one = [Cell("a", "t.a"), Cell("b", "t.b", text=False), Cell("n", "t.n", text=False)]
    values = ", ".join("(?, ?, ?)" for _ in rows)
    query = f"SELECT {line(one)} FROM (VALUES {values}) t(a, b, n)"
    lines = connection.execute(query, [cell for row in rows for cell in row]).fetchall()
    read = list(csv.reader(io.StringIO("".join(row[0] for row in lines), newline=""), strict=True))
    defused = [f"'{a}" if a.startswith(FORMULAS) else a for a, _, _ in rows]
    assert read == [[a, b, "" if n is None else str(n)] for a, (_, b, n) in zip(defused, rows, strict=True)]


@pytest.mark.parametrize("start", FORMULAS)
def test_every_sign_of_a_formula_is_defused_and_found(connection, start):
    text = f"{start}cmd|' /C calc'!A0"
    written = connection.execute(f"SELECT {value(Cell('a', '?::VARCHAR'))}", [text, text, text]).fetchall()
    assert written == [(f"'{text}",)]
    assert connection.execute(f"SELECT {is_dangerous('t')} FROM (SELECT ? AS t)", [text]).fetchall() == [
        (True,)
    ]


@pytest.mark.parametrize("number", ["-5", "+4915123456789", "-0.5", "1e-7", "-1.5E+10"])
def test_numbers_stay_numbers(connection, number):
    assert (
        connection.execute(f"SELECT {value(Cell('a', f'{number}', text=False))}").fetchall()[0][0][0] in "-41"
    )
    assert connection.execute(f"SELECT {is_dangerous('t')} FROM (SELECT ? AS t)", [number]).fetchall() == [
        (False,)
    ]


def test_a_header_is_quoted_where_it_must():
    assert header([Cell("a", "x"), Cell("b,c", "y")]) == b'a,"b,c"\n'


@examples(60)
@given(st.lists(st.none() | st.text(max_size=12), min_size=1, max_size=20))
def test_hashes_are_those_of_hashlib(connection, texts):
    values = ", ".join("(?::VARCHAR)" for _ in texts)
    found = connection.execute(f"SELECT crm_hash(t) FROM (VALUES {values}) v(t)", texts).fetchall()
    wanted = [None if t is None else hashlib.sha256(t.strip().lower().encode()).hexdigest() for t in texts]
    assert [row[0] for row in found] == wanted


def test_hashes_of_known_values():
    """SHA-256 of "test@example.com", as printf and sha256sum give it."""
    known = "973dfe463ec85785f5f95af5ba3906eedb2d931c24e69824a89ea65dba4e813b"
    assert sha256(" Test@Example.com\t") == known
    assert sha256_name("Jean-Luc") == sha256("jeanluc")
    assert sha256_name("Mary Ann") == sha256("mary ann")
    assert sha256_compact("9000-12 a") == sha256("900012a")
    assert sha256("İ") == hashlib.sha256("i̇".encode()).hexdigest()


@pytest.mark.parametrize("country", ["CH", "CN", "DE", "FR", "GB", "JP", "US"])
def test_example_numbers_of_the_plans_come_out_as_e164(country):
    """The numbers that libphonenumber gives as examples of each country, in its own E.164."""
    number = phonenumbers.example_number_for_type(country, phonenumbers.PhoneNumberType.MOBILE)
    wanted = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    formats = phonenumbers.PhoneNumberFormat
    assert e164(phonenumbers.format_number(number, formats.NATIONAL), country) == wanted
    assert e164(phonenumbers.format_number(number, formats.INTERNATIONAL)) == wanted
    assert e164(phonenumbers.format_number(number, formats.NATIONAL)) == "phone_without_country"


@pytest.mark.parametrize(
    ("phone", "country", "found"),
    [
        ("+86 138 0000 0000", None, "+8613800000000"),
        ("138-0000-0000", "CN", "+8613800000000"),
        ("1380000000", "CN", "bad_phone"),
        ("0049 151 23456789", "DE", "+4915123456789"),
        ("0049 151 23456789", None, "phone_without_country"),
        ("+49 151 23456789", "CN", "+4915123456789"),
        ("0151 23456789", "", "phone_without_country"),
        ("0151 23456789", "ZZ", "phone_without_country"),
        ("+999 151 23456789", "DE", "bad_phone"),
        ("1-800-FLOWERS", "US", "bad_phone"),
        ("+49 151 23456789;ext=3", "DE", "bad_phone"),
        ("\uff14\uff19\uff11\uff15", "DE", "bad_phone"),
        ("+", "DE", "bad_phone"),
        ("unknown", "DE", "bad_phone"),
        ("4915123456789", "DE", "ambiguous_phone"),  # +49 151 23456789 or +49 4915 123456789
        ("49 (1512) 345-6789", "DE", "ambiguous_phone"),
        ("491701234567", "DE", "ambiguous_phone"),
        ("62812345678", "ID", "ambiguous_phone"),
        ("46 8 12 34 56", "SE", "ambiguous_phone"),
        ("38343201234", "XK", "ambiguous_phone"),
        ("4915123456789", None, "phone_without_country"),
        ("8613800000000", "CN", "+8613800000000"),  # no national number of China has 13 digits
        ("919876543210", "IN", "+919876543210"),
        ("9198765432", "IN", "+919198765432"),  # and none of India has 8
        ("16505551212", "US", "+16505551212"),
        ("79161234567", "RU", "+79161234567"),
        ("15123456789", "DE", "+4915123456789"),
    ],
)
def test_a_number_is_read_for_certain_or_not_at_all(phone, country, found):
    assert e164(phone, country) == found


@pytest.mark.parametrize("country", sorted(phonenumbers.SUPPORTED_REGIONS))
def test_a_number_behind_its_country_code_never_becomes_another_number(country):
    """The example numbers of all plans without their +: either themselves or not read."""
    formats = phonenumbers.PhoneNumberFormat
    for kind in (phonenumbers.PhoneNumberType.MOBILE, phonenumbers.PhoneNumberType.FIXED_LINE):
        number = phonenumbers.example_number_for_type(country, kind)
        if number is None:
            continue
        wanted = phonenumbers.format_number(number, formats.E164)
        for text in (wanted, phonenumbers.format_number(number, formats.INTERNATIONAL)):
            assert e164(text[1:], country) in (wanted, "ambiguous_phone")
        assert e164(phonenumbers.format_number(number, formats.NATIONAL), country) == wanted


def test_the_default_country_is_for_those_without_any(connection):
    query = "SELECT crm_e164('0151 23456789', c) FROM (VALUES (NULL::VARCHAR), (''), ('CH'), ('DE')) v(c)"
    assert [row[0] for row in connection.execute(query).fetchall()] == [
        "+4915123456789",
        "phone_without_country",
        "bad_phone",
        "+4915123456789",
    ]
    check_country("DE")
    with pytest.raises(ConfigError, match="no country"):
        check_country("UK")
