"""What the report of cleaning shows in notebooks and terminals: counts, money, shapes of cells, no cell."""

import io
import json
import re
from pathlib import Path

import pandas as pd
import pytest

from crm_ml.tables import from_frame
from crm_ml.tables.cleaning_report import CleaningReport, TableReport

ROLES = {"customer": "who", "time": "when", "amount": "paid", "order": "number"}
HOSTILE = "<script>alert(1)</script> [bold]"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("data")


@pytest.fixture(autouse=True)
def own_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRM_ML_DATA", str(folder))


@pytest.fixture(name="report", scope="module")
def report_of_a_frame(folder: Path) -> CleaningReport:
    rows = 40
    df = pd.DataFrame(
        {
            "who": [f"jane{n % 10}@example.com" for n in range(rows)],
            "when": pd.date_range("2024-01-01 10:00", periods=rows, freq="D"),
            "paid": 10.25,
            "number": range(rows),
        }
    )
    df.loc[3:5, "when"] = pd.Timestamp("1970-01-01")
    df.loc[[10, 20], "paid"] = -12.5
    df.loc[7, "who"] = " "
    df.loc[8, "who"] = "4.00638E+12"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CRM_ML_DATA", str(folder))
        with pytest.warns(UserWarning, match="sentinel_ordered_at 3;"):
            return from_frame(df, **ROLES, timezone="Asia/Tokyo").report


def terminal(report: CleaningReport) -> str:
    from rich.console import Console

    file = io.StringIO()
    Console(file=file, width=160).print(report.rich())
    return file.getvalue()


def cells(report: CleaningReport) -> dict[str, list[str]]:
    rows = re.findall(r"<tr[^>]*>(.*?)</tr>", report._repr_html_())
    split = [re.findall(r"<t[dh]>(.*?)</t[dh]>", row) for row in rows]
    return {first: others for first, *others in split}


def test_a_line_for_each_reason_has_rows_money_customers_and_shapes(report):
    shown = cells(report)
    assert shown["table"] == ["read", "accepted", "set aside", "money, USD", "customers lost", "for example"]
    assert shown["order_lines"][:3] == ["40", "33", "7 (17.5%)"]
    assert shown["sentinel_ordered_at"][2:] == ["3 (7.5%)", "30.75 (7.4%)", "", "9999-99-99 99:99:99"]
    assert shown["unlinked_refund"][2:] == ["2 (5.0%)", "-25.00 (6.0%)", "", "-99.9"]
    assert shown["scientific_customer_id"][2:] == ["1 (2.5%)", "10.25 (2.5%)", "1", "9.99999A+99"]
    assert report.to_dict()["order_lines"]["examples"]["sentinel_ordered_at"] == ["9999-99-99 99:99:99"]


def test_the_terminal_shows_the_same(report):
    text = terminal(report)
    for row in cells(report).values():
        assert all(cell in text for cell in row)
    assert "Tables, days of Asia/Tokyo" in text


def test_no_cell_is_shown(report):
    for text in (terminal(report), report._repr_html_(), json.dumps(report.to_dict())):
        assert "jane" not in text
        assert "00638" not in text


def test_names_and_warnings_are_escaped():
    table = TableReport(read=2, accepted=1, quarantined={"null_a": 1}, warnings=[HOSTILE])
    table.examples["null_a"] = [HOSTILE]
    report = CleaningReport({"order_lines": table})
    assert "<script>" not in report._repr_html_()
    assert HOSTILE in terminal(report)


def test_a_report_that_was_stored_shows_the_same(report):
    stored = CleaningReport.from_dict(report.to_dict(), report.folder, report.zone, report.currency)
    stored.notes = report.notes
    assert stored._repr_html_() == report._repr_html_()
    assert json.loads((report.folder / "report.json").read_text())["currency"] == "USD"


def test_rows_outside_of_the_data_folder_are_told(report, monkeypatch, tmp_path):
    assert "the cleaned rows lie in" not in report._repr_html_()
    monkeypatch.setenv("CRM_ML_DATA", str(tmp_path / "other"))
    assert f"the cleaned rows lie in {report.folder}" in report._repr_html_()


def test_as_text_it_is_the_table_of_the_terminal(report):
    text = str(report)
    for line in ("sentinel_ordered_at", "3 (7.5%)", "30.75 (7.4%)", "9999-99-99 99:99:99"):
        assert line in text
    assert text.startswith("Tables, days of Asia/Tokyo")
    assert max(map(len, text.splitlines())) <= 100
    assert "jane" not in text
    assert "\x1b" not in text
