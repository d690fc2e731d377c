"""The cache of cleaned tables: same inputs, same folder and bytes; any change, another one."""

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from shop import Shop, any_shop, bytes_of, only_csv_shop, own_data_folder  # noqa: F401  (fixtures)

from crm_ml.errors import ConfigError, InputError
from crm_ml.storage.workspace import new_workspace
from crm_ml.tables import table_cache
from crm_ml.tables.config_file import load_config
from crm_ml.tables.engine import connect_for_frames


def folders(shop: Shop) -> list[str]:
    return sorted(path.name for path in (shop.folder / "data" / "tables").iterdir())


def test_second_load_skips_cleaning(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.append("order_lines", 5)
    first = shop.load()
    monkeypatch.setattr(table_cache, "clean", lambda *_: pytest.fail("cleaned again"))
    second = load_config(shop.config)
    assert second.fingerprint == first.fingerprint
    assert second.report.to_dict() == first.report.to_dict()
    assert second.report.quarantine_files() == first.report.quarantine_files()
    assert second.pandas("orders").shape == (100, 9)
    assert folders(shop) == [f"shop-{first.fingerprint[:16]}"]


def test_any_change_of_input_or_mapping_is_another_folder(shop: Shop) -> None:
    prints = {shop.load().fingerprint}
    shop["order_lines"]["paid"][3] += 1
    prints.add(shop.load().fingerprint)
    shop.mapping["timezone"] = "Asia/Shanghai"
    prints.add(shop.load().fingerprint)
    shop.mapping["tables"]["order_lines"]["columns"]["discount_cents"] = {"constant": 0}
    prints.add(shop.load().fingerprint)
    assert len(prints) == 4
    assert len(folders(shop)) == 4


def test_a_damaged_cache_is_cleaned_again(shop: Shop) -> None:
    tables = shop.load()
    clean = bytes_of(tables)
    path = tables.report.folder / "order_lines.parquet"
    path.write_bytes(clean["order_lines"][:-100] + b"x" * 100)
    assert bytes_of(load_config(shop.config)) == clean
    (tables.report.folder / "report.json").unlink()
    assert bytes_of(load_config(shop.config)) == clean
    assert folders(shop) == [tables.report.folder.name]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda _: [],
        lambda content: {"tables": content["tables"]},
        lambda content: content | {"files": None},
        lambda content: content | {"files": {}},
        lambda content: {"files": content["files"]},
        lambda content: content | {"tables": {"customers": {"rows": 1}}},
    ],
)
def test_a_damaged_report_is_made_again(shop: Shop, spoil: Callable[[Any], Any]) -> None:
    tables = shop.load()
    path = tables.report.folder / "report.json"
    right = path.read_bytes()
    path.write_text(json.dumps(spoil(json.loads(right))))
    assert bytes_of(load_config(shop.config)) == bytes_of(tables)
    assert path.read_bytes() == right
    assert folders(shop) == [tables.report.folder.name]


def test_what_a_killed_process_left_is_removed_and_a_live_one_is_left_alone(shop: Shop) -> None:
    parent = shop.folder / "data" / "tables"
    parent.mkdir(parents=True)
    (parent / ".shop-dead.0.tmp" / "tables").mkdir(parents=True)
    with new_workspace(parent / "other") as live:
        tables = shop.load()
        assert folders(shop) == sorted([live.name, tables.report.folder.name])
    assert folders(shop) == [tables.report.folder.name]


@pytest.mark.parametrize("threads", ["two", "0", "-1", "1.5"])
def test_threads_that_are_no_number_are_named(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, threads: str
) -> None:
    monkeypatch.setenv("CRM_ML_THREADS", threads)
    with pytest.raises(ConfigError, match=f"CRM_ML_THREADS is '{threads}'; set it to a whole number above 0"):
        shop.load()


def test_nothing_is_left_when_tables_are_refused(shop: Shop) -> None:
    shop["order_lines"]["ordered_at"] = ["soon"] * 200
    with pytest.raises(InputError):
        shop.load()
    assert folders(shop) == []


def test_threads_that_load_at_once_agree(csv_shop: Shop) -> None:
    csv_shop.write()
    found: list[dict[str, bytes]] = []
    threads = [
        threading.Thread(target=lambda: found.append(bytes_of(load_config(csv_shop.config))))
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 3
    assert all(one == found[0] for one in found)
    assert len(folders(csv_shop)) == 1


def test_bytes_do_not_depend_on_threads(shop: Shop, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    first = bytes_of(shop.load())
    monkeypatch.setenv("CRM_ML_THREADS", "1")
    monkeypatch.setenv("CRM_ML_DATA", str(tmp_path / "other"))
    assert bytes_of(shop.load()) == first


def test_connections_for_frames_work_in_utc_and_see_nothing_of_each_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CRM_ML_THREADS", "3")  # an engine of its own, which no other test has opened
    one, other = connect_for_frames(), connect_for_frames()
    one.execute("SET TimeZone = 'Asia/Tokyo'")
    one.execute("CREATE TEMP TABLE numbers AS SELECT 1")
    for connection in (other, connect_for_frames()):
        settings = "SELECT current_setting('TimeZone'), current_setting('threads')"
        assert connection.execute(settings).fetchone() == ("UTC", 3)
        assert connection.execute("SELECT count(*) FROM duckdb_tables()").fetchone() == (0,)
