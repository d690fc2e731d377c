"""Snapshots cut time into past, gap, label window and after, on every kind of frame."""

from datetime import UTC, date, datetime, timedelta, timezone

import duckdb
import narwhals as nw
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_ml.errors import InputError, LeakError
from crm_ml.snapshots import Snapshot, as_utc, check_labels_end_before

DAY = timedelta(days=1)
SNAPSHOT = Snapshot("2017-08-30", timedelta(days=28), gap=timedelta(days=3))
AS_OF = SNAPSHOT.epoch_s
SECOND, DAY_S = 1, 86_400


def kept(cut, epochs: list[int]) -> list[int]:
    frame = pd.DataFrame({"at_epoch_s": pd.Series(epochs, dtype="int64")})
    return cut(frame, at="at")["at_epoch_s"].tolist()


def test_past_ends_before_the_snapshot():
    assert kept(SNAPSHOT.past, [AS_OF - 1, AS_OF, AS_OF + 1]) == [AS_OF - 1]


def test_future_starts_after_the_gap_and_ends_before_the_horizon():
    start, end = AS_OF + 3 * DAY_S, AS_OF + 31 * DAY_S
    assert kept(SNAPSHOT.future, [start - 1, start, end - 1, end]) == [start, end - 1]
    assert SNAPSHOT.label_starts_at == datetime(2017, 9, 2, tzinfo=UTC)
    assert SNAPSHOT.label_ends_at == datetime(2017, 9, 30, tzinfo=UTC)


def test_window_is_the_end_of_the_past():
    start = AS_OF - 7 * DAY_S
    rows = [start - 1, start, AS_OF - 1, AS_OF]
    assert kept(lambda frame, at: SNAPSHOT.window(frame, at, days=7), rows) == [start, AS_OF - 1]


@given(st.integers(-400 * DAY_S, 400 * DAY_S))
def test_a_moment_is_in_one_part_of_time(seconds):
    epochs = [AS_OF + seconds]
    parts = [bool(kept(cut, epochs)) for cut in (SNAPSHOT.past, SNAPSHOT.future)]
    between = 0 <= seconds < 3 * DAY_S
    after = seconds >= 31 * DAY_S
    assert sum([*parts, between, after]) == 1


@given(st.integers(1, 400 * DAY_S), st.integers(1, 400))
def test_days_since_agrees_with_window(seconds, days):
    frame = pd.DataFrame({"at_epoch_s": [AS_OF - seconds]})
    inside = len(SNAPSHOT.window(frame, "at", days)) == 1
    ago = nw.from_native(frame).select(SNAPSHOT.days_since(nw.col("at_epoch_s"))).to_native().iloc[0, 0]
    assert (ago < days) == inside
    assert ago == (SNAPSHOT.as_of - datetime.fromtimestamp(AS_OF - seconds, UTC) - timedelta(seconds=1)).days


def test_orders_of_one_calendar_day_have_one_age():
    yesterday = [AS_OF - DAY_S, AS_OF - DAY_S + 1, AS_OF - 1]
    frame = nw.from_native(pd.DataFrame({"at": [*yesterday, AS_OF - DAY_S - 1]}))
    assert frame.select(ago=SNAPSHOT.days_since(nw.col("at")))["ago"].to_list() == [0, 0, 0, 1]


def frames() -> dict[str, object]:
    times = [datetime(2017, 8, 29, 23, 59, 59), datetime(2017, 8, 30)]
    naive = pd.DataFrame({"at": times})
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'Asia/Shanghai'")
    relation = connection.sql(
        "SELECT unnest([TIMESTAMPTZ '2017-08-29 23:59:59+00', TIMESTAMPTZ '2017-08-30 00:00:00+00']) AS at"
    )
    return {
        "pandas": naive,
        "pandas, aware": naive.assign(at=naive["at"].dt.tz_localize("UTC").dt.tz_convert("Asia/Shanghai")),
        "polars": pl.DataFrame({"at": times}),
        "polars, lazy": pl.LazyFrame({"at": times}),
        "polars, aware": pl.DataFrame({"at": times}).with_columns(pl.col("at").dt.replace_time_zone("UTC")),
        "duckdb": duckdb.connect().sql(
            "SELECT unnest([TIMESTAMP '2017-08-29 23:59:59', '2017-08-30']) AS at"
        ),
        "duckdb, aware": relation,
    }


@pytest.mark.parametrize("kind", list(frames()))
def test_frames_come_back_as_they_came_whatever_their_zone(kind):
    frame = frames()[kind]
    past = SNAPSHOT.past(frame, at="at")
    assert type(past) is type(frame)
    assert nw.from_native(past).lazy().select(nw.len()).collect().item() == 1


def test_narwhals_frames_stay_narwhals_frames():
    frame = nw.from_native(pd.DataFrame({"at_epoch_s": [AS_OF - 1, AS_OF]}))
    assert isinstance(SNAPSHOT.past(frame, at="at"), nw.DataFrame)


def test_a_null_time_is_never_past_nor_future():
    frame = pl.DataFrame({"at_epoch_s": [None, AS_OF - 1]})
    assert SNAPSHOT.past(frame, at="at").height == 1
    assert SNAPSHOT.future(frame, at="at").height == 0


def test_a_missing_time_column_is_named():
    with pytest.raises(
        InputError, match="neither ordered_at_epoch_s nor ordered_at is a column; present are a, b"
    ):
        SNAPSHOT.past(pd.DataFrame({"a": [1], "b": [2]}), at="ordered_at")


@pytest.mark.parametrize(
    "moment",
    [
        "2017-08-30",
        date(2017, 8, 30),
        datetime(2017, 8, 30),
        "2017-08-30T00:00:00Z",
        "2017-08-30T08:00:00+08:00",
        datetime(2017, 8, 29, 20, tzinfo=timezone(timedelta(hours=-4))),
    ],
)
def test_every_way_to_write_a_moment(moment):
    assert as_utc(moment) == datetime(2017, 8, 30, tzinfo=UTC)
    snapshot = Snapshot(moment, timedelta(days=1))
    assert snapshot.as_of.utcoffset() == timedelta(0)
    assert snapshot == Snapshot("2017-08-30", timedelta(days=1))


def test_bad_snapshots_say_why():
    with pytest.raises(InputError, match=r"'30\.08\.2017' is no date; write it as YYYY-MM-DD"):
        Snapshot("30.08.2017", DAY)
    with pytest.raises(InputError, match=r"horizon is -1 day, 0:00:00; it must be positive"):
        Snapshot("2017-08-30", -DAY)
    with pytest.raises(InputError, match=r"gap is -1 day, 0:00:00; it must not be negative"):
        Snapshot("2017-08-30", DAY, gap=-DAY)


def test_training_snapshots_are_the_newest_whose_labels_end_in_time():
    training = SNAPSHOT.training(3, every_days=14)
    assert [f"{s.as_of:%Y-%m-%d}" for s in training] == ["2017-07-02", "2017-07-16", "2017-07-30"]
    assert training[-1].label_ends_at == SNAPSHOT.as_of
    assert {(s.horizon, s.gap) for s in training} == {(SNAPSHOT.horizon, SNAPSHOT.gap)}
    check_labels_end_before(training, SNAPSHOT)
    assert SNAPSHOT.training(0) == []


def test_labels_that_reach_into_the_evaluation_are_refused():
    late = SNAPSHOT.training(1)[0].shifted(1)
    message = (
        r"training snapshot 2017-07-31 end on 2017-08-31, after the evaluation snapshot 2017-08-30; "
        r"train on earlier snapshots"
    )
    with pytest.raises(LeakError, match=message):
        check_labels_end_before([*SNAPSHOT.training(4), late], SNAPSHOT)


def test_shifted_keeps_horizon_and_gap():
    assert SNAPSHOT.shifted(-30) == Snapshot("2017-07-31", SNAPSHOT.horizon, SNAPSHOT.gap)
