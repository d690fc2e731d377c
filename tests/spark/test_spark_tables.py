"""Tables of Spark are cleaned as those of files are, and refused with everything wrong at once."""

import re
from datetime import timedelta

import pytest
import yaml
from shop import FIRST_DAY, Shop, bytes_of

from crm_ml.errors import ClusterFailed, ConfigError, InputError
from crm_ml.parts.dealing import deal
from crm_ml.parts.spark_tables import spark_tables
from crm_ml.tables.config_file import load_config

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("spark")]
PARTS = 4


@pytest.fixture
def shop(tmp_path, monkeypatch):
    monkeypatch.setenv("CRM_ML_DATA", str(tmp_path / "data"))
    return Shop(tmp_path, "parquet").with_campaigns()


def mapping_of_spark(shop, **names):
    """Write a second mapping, whose tables are read by Spark from the same files or by the names given."""
    content = yaml.safe_load(shop.config.read_text())
    for name, table in content["tables"].items():
        table.pop("path")
        table["spark_table"] = names.get(name, f"parquet.`{shop.path(name)}`")
    path = shop.config.with_name("on_spark.yaml")
    path.write_text(yaml.safe_dump(content | {"name": "on_spark"}))
    return path


def test_accepted_rows_are_those_of_files_to_the_byte_and_lie_dealt(shop, standalone, tmp_path):
    day = FIRST_DAY + timedelta(days=90)
    shop.append("order_lines", 3, refund_of="o001", order_id="r1", ordered_at=day, paid=-1.0)
    shop.append("order_lines", 5, customer_id=None, line_id="7")
    shop.append("order_lines", 9)
    of_files = shop.load()
    standalone.session.sql("CREATE DATABASE IF NOT EXISTS shop")
    place = f"CREATE TABLE shop.lines USING parquet LOCATION '{shop.path('order_lines')}'"
    standalone.session.sql(place)
    mapping = mapping_of_spark(shop, order_lines="shop.lines")
    of_spark, count = spark_tables(mapping, standalone, PARTS, tmp_path / "work")
    assert count == PARTS
    assert bytes_of(of_spark) == bytes_of(of_files)
    assert of_spark.report.to_dict()["order_lines"]["quarantined"] == {"duplicate": 1, "null_customer_id": 1}
    assert {**of_spark.report.to_dict()["order_lines"], "examples": 0} == {
        **of_files.report.to_dict()["order_lines"],
        "examples": 0,
    }
    dealt = deal(of_spark, PARTS, tmp_path / "work").folder
    assert [path.name for path in (tmp_path / "work").rglob("tables-*")] == [dealt.name]
    again, _ = spark_tables(mapping, standalone, PARTS, tmp_path / "work")
    assert again.fingerprint == of_spark.fingerprint
    assert [path.name for path in (tmp_path / "work").iterdir()] == [f"of-{PARTS}"]


def test_tables_are_refused_with_all_that_is_wrong_as_those_of_files_are(shop, standalone, tmp_path):
    lines = shop["order_lines"]
    lines["customer_id"][:60] = ["nobody"] * 60
    shop["customers"]["customer_id"] = [float(n) for n in range(10, 50)]
    shop["items"]["item_id"] = [float(n) for n in range(10, 30)]
    lines["paid"] = [f"{100 + n},25" for n in range(200)]
    with pytest.raises(InputError) as of_files:
        shop.load()
    with pytest.raises(InputError) as of_spark:
        spark_tables(mapping_of_spark(shop), standalone, PARTS, tmp_path / "work")
    first_row = r"\(first: row [\d,]+\)"  # rows of Spark have no order
    assert re.sub(first_row, "", str(of_spark.value)) == re.sub(first_row, "", str(of_files.value))
    assert len(str(of_spark.value).splitlines()) > 1


def test_a_table_that_is_not_there_and_one_without_spark_are_refused(shop, standalone, tmp_path):
    shop.write()
    mapping = mapping_of_spark(shop, items="shop.nothing")
    with pytest.raises(ClusterFailed, match=r"Spark gave up: .*TABLE_OR_VIEW_NOT_FOUND.*nothing"):
        spark_tables(mapping, standalone, PARTS, tmp_path / "work")
    with pytest.raises(ConfigError, match=r"tables.items: is a table of Spark; only a list reads it"):
        load_config(mapping)
