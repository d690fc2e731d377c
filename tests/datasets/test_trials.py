"""Hillstrom's and Starbucks' files as tables: every row read, arms and outcomes as in the file."""

from pathlib import Path

import pandas as pd
import pytest
import small_data

from crm_ml import datasets
from crm_ml.errors import InputError

SHARED = Path(__file__).parents[3] / "shared" / "data"
HILLSTROM, STARBUCKS = SHARED / "hillstrom" / "hillstrom.csv", SHARED / "starbucks_promo" / "train.csv"


@pytest.fixture(autouse=True)
def _own_data_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("CRM_ML_DATA", str(tmp_path / "data"))


def counts(tables):
    arms = tables.pandas("assignments").groupby("arm")
    kinds = tables.pandas("responses")["kind"].value_counts()
    return arms.size().to_dict(), kinds.to_dict()


@pytest.mark.skipif(not HILLSTROM.is_file(), reason="Hillstrom's file is not beside the project")
def test_hillstrom_is_read_whole():
    tables, file = datasets.load("hillstrom", HILLSTROM), pd.read_csv(HILLSTROM)
    arms, kinds = counts(tables)
    assert arms == {"control": 21_306, "mens": 21_307, "womens": 21_387}
    assert kinds == {"visit": 9_394, "conversion": 578}
    assert tables.pandas("order_lines")["paid_cents"].sum() == round(file["spend"].sum() * 100)
    assert not any(each.quarantined for each in tables.report.tables.values())


@pytest.mark.skipif(not STARBUCKS.is_file(), reason="Starbucks' file is not beside the project")
def test_starbucks_is_read_whole():
    tables, file = datasets.load("starbucks", STARBUCKS), pd.read_csv(STARBUCKS)
    arms, kinds = counts(tables)
    assert arms == {"control": 42_170, "promotion": 42_364}
    assert kinds == {"purchase": file["purchase"].sum()} == {"purchase": 1_040}
    assert not any(each.quarantined for each in tables.report.tables.values())


@pytest.mark.parametrize(
    ("name", "write", "arm", "control"),
    [
        ("hillstrom", small_data.few_of_hillstrom, "segment", "No E-Mail"),
        ("starbucks", small_data.few_of_starbucks, "Promotion", "No"),
    ],
)
def test_a_row_of_the_file_is_a_customer_drawn_on_the_day(name, write, arm, control, tmp_path):
    path = write(tmp_path / "file")
    file, tables = pd.read_csv(path), datasets.load(name, path)
    arms, _ = counts(tables)
    assert sum(arms.values()) == len(file) == len(tables.pandas("customers"))
    assert arms["control"] == (file[arm] == control).sum()
    touched = set(tables.pandas("touches")["customer_id"])
    drawn = tables.pandas("assignments").set_index("customer_id")["arm"]
    assert touched == set(drawn.index[drawn != "control"])
    people = tables.pandas("customers")
    assert {"V1", "V7"} <= set(people) if name == "starbucks" else {"history", "zip_code"} <= set(people)


@pytest.mark.parametrize("name", ["hillstrom", "starbucks"])
def test_a_file_that_is_absent_or_damaged_is_refused(name, tmp_path):
    with pytest.raises(InputError, match=f"{name} is not installed with the package; give the path"):
        datasets.load(name)
    path = tmp_path / "other.csv"
    path.write_text("a,b\n1,2\n")
    with pytest.raises(InputError):
        datasets.load(name, path)
