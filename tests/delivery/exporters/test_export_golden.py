"""Every tool: the bytes that were checked by hand, and the account of every row."""

import hashlib
import json

import export_world as world
import pytest
from export_world import CONTACTS, USUAL, export, row, write_contacts, write_list

from crm_ml.delivery.exporters.export_plan import Options
from crm_ml.delivery.exporters.exporters import plan_of, tools
from crm_ml.errors import AlreadyPublished, ConfigError, InputError, IntegrityError
from crm_ml.storage import manifest as artefacts

FORMS = {
    "braze": ("braze", {}),
    "braze_alias": ("braze", {"alias_label": "crm"}),
    "braze_cloud": ("braze-cloud", {}),
    "braze_cloud_alias": ("braze-cloud", {"alias_label": "crm"}),
    "google": ("google", {}),
    "klaviyo": ("klaviyo", {}),
    "klaviyo_phone": ("klaviyo", {"by": "phone", "default_country": "CH"}),
    "meta": ("meta", {}),
    "salesforce": ("salesforce", {}),
    "sms": ("sms", {}),
    "sms_variables": ("sms", {"variables": ("first_name",)}),
    "wecom": ("wecom", {}),
    "wecom_chat": ("wecom", {"by": "chat"}),
}
LEFT_OUT = {
    "braze": {"further_slot": 1},
    "google": {"no_contact": 1, "conflicting_contacts": 1, "no_address": 1, "duplicate": 2},
    "klaviyo": {
        "other_channel": 3,
        "no_contact": 1,
        "conflicting_contacts": 1,
        "no_email": 1,
        "bad_email": 1,
        "email_like_formula": 1,
        "not_opted_in": 1,
        "duplicate_email": 2,
    },
    "klaviyo_phone": {
        "other_channel": 5,
        "no_contact": 1,
        "no_phone": 2,
        "bad_phone": 1,
        "duplicate_phone": 2,
    },
    "meta": {"no_contact": 1, "conflicting_contacts": 1, "no_address": 1, "duplicate": 2},
    "salesforce": {
        "no_contact": 1,
        "conflicting_contacts": 1,
        "no_email": 2,
        "bad_email": 1,
        "email_like_formula": 1,
        "further_slot": 1,
    },
    "sms": {
        "other_channel": 5,
        "no_contact": 1,
        "no_phone": 2,
        "phone_without_country": 2,
        "duplicate_phone": 2,
    },
    "sms_variables": {
        "other_channel": 5,
        "no_contact": 1,
        "no_phone": 2,
        "phone_without_country": 2,
        "bad_variable": 2,
        "duplicate_phone": 2,
    },
    "wecom": {"other_channel": 5, "no_contact": 1, "no_external_userid": 8, "duplicate_external_userid": 1},
    "wecom_chat": {"other_channel": 5, "no_contact": 1, "no_chat_id": 7, "same_chat": 2},
}


@pytest.fixture
def given(tmp_path):
    """A list and the contacts of its customers."""
    found = write_list(tmp_path / "lists", USUAL)
    return found, write_contacts(tmp_path / "contacts.csv", CONTACTS)


def test_every_tool_has_a_golden_file():
    assert {to for to, _ in FORMS.values()} == set(tools())


@pytest.mark.parametrize("name", FORMS)
def test_files_are_those_that_were_checked_by_hand(given, tmp_path, name):
    found, contacts = given
    to, options = FORMS[name]
    done = export(found, to, tmp_path / "out", contacts, **options)
    world.assert_golden(done.folder, name)
    selection = done.selection
    assert selection.left_out == LEFT_OUT.get(name, LEFT_OUT["braze"])
    assert selection.rows + sum(selection.left_out.values()) == selection.selected == len(USUAL)
    assert plan_of(Options(to=to, **options)).validate(done.folder) == []
    manifest = artefacts.verify(done.folder)
    assert manifest["left_out"] == selection.left_out
    assert manifest["rows"] == selection.rows == sum(part["rows"] for part in manifest["parts"])
    assert {part["file"] for part in manifest["parts"]} == set(manifest["files"])
    assert manifest["list_id"] == artefacts.verify(found)["list_id"]


@pytest.mark.parametrize("name", ["google", "klaviyo", "sms_variables", "wecom_chat"])
def test_the_order_of_contacts_changes_no_byte(given, tmp_path, name):
    found, contacts = given
    to, options = FORMS[name]
    one = export(found, to, tmp_path / "one", contacts, **options).folder
    write_contacts(contacts, CONTACTS[::-1])
    other = export(found, to, tmp_path / "two", contacts, **options).folder
    files = [path.name for path in one.iterdir() if path.name != artefacts.MANIFEST]
    assert files
    assert all((one / name).read_bytes() == (other / name).read_bytes() for name in files)


@pytest.mark.parametrize("to", ["google", "meta"])
def test_a_hashed_file_shows_nobody(given, tmp_path, to):
    found, contacts = given
    folder = export(found, to, tmp_path / "out", contacts).folder
    shown = {"country", "zip", "madid"}
    secret = {
        value.strip().lower()
        for one in CONTACTS
        for key, value in one.items()
        if len(value.strip()) > 3 and key not in shown
    }
    assert len(secret) > 25
    for path in folder.iterdir():
        text = path.read_text("utf-8").lower()
        assert [one for one in secret if one in text] == [], path.name


def test_hashes_are_of_trimmed_lower_case_and_of_the_number_in_e164(given, tmp_path):
    found, contacts = given
    rows = world.cells(export(found, "google", tmp_path / "out", contacts).folder / "google-00001.csv")
    assert rows[0] == ["Email", "Phone", "First Name", "Last Name", "Country", "Zip"]
    wanted = [
        hashlib.sha256(text.encode()).hexdigest()
        for text in ("jane@example.com", "+41781234567", "jane", "o'neill")
    ]
    assert [*wanted, "CH", "9000"] in rows


def test_of_customers_with_one_address_the_one_worth_most_is_kept(tmp_path):
    rows = [row("a"), row("b", expected_value_cents=200), row("c", slot=2, expected_value_cents=900)]
    contacts = [{"customer_id": one, "email": "Same@example.com"} for one in "abc"]
    found = write_list(tmp_path, [one | {"action_id": one["customer_id"]} for one in rows])
    path = write_contacts(tmp_path / "contacts.csv", contacts)
    done = export(found, "klaviyo", tmp_path / "out", path)
    assert [cells[2] for cells in world.cells(done.folder / "klaviyo-00001.csv")] == ["nba_action", "b"]


def test_actions_and_channels_are_chosen_by_name(given, tmp_path):
    found, contacts = given
    done = export(found, "braze", tmp_path / "out", actions=("news", "text"), channels=("sms",))
    assert (done.selection.selected, done.selection.list_rows) == (1, len(USUAL))
    done = export(found, "klaviyo", tmp_path / "out", contacts, channels=("push",))
    assert (done.selection.rows, done.selection.left_out) == (1, {})
    with pytest.raises(InputError, match=r"no action nothing; it has coupon, group, news"):
        export(found, "braze", tmp_path / "out", actions=("nothing",))
    with pytest.raises(InputError, match="no channel fax; it has"):
        export(found, "braze", tmp_path / "out", channels=("fax",))


def test_a_row_of_a_control_group_is_never_exported(tmp_path):
    found = write_list(tmp_path, [row("a"), row("b", arm="control"), row("c", arm="explore")])
    done = export(found, "braze", tmp_path / "out")
    assert (done.selection.rows, done.selection.left_out) == (2, {"control_arm": 1})


@pytest.mark.parametrize("fields", [{"action_id": "../x"}, {"channel": "a/b"}, {"action_id": ""}])
def test_no_name_of_an_action_leaves_the_folder(tmp_path, fields):
    found = write_list(tmp_path, [row("a", **fields)])
    contacts = write_contacts(tmp_path / "contacts.csv", [{"customer_id": "a", "phone": "+4915123456789"}])
    with pytest.raises(InputError, match="can't stand in the name of a file"):
        export(found, "sms", tmp_path / "out", contacts)
    assert list((tmp_path / "out").iterdir()) == []


def test_exports_are_readable_by_their_owner_alone(given, tmp_path):
    found, _ = given
    assert export(found, "braze", tmp_path / "out").folder.stat().st_mode & 0o777 == 0o700


def test_nothing_left_to_export_is_an_error_that_says_why(tmp_path):
    found = write_list(tmp_path, [row("a", consent_basis="assumed"), row("b")])
    contacts = write_contacts(tmp_path / "contacts.csv", [{"customer_id": "a", "email": "a@example.com"}])
    with pytest.raises(InputError, match=r"no row is left .* of 2 .*no_contact: 1, not_opted_in: 1"):
        export(found, "klaviyo", tmp_path / "out", contacts)
    assert list((tmp_path / "out").iterdir()) == []


def test_the_same_export_again_is_there_already_and_a_damaged_one_is_found(given, tmp_path):
    found, _ = given
    done = export(found, "braze", tmp_path / "out")
    assert export(found, "braze", tmp_path / "out", actions=("news",)).folder != done.folder
    with pytest.raises(AlreadyPublished):
        export(found, "braze", tmp_path / "out")
    (done.folder / "braze-00001.csv").write_text("")
    with pytest.raises(IntegrityError, match=r"braze-00001\.csv has changed"):
        export(found, "braze", tmp_path / "out")


def test_options_of_another_tool_are_refused(given, tmp_path):
    found, contacts = given
    with pytest.raises(ConfigError, match=r"braze has no --by, --variables"):
        export(found, "braze", tmp_path, by="phone", variables=("x",))
    with pytest.raises(ConfigError, match="klaviyo has no --by chat"):
        export(found, "klaviyo", tmp_path, contacts, by="chat")
    with pytest.raises(ConfigError, match=r"sms needs --contacts FILE with customer_id and phone"):
        export(found, "sms", tmp_path)
    with pytest.raises(ConfigError, match="--default-country XX is no country"):
        export(found, "sms", tmp_path, contacts, default_country="XX")
    with pytest.raises(ConfigError, match="--variable"):
        export(found, "sms", tmp_path, contacts, variables=("slot",))
    with pytest.raises(ConfigError, match="there is no exporter 'fax'; there are braze,"):
        export(found, "fax", tmp_path)


def test_the_cloud_payload_is_an_object_with_a_list_of_items(given, tmp_path):
    found, _ = given
    import pyarrow.parquet as pq

    folder = export(found, "braze-cloud", tmp_path).folder
    rows = {one["EXTERNAL_ID"]: one for one in pq.read_table(folder / "braze-cloud.parquet").to_pylist()}
    assert rows["c01"]["UPDATED_AT"] == world.AS_OF
    payload = json.loads(rows["c01"]["PAYLOAD"])
    assert payload["nba_items"] == ["i1", 'i"2']
    assert json.loads(rows["c02"]["PAYLOAD"])["nba_send_at"] is None
    assert "-c08" in rows  # no spreadsheet opens the table, so ids stay as they are
