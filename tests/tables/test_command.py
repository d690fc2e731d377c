"""``python -m crm_ml.tables``: exit codes, the one message, and the files that it writes."""

import json
import os
import subprocess
import sys

import duckdb
import pytest
from shop import Shop, any_shop, only_csv_shop, own_data_folder  # noqa: F401  (fixtures)

from crm_ml.tables.__main__ import main


def test_right_tables_exit_with_0_and_a_report(csv_shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    csv_shop.append("order_lines", 5)
    csv_shop.write()
    out = csv_shop.folder / "run"
    files = [f"--{name}={csv_shop.folder / name}.json" for name in ("json", "profile")]
    assert main([str(csv_shop.config), f"--out={out}", *files]) == 0
    shown = capsys.readouterr().out
    assert "order_lines" in shown
    assert "duplicate " in shown
    rows = duckdb.connect().execute(f"SELECT * FROM '{out}/quarantine/order_lines.parquet'").fetchall()
    assert [row[:2] for row in rows] == [(201, "duplicate")]
    assert json.loads(rows[0][2])["paid"] == "6.25"
    assert sorted(path.name for path in (out / "quarantine").iterdir()) == ["order_lines.parquet"]
    report = json.loads((csv_shop.folder / "json.json").read_text())
    assert report["order_lines"]["quarantined"] == {"duplicate": 1}
    assert json.loads((csv_shop.folder / "profile.json").read_text())["order_lines"]["quantity"] == 2


def test_breaches_exit_with_2_and_one_message(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    del shop["customers"]["customer_id"]
    shop["customers"]["x"] = ["1"]
    del shop["order_lines"]["item_id"]
    shop.write()
    assert main([str(shop.config), f"--out={shop.folder / 'run'}"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.splitlines()[-2:] == [
        "customers: customer_id is missing; name its column under columns",
        "order_lines: item_id is missing; name its column under columns; without items: "
        "item_id: {constant: any}",
    ]
    assert not (shop.folder / "run").exists()


def test_wrong_config_exits_with_2(csv_shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(csv_shop.folder / "absent.yaml")]) == 2
    assert "absent.yaml: can't be read" in capsys.readouterr().err


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys; from crm_ml.tables.__main__ import _parser; _parser().format_help(); "
        "print([m for m in ('duckdb', 'pandas', 'pydantic', 'pyarrow', 'rich') if m in sys.modules])"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ
    )
    assert found.stdout.strip() == "[]"
