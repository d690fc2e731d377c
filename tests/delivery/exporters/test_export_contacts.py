"""Contacts: what a file of addresses may be, and that an error repeats nothing of it."""

import pandas as pd
import pytest
from export_world import CONTACTS, USUAL, cells, export, row, write_contacts, write_list

from crm_ml.delivery.exporters.hashing import sha256
from crm_ml.errors import InputError
from crm_ml.storage import manifest as artefacts

SECRET = "jane.doe@example.com"


@pytest.fixture
def found(tmp_path):
    """A list of three customers."""
    return write_list(tmp_path / "lists", [row("a"), row("b"), row("007")])


def test_parquet_and_csv_give_the_same_files(tmp_path):
    found = write_list(tmp_path / "lists", USUAL)
    path = tmp_path / "contacts.parquet"
    pd.DataFrame(CONTACTS).assign(state=None, unused=1).to_parquet(path)
    one = export(found, "sms", tmp_path / "one", path)
    other = export(found, "sms", tmp_path / "two", write_contacts(tmp_path / "contacts.csv", CONTACTS))
    assert one.selection == other.selection
    for part in one.parts:
        assert (one.folder / part.file).read_bytes() == (other.folder / part.file).read_bytes()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (f"a,{SECRET}\n", "there is no column customer_id; there is no column email"),
        (f"customer_id,mail\na,{SECRET}\n", "there is no column email"),
        (f"customer_id,email\na,{SECRET}\nb\n", "contacts.csv line 3 has 1 cells where the header has 2"),
        (f"{SECRET},{SECRET}\n", "line 1 names a column more than once"),
        (f"customer_id;email\na;{SECRET}\n", "there is no column customer_id; there is no column email"),
        ("", "is empty (0 bytes)"),
    ],
)
def test_a_wrong_file_is_refused_in_words_without_its_content(found, tmp_path, text, says):
    path = tmp_path / "contacts.csv"
    path.write_text(text, "utf-8")
    with pytest.raises(InputError) as error:
        export(found, "klaviyo", tmp_path / "out", path)
    assert says in str(error.value)
    assert "jane" not in str(error.value)
    assert list((tmp_path / "out").iterdir()) == []


def test_another_encoding_is_refused(found, tmp_path):
    path = tmp_path / "contacts.csv"
    path.write_bytes("customer_id,email\na,jäne@example.com\n".encode("latin-1"))
    with pytest.raises(InputError, match="is not in the declared encoding") as error:
        export(found, "klaviyo", tmp_path / "out", path)
    assert "example" not in str(error.value)
    path.write_text("customer_id,email\n", "utf-16")
    with pytest.raises(InputError, match="UTF-16"):
        export(found, "klaviyo", tmp_path / "out", path)


def test_a_file_that_is_not_there_is_refused(found, tmp_path):
    with pytest.raises(InputError, match="can't be read: No such file"):
        export(found, "klaviyo", tmp_path / "out", tmp_path / "none.csv")


def test_ids_and_numbers_are_text(found, tmp_path):
    path = tmp_path / "contacts.parquet"
    pd.DataFrame({"customer_id": [7], "phone": [4915123456789]}).to_parquet(path)
    with pytest.raises(InputError, match="customer_id is BIGINT and not text; phone is BIGINT and not text"):
        export(found, "sms", tmp_path / "out", path)
    contacts = [{"customer_id": "007", "email": "seven@example.com"}, {"customer_id": "7", "email": "x@b.cd"}]
    done = export(found, "salesforce", tmp_path / "out", write_contacts(tmp_path / "contacts.csv", contacts))
    assert [one[:2] for one in cells(done.folder / "salesforce-00001.csv")[1:]] == [
        ["007", "seven@example.com"]
    ]


@pytest.mark.parametrize(
    "email",
    [
        "jane",
        "jane@",
        "@b.cd",
        "a@b@c.de",
        "a b@c.de",
        "a@b",
        "a@b..cd",
        "a@b.cd,c@d.ef",
        '"a"@b.cd',
        "a@b.cd\nBcc: c@d.ef",
        f"{'a' * 250}@b.cd",
    ],
)
def test_a_bad_address_is_left_out_and_counted(found, tmp_path, email):
    contacts = [{"customer_id": "a", "email": email}, {"customer_id": "b", "email": "o'neill+x@sub.b-c.de"}]
    done = export(found, "salesforce", tmp_path / "out", write_contacts(tmp_path / "contacts.csv", contacts))
    assert done.selection.left_out == {"no_contact": 1, "bad_email": 1}
    assert done.selection.rows == 1


def test_two_addresses_of_one_customer_are_not_chosen_from(found, tmp_path):
    contacts = [
        {"customer_id": "a", "email": "a@b.cd", "zip": "1"},
        {"customer_id": "a", "email": "\u3000a@b.cd ", "zip": "2"},  # the zip is not used, so these are one
        {"customer_id": "b", "email": "b@b.cd", "zip": ""},
        {"customer_id": "b", "email": "c@b.cd", "zip": ""},
    ]
    done = export(found, "salesforce", tmp_path / "out", write_contacts(tmp_path / "contacts.csv", contacts))
    assert done.selection.left_out == {"no_contact": 1, "conflicting_contacts": 1}
    assert cells(done.folder / "salesforce-00001.csv")[1][:2] == ["a", "a@b.cd"]


@pytest.mark.parametrize(("country", "left_out"), [("", {}), ("Germany", {"phone_without_country": 1})])
def test_the_default_country_is_not_for_those_whose_country_is_unreadable(found, tmp_path, country, left_out):
    contacts = [
        {"customer_id": one, "phone": "0151 2345678" + one[-1], "country": "de"} for one in ("b7", "007")
    ]
    contacts += [{"customer_id": "a", "phone": "0151 23456780", "country": country}]
    path = write_contacts(tmp_path / "contacts.csv", contacts)
    done = export(found, "sms", tmp_path / "out", path, default_country="DE")
    assert done.selection.left_out == {"no_contact": 1} | left_out


def test_what_is_left_empty_is_counted(found, tmp_path):
    contacts = [
        {"customer_id": "a", "email": "a@b.cd", "phone": "12", "country": "DE", "madid": ""},
        {"customer_id": "b", "email": "nobody", "phone": "+4915123456789", "country": "", "madid": "?"},
        {"customer_id": "007", "email": "x", "phone": "0151 23456780", "country": "", "madid": ""},
    ]
    path = write_contacts(tmp_path / "contacts.csv", contacts)
    meta = export(found, "meta", tmp_path / "out", path).selection
    assert meta.left_out == {"no_address": 1}
    assert meta.emptied == {"bad_email": 1, "bad_phone": 1, "bad_madid": 1}
    meta = export(found, "meta", tmp_path / "out", path, default_country="DE").selection
    assert meta.left_out == {}
    assert meta.emptied == {"bad_email": 2, "bad_phone": 1, "bad_madid": 1}


def test_a_number_that_may_carry_its_country_code_is_left_out_and_counted(found, tmp_path):
    contacts = [
        {"customer_id": "a", "email": "a@b.cd", "phone": "4915123456789", "country": "DE"},
        {"customer_id": "b", "email": "b@b.cd", "phone": "62812345678", "country": "ID"},
        {"customer_id": "007", "email": "c@b.cd", "phone": "8613800000000", "country": "CN"},
    ]
    path = write_contacts(tmp_path / "contacts.csv", contacts)
    sms = export(found, "sms", tmp_path / "out", path)
    assert (sms.folder / sms.parts[0].file).read_text("utf-8") == "+8613800000000\n"
    assert sms.selection.left_out == {"ambiguous_phone": 2}
    klaviyo = export(found, "klaviyo", tmp_path / "out", path, by="phone").selection
    assert klaviyo.left_out == {"ambiguous_phone": 2}
    for to in ("google", "meta"):
        assert export(found, to, tmp_path / "out", path).selection.emptied["ambiguous_phone"] == 2


def test_what_nobody_sees_in_an_address_is_removed_and_counted(found, tmp_path):
    """Zero-width space, direction marks as copied from a spreadsheet, a decomposed letter."""
    contacts = [
        {"customer_id": "a", "email": "jane@example.com\u200b", "phone": "\u202a+49 151 23456789\u202c"},
        {"customer_id": "b", "email": "\ufeffJo.Se\u0301+x@gmail.com", "phone": "+49 151 23456780"},
        {"customer_id": "b", "email": "Jo.S\u00e9+x@gmail.com", "phone": "+49 151 23456780"},  # the same
        {"customer_id": "007", "email": "\u200b", "phone": ""},
    ]
    path = write_contacts(tmp_path / "contacts.csv", contacts)
    done = export(found, "salesforce", tmp_path / "out", path)
    rows = [one[:2] for one in cells(done.folder / "salesforce-00001.csv")[1:]]
    assert rows == [["a", "jane@example.com"], ["b", "Jo.S\u00e9+x@gmail.com"]]
    assert done.selection.left_out == {"no_email": 1}
    assert done.selection.changed == {"email": 2}
    done = export(found, "google", tmp_path / "out", path)
    assert done.selection.left_out == {"no_address": 1}
    assert done.selection.changed == {"email": 2, "phone": 1, "gmail_dots_and_tag": 1}
    hashed = [one[:2] for one in cells(done.folder / "google-00001.csv")[1:]]
    assert hashed == [
        [sha256("jane@example.com"), sha256("+4915123456789")],
        [sha256("jos\u00e9@gmail.com"), sha256("+4915123456780")],
    ]
    assert artefacts.verify(done.folder)["changed"] == done.selection.changed
    assert export(found, "meta", tmp_path / "out", path).selection.changed == {"email": 2, "phone": 1}


def test_variables_of_a_message_are_written_as_they_are(found, tmp_path):
    couple = "\U0001f469\u200d\U0001f680"  # a picture of several characters
    contacts = [{"customer_id": "a", "phone": "+4915123456789", "first_name": couple}]
    path = write_contacts(tmp_path / "contacts.csv", contacts)
    done = export(found, "sms", tmp_path / "out", path, variables=("first_name",))
    assert (done.folder / done.parts[0].file).read_text("utf-8") == f"+4915123456789,{couple}\n"
    assert done.selection.changed == {}


def test_a_gmail_address_of_nothing_but_a_tag_is_a_bad_one_for_google(found, tmp_path):
    contacts = [
        {"customer_id": "a", "email": "+x@gmail.com", "phone": "+4915123456789"},
        {"customer_id": "b", "email": "+x@gmail.com", "phone": ""},
        {"customer_id": "007", "email": "jane@gmail.com", "phone": ""},
    ]
    path = write_contacts(tmp_path / "contacts.csv", contacts)
    done = export(found, "google", tmp_path / "out", path).selection
    assert (done.rows, done.left_out, done.emptied["bad_email"]) == (2, {"no_address": 1}, 1)
