"""Validators: a sound file has no breach, a planted one is found, and all of them at once."""

import datetime as dt

import export_world as world
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from crm_ml.delivery.exporters import braze, google, klaviyo, meta, salesforce, sms, wecom

HASH = "a" * 64
DECISION = "nba_action,nba_channel,nba_items,nba_send_at,nba_expires_at,nba_list"
GOOGLE = "Email,Phone,First Name,Last Name,Country,Zip"
META = "email,phone,madid,fn,ln,ct,st,country,zip"
BREACHES = [
    (braze, "b.csv", "external_id,x\na,1\n,2\n,3\n", "external_id is empty in 2 of 3 rows (first: row 2)"),
    (braze, "b.csv", "external_id,x\na,1\na,2\n", "external_id: 1 values stand more than once"),
    (braze, "b.csv", "external_id,user_alias_name,user_alias_label\na,b,c\n", "line 1 has neither"),
    (braze, "b.csv", "user_alias_name,x\na,b\n", "line 1 has neither"),
    (braze, "b.csv", "user_alias_name,user_alias_label\na,\n", "user_alias_label is empty in 1 of 1"),
    (braze, "b.csv", "external_id,email_subscribe\na,maybe\n", "email_subscribe is no state"),
    (braze, "b.csv", "external_id,x\na,=1+1\n", "a cell starts like a formula in 1 of 1 rows"),
    (braze, "b.csv", "external_id,x\na,@sum\nb,-5\n", "a cell starts like a formula in 1 of 2 rows"),
    (braze, "b.csv", "external_id,x\na\nb,1\nc,2,3\n", "2 lines can't be read (first: line 2)"),
    (braze, "b.csv", "external_id,x,x\na,1,2\n", "line 1 has neither"),
    (braze, "b.csv", "\ufeffexternal_id,x\na,1\n", "is UTF-8 with a byte order mark"),
    (braze, "b.csv", "", "is empty (0 bytes)"),
    (klaviyo, "k.csv", "Name,Email Address\na,b@c.de\n", "the first column is neither"),
    (klaviyo, "k.csv", "Email Address\nnobody\n", "Email Address is none in 1 of 1"),
    (klaviyo, "k.csv", "Email Address\na@b.cd\na@b.cd\n", "Email Address: 1 values stand more than once"),
    (klaviyo, "k.csv", "Phone Number\n0151234567\n", "Phone Number is none in 1 of 1"),
    (klaviyo, "k.csv", "Email Address,Email Consent Timestamp\na@b.cd,1.2.24\n", "Timestamp is not ISO 8601"),
    (salesforce, "s.csv", "EmailAddress,SubscriberKey\na@b.cd,a\n", "line 1 is not SubscriberKey,Email"),
    (salesforce, "s.csv", f"SubscriberKey,EmailAddress,{DECISION}\n,a,,,,,,\n", "SubscriberKey is empty"),
    (salesforce, "s.csv", f"SubscriberKey,EmailAddress,{DECISION}\nk,a,,,,,,\n", "EmailAddress is none"),
    (google, "g.csv", f"{GOOGLE}\na@b.cd,,,,,\n", "Email is no SHA-256 in 1 of 1"),
    (google, "g.csv", f"{GOOGLE}\n,{HASH.upper()},,,,\n", "Phone is no SHA-256"),
    (google, "g.csv", f"{GOOGLE}\n{HASH},,Jane,{HASH[:63]},,\n", "Last Name is no SHA-256"),
    (google, "g.csv", f"{GOOGLE}\n{HASH},,,,ch,\n", "Country is no code"),
    (google, "g.csv", f"{GOOGLE}\n{HASH},,,,,{HASH}\n", "Zip is none"),
    (google, "g.csv", f"{GOOGLE}\n,,{HASH},,CH,1\n", "there is neither an address nor"),
    (google, "g.csv", f"{GOOGLE}\n{HASH},,,,,\n{HASH},,,,,\n", "values stand more than once"),
    (google, "g.csv", f"{GOOGLE.lower()}\n{HASH},,,,,\n", "line 1 is not Email,Phone"),
    (meta, "Churners.csv", f"{META}\n{HASH},,,,,,,,\n", "the name is not neutral"),
    (meta, "audience-00001.csv", f"{META}\na@b.cd,,,,,,,,\n", "email is no SHA-256"),
    (meta, "audience-00001.csv", f"{META}\n{HASH},,,,,,,CH,\n", "country is no SHA-256"),
    (meta, "audience-00001.csv", f"{META}\n,,AAAA,,,,,,\n", "madid is none"),
    (meta, "audience-00001.csv", f"{META}\n,,,{HASH},,{HASH},,,\n", "there is no address"),
    (meta, "audience-00001.csv", f"{META.title()}\n", "line 1 is not email,phone"),
    (wecom, "w.csv", "sender,external_userid\na,x\nb,y\n", "a shard has one sender, this has 2"),
    (wecom, "w.csv", "sender,external_userid\na,x\na,x\n", "external_userid: 1 values stand more than once"),
    (wecom, "w.csv", "sender,chat_id\n,x\n", "sender is empty in 1 of 1"),
    (
        wecom,
        "w.csv",
        "sender,chat_id\n" + "".join(f"a,{i}\n" for i in range(2_001)),
        "has 2,001 rows; at most",
    ),
    (sms, "s.txt", "+4915123456789\n0151\n", "the number is not E.164 in 1 of 2 rows (first: row 2)"),
    (sms, "s.txt", "+4915123456789\n+4915123456789\n", "number: 1 values stand more than once"),
    (sms, "s.txt", "+4915123456789,Jane\n+4915123456780,\n", "variable 1 is empty in 1 of 2"),
    (sms, "s.txt", "+4915123456789,Jane\n+4915123456780\n", "1 lines can't be read (first: line 2)"),
]


@pytest.mark.parametrize(
    ("tool", "name", "text", "breach"),
    BREACHES,
    ids=[f"{one[0].__name__[23:]}-{i}" for i, one in enumerate(BREACHES)],
)
def test_a_planted_breach_is_found(tmp_path, tool, name, text, breach):
    (tmp_path / name).write_text(text, "utf-8", newline="")
    for path in (tmp_path / name, tmp_path):
        assert any(breach in one for one in tool.validate(path)), tool.validate(path)


@pytest.mark.parametrize("tool", [braze, klaviyo, salesforce, google, meta, wecom, sms])
def test_utf_16_and_an_empty_folder_are_breaches(tmp_path, tool):
    assert any("no file" in one or "line 1" in one for one in tool.validate(tmp_path))
    suffix = "txt" if tool is sms else "csv"
    (tmp_path / f"audience-00001.{suffix}").write_text("Email,Phone\n+4915123456789\n", "utf-16")
    assert any("UTF-16" in one for one in tool.validate(tmp_path))


def test_all_breaches_are_told_and_no_cell_is_repeated(tmp_path):
    lines = [GOOGLE, "jane@example.com,+41,Jane,Doe,ch,'", f"{HASH},,,,,", f"{HASH},,,,,", "x", "=1,,,,,"]
    (tmp_path / "g.csv").write_text("\n".join(lines) + "\n", "utf-8")
    found = google.validate(tmp_path)
    assert len(found) == 9
    assert "g.csv: Email is no SHA-256 in 2 of 4 rows (first: row 1)" in found
    assert "g.csv: 1 lines can't be read (first: line 5)" in found
    assert not any(secret in one for secret in ("jane", "Jane", "Doe", "=1") for one in found)


def test_limits_are_those_of_the_tools(tmp_path, monkeypatch):
    assert (braze.MAX_BYTES, klaviyo.MAX_BYTES, meta.MAX_ROWS) == (500_000_000, 50_000_000, 10_000)
    assert wecom.MAX_ROWS == {"external_userid": 10_000, "chat_id": 2_000}
    monkeypatch.setattr(braze, "MAX_BYTES", 40)
    (tmp_path / "b.csv").write_text("external_id,x\n" + "a" * 26 + ",1\n")
    assert braze.validate(tmp_path) == ["b.csv: has 43 bytes; at most 40 are loaded"]


def table(path, columns):
    pq.write_table(pa.table(columns), path)
    return braze.validate(path)


def test_breaches_of_the_table_of_the_cloud_ingestion(tmp_path):
    now = pa.array([world.AS_OF] * 3, pa.timestamp("us", tz="UTC"))
    sound = {"UPDATED_AT": now, "EXTERNAL_ID": ["a", "b", "c"], "PAYLOAD": ['{"x": 1}'] * 3}
    path = tmp_path / "braze-cloud.parquet"
    assert table(path, sound) == []
    naive = pa.array([dt.datetime(2024, 6, 1)] * 3, pa.timestamp("us"))
    assert "UPDATED_AT is not" in table(path, sound | {"UPDATED_AT": naive})[0]
    assert "one kind of id" in table(path, sound | {"EMAIL": ["a@b.cd"] * 3})[0]
    assert "one kind of id" in table(path, {k: v for k, v in sound.items() if k != "EXTERNAL_ID"})[0]
    wrong = sound | {"EXTERNAL_ID": ["a", "a", ""], "PAYLOAD": ["[1]", "{", None]}
    assert table(path, wrong) == [
        "braze-cloud.parquet: the id is empty in 1 of 3 rows",
        "braze-cloud.parquet: PAYLOAD is no JSON object in 3 of 3 rows",
        "braze-cloud.parquet: an id stands more than once: 1 rows too many",
    ]
    path.write_bytes(path.read_bytes()[:50])
    assert braze.validate(path) == ["braze-cloud.parquet: can't be read as Parquet"]
