"""Cells, hashes and phone numbers against Python's own csv, hashlib and published examples."""

import csv
import hashlib
import io
import unicodedata

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st
from soak import examples

from crm_ml.delivery.exporters.csv_cells import header, is_dangerous, line, value
from crm_ml.delivery.exporters.export_plan import Cell
from crm_ml.delivery.exporters.hashing import (
    register,
    sha256,
    sha256_compact,
    sha256_google_email,
    sha256_name,
)
from crm_ml.delivery.exporters.phones import check_country, e164
from crm_ml.errors import ConfigError
from crm_ml.tables.engine import connect

FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
UNSEEN = ("\u200b", "\u200c", "\u200d", "\u2060", "\ufeff", "\u00ad", "\u202a", "\u202c", "\ufe0f", "\u3164")
SEEN = st.characters(
    exclude_categories=("Cf", "Cn", "Cs", "Mn"), exclude_characters="\u115f\u1160\u3164\uffa0"
)
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
@given(st.lists(st.none() | st.text(SEEN, max_size=12), min_size=1, max_size=20))
def test_hashes_are_those_of_hashlib(connection, texts):
    values = ", ".join("(?::VARCHAR)" for _ in texts)
    found = connection.execute(f"SELECT crm_hash(t) FROM (VALUES {values}) v(t)", texts).fetchall()
    spelt = [None if t is None else unicodedata.normalize("NFC", t.strip().lower()) for t in texts]
    assert [row[0] for row in found] == [None if t is None else _hash(t) for t in spelt]


def _hash(text):
    return hashlib.sha256(text.encode()).hexdigest()


@examples(60)
@given(st.text(max_size=12), st.sampled_from(UNSEEN), st.sampled_from(["NFC", "NFD"]))
def test_every_spelling_of_a_text_has_one_hash(text, unseen, form):
    other = unseen.join(["", *unicodedata.normalize(form, text), ""])
    for function in (sha256, sha256_name, sha256_compact):
        assert function(other) == function(text)
    assert sha256_google_email(other + "@x.yz") == sha256_google_email(text + "@x.yz")


def test_hashes_of_known_values():
    """SHA-256 of "test@example.com", as printf and sha256sum give it."""
    known = "973dfe463ec85785f5f95af5ba3906eedb2d931c24e69824a89ea65dba4e813b"
    assert sha256(" Test@Example.com\t") == known
    assert sha256_name("Jean-Luc") == sha256("jeanluc")
    assert sha256_name("Mary Ann") == sha256("maryann")
    assert sha256_compact("9000-12 a") == sha256("900012a")
    assert sha256("İ") == hashlib.sha256("i̇".encode()).hexdigest()


@pytest.mark.parametrize(
    ("function", "text", "published"),
    [  # Meta for Developers, Conversions API: customer information parameters
        (sha256, "John_Smith@gmail.com", "62a14e44f765419d10fea99367361a727c12365e2520f32218d505ed9aa0f62f"),
        (sha256, "16505551212", "e323ec626319ca94ee8bff2e4c87cf613be6ea19919ed1364124e16807ab3176"),
        (sha256_name, "Mary", "6915771be1c5aa0c886870b6951b03d7eafc121fea0e80a5ea83beb7c449f4ec"),
        (sha256_name, "정", "8fa8cd9c440be61d0151429310034083132b35975c4bea67fdd74158eb51db14"),
        (sha256_name, "Valéry", "08e1996b5dd49e62a4b4c010d44e4345592a863bb9f8e3976219bac29417149c"),
        (sha256, "US", "79adb2a2fce5c6ba215fe5f27f532d4e7edbac4b6a5e09e1ef3a08084a904621"),
        # Google, googleads/data-manager: tests of the formatter of user data
        (
            sha256_google_email,
            "  ALEXZ@example.com   ",
            "509e933019bb285a134a9334b8bb679dff79d0ce023d529af4bd744d47b4fd8a",
        ),
        (sha256, "+18005550100", "fb4f73a6ec5fdb7077d564cdd22c3554b43ce49168550c3b12c547b78c517b30"),
        (sha256, "  GivenName  ", "128a07bfe2df877c52076e60d7774cf5baaa046c5a6c48daf30ff43ecca2f814"),
        (sha256, "  FamilyName ", "77762c287e61ce065bee5c15464012c6fbe088398b8057627d5577249430d574"),
        # TikTok Ads help: how to create a custom audience with a customer file
        (sha256, "JaneDoe@gmail.com", "d6117306485ed0e50afab3ac871e98f81699151f30281527d63ff5f233656c69"),
    ],
)
def test_hashes_are_those_that_the_tools_publish(function, text, published):
    assert function(text) == published
    assert function(unicodedata.normalize("NFD", text)) == published


@pytest.mark.parametrize(
    ("address", "matched"),
    [  # the first six as in Google's tests of its formatter of user data
        ("jefferson.Loves.hiking@gmail.com", "jeffersonloveshiking@gmail.com"),
        ("j.e.f..ferson.Loves.hiking@gmail.com", "jeffersonloveshiking@gmail.com"),
        ("Jefferson.LOVES.Hiking@googlemail.com", "jeffersonloveshiking@googlemail.com"),
        ("Cloudy.SanFrancisco+shopping@gmail.com", "cloudysanfrancisco@gmail.com"),
        ("Cloudy.SanFrancisco+shopping@GoogleMail.com", "cloudysanfrancisco@googlemail.com"),
        ("user.name+NYC@Example.com", "user.name+nyc@example.com"),
        ("Jane.Doe+a+b.c@gmail.com\u200b", "janedoe@gmail.com"),
        ("jane.doe+x@gmail.com.example", "jane.doe+x@gmail.com.example"),
        ("jane.doe@sub.gmail.com", "jane.doe@sub.gmail.com"),
    ],
)
def test_gmail_addresses_are_hashed_without_dots_and_tag(address, matched):
    assert sha256_google_email(address) == _hash(matched)
    assert sha256(address.replace("\u200b", "")) == _hash(address.strip("\u200b").lower())


def test_an_address_of_nothing_but_a_tag_has_no_hash():
    assert sha256_google_email("+x@gmail.com") is None
    assert sha256_google_email("...@googlemail.com") is None


@pytest.mark.parametrize(
    ("function", "text", "word"),
    [  # Marathi, Thai, Tamil, Hebrew with points, Vietnamese, Hangul by jamo, Persian with a joiner
        (sha256_compact, "मुंबई", "मुंबई"),
        (sha256_compact, "กรุงเทพ มหานคร", "กรุงเทพมหานคร"),
        (sha256_compact, "சென்னை-1", "சென்னை1"),
        (sha256_compact, "יְרוּשָׁלַיִם", unicodedata.normalize("NFC", "יְרוּשָׁלַיִם")),
        (sha256_compact, "Hà Nội", "hànội"),
        (sha256_compact, unicodedata.normalize("NFD", "서울"), "서울"),
        (sha256_compact, "São Paulo", "sãopaulo"),
        (sha256_name, "Nguyễn Văn-An", "nguyễnvănan"),
        (sha256_name, "محمد‌رضا", "محمدرضا"),
        (sha256_name, "O\u2019Neill_$", "oneill"),
    ],
)
def test_marks_are_kept_for_meta(function, text, word):
    assert function(text) == _hash(word)
    assert function(unicodedata.normalize("NFD", text)) == _hash(word)


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
