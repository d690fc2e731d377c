"""``python -m crm_ml.identity``: days of customers, whose ids stay, and how it ends."""

import json

import pandas as pd
import pytest

from crm_ml.identity.__main__ import main
from crm_ml.identity.published_customers import read_published

CONFIG = """
profiles: profiles.csv
out: customers
hub_cap: 3
identifiers:
  phone: {kind: phone, country_code: "86", national_digits: 11}
rules:
  - {same: phone, cap: 4, agree: birth_date}
  - {same: name + birth_date}
walls: [{column: region}]
"""


@pytest.fixture
def project(tmp_path, monkeypatch):
    (tmp_path / "configs" / "identity").mkdir(parents=True)
    (tmp_path / "configs" / "identity" / "shop.yaml").write_text(CONFIG)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(project, *phones):
    pd.DataFrame(
        {
            "profile_id": [f"p{row}" for row in range(len(phones))],
            "phone": phones,
            "name": None,
            "birth_date": None,
            "region": "CN",
        }
    ).to_csv(project / "profiles.csv", index=False)


def run(*more):
    return main(["configs/identity/shop.yaml", *more])


def test_days_follow_each_other_and_ids_stay(project, capsys):
    write(project, "13800138000", "+8613800138000", "13900139000", *["10000000000"] * 5)
    assert run("--as-of", "2024-05-01") == 0
    told = capsys.readouterr().out.splitlines()
    assert told == [
        f"{project}/customers/2024-05-01: 8 profiles are 7 customers",
        "1 values join nobody, or not all (cap 3); of most profiles:",
        "  phone +86...00: 5 profiles, shared by more than 4 profiles",
    ]
    first = read_published(project / "customers")
    write(project, "13800138000", "+8613800138000", "13800138000", *["10000000000"] * 5)
    assert run("--as-of", "2024-05-02") == 0
    assert "merged: 1" in capsys.readouterr().out
    second = read_published(project / "customers")
    kept, lost = (first.table["customer_id"][row].as_py() for row in (0, 2))
    assert second.table["customer_id"][0].as_py() == kept
    assert second.changes.to_pylist() == [
        {
            "as_of": "2024-05-02",
            "change": "merged",
            "customer_id": lost,
            "into_customer_id": kept,
            "profiles": 1,
        }
    ]
    assert second.retired == {lost}
    assert run("--as-of", "2024-05-03") == 0
    third = read_published(project / "customers" / "2024-05-03")
    assert third.table.equals(second.table)
    assert third.changes.equals(second.changes)  # history goes on; nothing was added
    manifest = json.loads((third.folder / "manifest.json").read_text())
    assert (manifest["profiles"], manifest["customers"], manifest["changes"]) == (8, 6, {})


def test_the_same_inputs_give_the_same_bytes(project):
    write(project, "13800138000", "+8613800138000", *["10000000000"] * 5)
    for out in ("one", "two"):
        assert run("--as-of", "2024-05-01", "--out", out) == 0
    for file in (project / "one" / "2024-05-01").iterdir():
        assert file.read_bytes() == (project / "two" / "2024-05-01" / file.name).read_bytes()
        assert file.stat().st_mode & 0o077 == 0


def test_previous_names_the_day_whose_ids_stay(project, capsys):
    write(project, "13800138000")
    assert run("--as-of", "2024-05-01") == 0
    assert run("--as-of", "2024-04-30") == 2
    assert "not before 2024-04-30" in capsys.readouterr().err
    assert run("--as-of", "2024-05-09", "--previous", "customers/2024-05-01", "--out", "other") == 0
    assert read_published(project / "other").table.equals(read_published(project / "customers").table)


def test_explain_says_why(project, capsys):
    write(project, "13800138000", "+8613800138000")
    assert run("--explain", "p0", "p1") == 0
    assert capsys.readouterr().out == "one customer\np0 - p1: phone +86...00\n"
    assert not (project / "customers").exists()


def test_exit_codes(project, capsys):
    write(project, "13800138000")
    assert run() == 2
    assert "give --as-of" in capsys.readouterr().err
    assert run("--as-of", "2024-05-01") == 0
    assert run("--as-of", "2024-05-01") == 3
    (project / "customers" / "2024-05-01" / "customers.parquet").write_bytes(b"changed")
    assert run("--as-of", "2024-05-02") == 4
    assert run("--as-of", "2024-05-02", "--previous", "nowhere") == 2
    assert "there are no customers" in capsys.readouterr().err
    (project / "profiles.csv").unlink()
    assert run("--as-of", "2024-05-02", "--out", "other") == 2


def test_a_wrong_config_says_all(project, capsys):
    (project / "configs" / "identity" / "shop.yaml").write_text("profiles: a.csv\nhub_cap: 1\nrulez: []\n")
    assert run("--as-of", "2024-05-01") == 2
    told = capsys.readouterr().err
    assert "3 mistakes" in told
    assert all(word in told for word in ("rules: Field required", "hub_cap:", "rulez:"))


def test_a_wrong_block_is_told_before_any_profile_is_read(project, capsys):
    more = "scorer:\n  comparisons: [{column: name}]\n  blocks: ['name[x]']\n"
    (project / "configs" / "identity" / "shop.yaml").write_text(CONFIG + more)
    assert run("--as-of", "2024-05-01") == 2
    assert "scorer.blocks: block 'name[x]'" in capsys.readouterr().err
