"""Tables of one frame: the same rows from every engine, one error for all faults, models that run on them."""

from datetime import timedelta
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from shop import own_data_folder  # noqa: F401  (fixture)

from crm_ml import churn, clv, features
from crm_ml.errors import ConfigError, InputError
from crm_ml.recommend import Popularity
from crm_ml.recommend.recommendation_task import task_of
from crm_ml.snapshots import Snapshot
from crm_ml.tables import from_frame
from crm_ml.tables.engine import connect

pytestmark = pytest.mark.usefixtures("own_data_folder")
ROLES = {"customer": "who", "time": "when", "amount": "paid", "order": "number", "item": "what"}


def frame(customers: int = 200, rows: int = 1_200) -> pd.DataFrame:
    rng = np.random.default_rng(7)
    seconds = rng.integers(0, 500 * 86_400, rows)
    return pd.DataFrame(
        {
            "who": rng.integers(0, customers, rows),
            "number": np.arange(rows),
            "what": np.char.add("i", rng.integers(0, 12, rows).astype(str)),
            "when": pd.Timestamp("2023-01-01") + pd.to_timedelta(seconds, unit="s"),
            "paid": rng.integers(100, 9_000, rows) / 100,
            "unused": "x",
        }
    )


DF = frame()
SLOW = pytest.mark.slow


def native(df: pd.DataFrame, engine: str):
    if engine == "polars":
        import polars as pl

        return pl.from_pandas(df)
    if engine == "pyarrow":
        import pyarrow as pa

        return pa.Table.from_pandas(df, preserve_index=False)
    if engine == "duckdb":
        return connect().from_df(df)
    return df


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CRM_ML_DATA", str(tmp_path_factory.mktemp("data")))
        return from_frame(DF, **ROLES)


@pytest.mark.parametrize(
    "engine", ["polars", *(pytest.param(name, marks=SLOW) for name in ("pandas", "pyarrow", "duckdb"))]
)
def test_engines_and_the_order_of_rows_do_not_matter(engine, tables):
    shuffled = DF.sample(frac=1, random_state=1).drop(columns="unused")
    again = from_frame(native(shuffled, engine), **ROLES)
    assert again.fingerprint == tables.fingerprint
    pd.testing.assert_frame_equal(again.pandas("order_lines"), tables.pandas("order_lines"))


def test_values_are_those_of_the_frame(tables):
    lines = tables.pandas("order_lines").set_index("order_id")
    mine = DF.set_index(DF["number"].astype(str)).loc[lines.index]
    assert (lines["paid_cents"] == (mine["paid"] * 100).round()).all()
    assert (lines["ordered_at"] == mine["when"]).all()
    assert (lines["customer_id"] == mine["who"].astype(str)).all()
    assert set(lines["currency"].dropna()) <= {"USD"}
    assert tables.report.tables["order_lines"].accepted == len(DF)


@pytest.mark.parametrize(
    "paid",
    [
        [12.5, 12.300000001],
        pytest.param([np.float32(12.5), np.float32(12.3)], marks=SLOW),
        pytest.param([Decimal("12.50"), Decimal("12.3")], marks=SLOW),
    ],
)
def test_major_units_of_any_number_are_exact(paid):
    df = DF.head(2).assign(paid=pd.Series(paid))
    assert sorted(from_frame(df, **ROLES).pandas("order_lines")["paid_cents"]) == [1230, 1250]


def test_ids_that_gaps_made_floats_are_whole_numbers_and_zones_are_kept():
    df = DF.head(6).assign(who=[1.0, 2, 3, 4, 5, None], when=DF["when"].dt.tz_localize("Asia/Tokyo"))
    tables = from_frame(df, **ROLES, timezone="Asia/Tokyo")
    lines = tables.pandas("order_lines")
    assert sorted(lines["customer_id"]) == list("12345")
    first = lines.set_index("order_id").loc["0", "ordered_at"]
    assert first == DF["when"][0] - pd.Timedelta(hours=9)
    naive = from_frame(df.assign(when=DF["when"]), **ROLES, timezone="Asia/Tokyo")
    pd.testing.assert_frame_equal(naive.pandas("order_lines"), lines)


@SLOW
def test_a_price_of_a_piece_is_multiplied():
    df = DF.head(3).assign(pieces=[1, 2, 3], paid=[0.1, 0.1, 0.1])
    roles = {name: column for name, column in ROLES.items() if name != "amount"}
    lines = from_frame(df, **roles, unit_price="paid", quantity="pieces").pandas("order_lines")
    assert sorted(lines["paid_cents"]) == [10, 20, 30]
    with pytest.raises(
        InputError, match="give amount, what was paid for the row, or unit_price with quantity"
    ):
        from_frame(df, **roles)


def test_all_columns_that_are_wrong_are_one_error_with_near_names():
    df = DF.assign(day=DF["when"].astype(str), mixed=[1, "a"] * 600)
    with pytest.raises(InputError) as error:
        from_frame(df, customer="mixed", time="day", amount="pay", order="nummer")
    assert [line.partition(";")[0].strip() for line in str(error.value).splitlines()[1:]] == [
        "amount: there is no column 'pay'",
        "order: there is no column 'nummer'",
        "customer: 'mixed' holds values of several kinds",
        "time: 'day' holds texts, no times",
    ]
    assert "near are 'day', 'paid'" in str(error.value)
    assert "near are 'number'" in str(error.value)


@pytest.mark.parametrize("engine", ["pandas", "polars", "pyarrow", "duckdb"])
@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_numbers_in_place_of_times_name_their_unit(unit, engine):
    df = DF.head(20).assign(when=DF["when"].dt.as_unit(unit).astype("int64"))
    with pytest.raises(InputError, match=f"by their size {unit} since 1970"):
        from_frame(native(df, engine), **ROLES)


@SLOW
def test_the_advice_for_numbers_makes_times_of_them(tables):
    import polars as pl

    df = DF.assign(when=DF["when"].dt.as_unit("ms").astype("int64"))
    with pytest.raises(InputError) as error:
        from_frame(pl.from_pandas(df), **ROLES)
    mended = {"df": pl.from_pandas(df), "pl": pl}
    exec(str(error.value).rpartition("first: ")[2], mended)
    lines = from_frame(mended["df"], **ROLES).pandas("order_lines")
    pd.testing.assert_frame_equal(lines, tables.pandas("order_lines"))
    days = df.assign(when=DF["when"].dt.strftime("%Y%m%d").astype(int))
    with pytest.raises(InputError, match="look like days as YYYYMMDD"):
        from_frame(days, **ROLES)


def test_what_the_cleaning_refuses_names_the_columns_of_the_frame():
    df = DF.head(10).assign(paid=np.arange(10) + 0.1234)
    with pytest.raises(InputError, match="paid_cents has more decimals") as error:
        from_frame(df, **ROLES)
    assert "paid_cents is 'paid'" in str(error.value).splitlines()[-1]
    assert from_frame(df, **ROLES, allow={"rounded": 1}).has("order_lines")
    with pytest.raises(ConfigError, match="'Mars' is no time zone"):
        from_frame(df, **ROLES, timezone="Mars")


def test_outside_of_a_project_the_rows_lie_in_the_users_cache(tmp_path, monkeypatch):
    monkeypatch.delenv("CRM_ML_DATA")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    report = from_frame(DF.head(5), **ROLES).report
    assert report.folder.parent == tmp_path / "cache" / "crm_ml" / "tables"
    assert not list((tmp_path / "here").iterdir())


@pytest.mark.parametrize("zone", [pytest.param(None, marks=SLOW), "Asia/Tokyo"])
def test_without_orders_and_items_an_order_is_what_a_customer_buys_on_a_day(zone):
    df = pd.DataFrame({"who": list("aaabb"), "paid": [1.0, 2.0, 4.0, 8.0, 16.0]})
    clock = [
        "2024-01-01 01:00",
        "2024-01-01 14:59",
        "2024-01-01 15:01",
        "2024-01-01 16:00",
        "2024-02-01 16:00",
    ]
    df["when"] = pd.to_datetime(clock)
    if zone:
        df["when"] = df["when"].dt.tz_localize("UTC")
    for shuffled in (df, df[::-1]):
        tables = from_frame(shuffled, customer="who", time="when", amount="paid", timezone=zone)
        lines = tables.pandas("order_lines")
        sums = lines.groupby("order_id")["paid_cents"].sum()
        assert sorted(sums) == ([300, 400, 800, 1600] if zone else [700, 800, 1600])
        assert set(lines["item_id"]) == {"any"}


def test_equal_rows_are_kept_and_told_unless_stated():
    df = pd.concat([DF.head(40), DF.head(2)])
    roles = {name: ROLES[name] for name in ("customer", "time", "amount", "order")}
    cents = int((DF["paid"].head(2) * 100).round().sum())
    told = f"2 of 42 rows, worth {cents / 100:.2f} EUR, repeat another row"
    for native_rows in (df, df[::-1]):
        with pytest.warns(UserWarning, match=told) as warned:
            tables = from_frame(native_rows, **roles, currency="EUR", timezone="Asia/Tokyo")
    assert tables.report.notes == (str(warned[0].message),)
    assert told in str(tables.report)
    every = from_frame(df, **roles, currency="EUR", timezone="Asia/Tokyo", equal_rows="all")
    assert (every.report.notes, every.fingerprint) == ((), tables.fingerprint)
    assert len(every.pandas("order_lines")) == 42
    once = from_frame(df, **roles, equal_rows="one")
    assert once.report.tables["order_lines"].quarantined == {"duplicate": 2}


def test_many_rows_that_are_set_aside_are_told_unless_stated():
    df = DF.head(30).assign(paid=DF["paid"].where(DF.index % 3 > 0))
    with pytest.warns(UserWarning, match=r"10 of 30 rows \(33\.3%\) .*null_paid_cents 10"):
        from_frame(df, **ROLES)
    assert from_frame(df, **ROLES, allow={"null": 0.5}).report.notes == ()


def test_features_and_lifetime_value_take_the_tables(tables):
    snapshot = Snapshot("2024-04-01", timedelta(days=28))
    assert len(features.matrix(tables, snapshot, groups=["rfm"])) == 200
    assert clv.summarize(tables, "2024-05-15")["frequency"].sum() > 900


@SLOW
def test_churn_and_recommendation_take_the_tables(tables):
    snapshots = [Snapshot(day, timedelta(days=28)) for day in ("2024-02-01", "2024-03-01")]
    rows = churn.labelled_rows(tables, snapshots, timedelta(days=90), groups=["rfm"])
    assert 0 < rows.y.mean() < 1
    task = task_of(tables, snapshots[0])
    model = Popularity().fit(task.data)
    assert set(model.recommend(["0", "1"], 3)["item_id"]) <= set(DF["what"])


UTC_TIME = pd.Timestamp("2024-01-01", tz="UTC").to_pydatetime()
LOCAL = pd.Timestamp("2024-02-01").to_pydatetime()


@pytest.mark.parametrize("times", [[UTC_TIME, LOCAL], [LOCAL, UTC_TIME], [LOCAL.date(), LOCAL]])
def test_times_of_several_kinds_are_not_read_as_the_first_one(times):
    df = pd.DataFrame({"who": ["a", "b"], "paid": 1.0, "when": pd.Series(times, dtype=object)})
    with pytest.raises(InputError, match=r"time: 'when' holds .* and .*; give all a zone, or none"):
        from_frame(df, customer="who", time="when", amount="paid", timezone="Asia/Tokyo")


@pytest.mark.parametrize("name", [5, "5"])
def test_names_that_are_no_texts_are_told(name):
    df = pd.DataFrame({"who": ["a"], "when": pd.to_datetime(["2024-01-01"]), 5: 1.0})
    with pytest.raises(InputError, match=r"no text; write df\.columns = df\.columns\.map\(str\)"):
        from_frame(df, customer="who", time="when", amount=name)


def test_a_frame_without_columns_is_told():
    with pytest.raises(InputError, match="there is no column 'who'; the frame has none"):
        from_frame(pd.DataFrame(), customer="who", time="when", amount="paid")
