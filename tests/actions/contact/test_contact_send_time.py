"""The hour of sending: never a quiet one, by any clock, and the best of the others by habit."""

import logging
import zoneinfo
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from contact_world import AS_OF, AS_OF_S, ENGINES, ago, line, planned_times, policy, snapshot, tables
from hypothesis import example, given
from hypothesis import strategies as st
from soak import examples

from crm_ml.actions.contact.contact_policy import QuietHours
from crm_ml.actions.contact.local_clock import hour_of_week
from crm_ml.actions.contact.send_hour_habits import hour_counts
from crm_ml.actions.contact.send_time import first_opening, openings
from crm_ml.actions.contact.time_zones import zones_of
from crm_ml.errors import ConfigError
from crm_ml.tables.bundle import Tables, to_pandas
from crm_ml.tables.zones import offset_changes, offset_s

NIGHT = {"from": 21, "to": 9}
ZONES = (
    "UTC",
    "America/New_York",
    "Europe/Berlin",
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",  # its clock changes by half an hour
    "America/St_Johns",
)
CHANGES = {  # the days of 2024 on which a clock of these zones changes
    "2024-03-10",
    "2024-03-31",
    "2024-04-06",
    "2024-10-05",
    "2024-10-27",
    "2024-11-03",
}


def clock(zone, epoch_s):
    return datetime.fromtimestamp(epoch_s, UTC).astimezone(zoneinfo.ZoneInfo(zone))


def week_hour(zone, epoch_s):
    local = clock(zone, epoch_s)
    return local.weekday() * 24 + local.hour


def is_quiet(quiet, zone, epoch_s):
    hour = clock(zone, epoch_s).hour
    starts, ends = quiet
    return starts <= hour < ends if starts < ends else hour >= starts or hour < ends


@st.composite
def moments(draw):
    """A moment about a change of a clock: at a midnight, or at any second."""
    day = datetime.fromisoformat(draw(st.sampled_from(sorted(CHANGES)))).replace(tzinfo=UTC)
    shift = draw(st.integers(-2 * 24, 24)) * 3600
    return int(day.timestamp()) + shift + draw(st.sampled_from([0, 0, 1800, 900, 3599, 1234]))


hours = st.integers(0, 23)


@given(zone=st.sampled_from(ZONES), start=moments(), quiet=st.tuples(hours, hours), within=st.integers(1, 30))
@example(zone="America/New_York", start=1710028800, quiet=(21, 3), within=24)  # 3:00 there is 7:00 UTC
@example(zone="Australia/Lord_Howe", start=1728136800, quiet=(20, 2), within=10)  # hour 2 starts at half past
@examples(80)
def test_openings_are_all_hours_that_are_not_quiet_and_nothing_else(zone, start, quiet, within):
    if quiet[0] == quiet[1]:
        return
    hours_off = QuietHours(starts=quiet[0], ends=quiet[1])
    wanted = {}
    for moment in range(-(-start // 300) * 300, start + within * 3600, 300):
        if not is_quiet(quiet, zone, moment):
            now, before = clock(zone, moment), clock(zone, moment - 300)
            if now.minute == 0 or (now.day, now.hour) != (before.day, before.hour):
                wanted.setdefault(week_hour(zone, moment), moment)
    found = openings(hours_off, zone, start, within)
    if not wanted:
        later = [start, *range(-(-start // 300) * 300, start + 2 * 86_400, 300)]
        first = next(moment for moment in later if not is_quiet(quiet, zone, moment))
        wanted = {week_hour(zone, first): first}
    assert found == wanted
    first = first_opening(hours_off, zone, start)
    assert not is_quiet(quiet, zone, first)
    assert first == start or is_quiet(quiet, zone, first - 1)


@pytest.mark.parametrize("zone", ZONES)
def test_offsets_are_those_of_the_clock_at_every_moment(zone):
    first, last = 1_704_067_200, 1_735_689_600  # the year 2024
    changes = offset_changes(zone, first, last)
    assert changes[0][0] == first
    for (start, offset), (end, _) in zip(changes, [*changes[1:], (last, 0)], strict=True):
        for moment in (start, start + 1, (start + end) // 2, end - 1):
            assert offset == clock(zone, moment).utcoffset().total_seconds() == offset_s(zone, moment)
            assert hour_of_week(moment + offset) == week_hour(zone, moment)


def people(engine, zones, **rows):
    """Customers k0, k1, ... with an attribute home."""
    frame = pd.DataFrame({"customer_id": [f"k{i}" for i in range(len(zones))]})
    frame["home"] = pd.Series(zones, dtype="str")
    return tables(engine, **({"customers": frame} | rows))


def best(given, asked, segments=None, as_of=AS_OF, customers=None):
    frame = planned_times(given, snapshot(as_of), asked, customers, segments)
    assert sorted(frame.columns) == ["customer_id", "send_at_epoch_s"]
    assert frame["customer_id"].is_unique
    return dict(zip(frame["customer_id"], frame["send_at_epoch_s"].astype(int), strict=True))


def in_parts(given, asked, segments, as_of, parts=8):
    """Choose for the same customers, dealt to parts at random."""
    rng = np.random.default_rng(2)
    names = given.pandas("customers")["customer_id"]
    part = dict(zip(names, rng.integers(0, parts, len(names)), strict=True))
    dealt = []
    for number in range(parts):
        frames = {name: given.pandas(name) for name in given.names}
        own = {name: frame[frame["customer_id"].map(part) == number] for name, frame in frames.items()}
        dealt.append(Tables(**own).identified(str(number)).to(given.engine))
    frame = planned_times(given, snapshot(as_of), asked, segments=segments, parts=dealt)
    return dict(zip(frame["customer_id"], frame["send_at_epoch_s"].astype(int), strict=True))


def by_hand(asked, homes, times, segments, as_of_s):
    """The method in plain Python: {customer: moment}."""
    s, quiet = asked.send_time.prior_strength, (asked.quiet_hours.starts, asked.quiet_hours.ends)
    own = {who: np.zeros(168) for who in homes}
    for who, at in times:
        own[who][week_hour(homes[who], at)] += 1
    everybody = sum(own.values())
    g = everybody / everybody.sum()
    found = {}
    for who, zone in homes.items():
        alike = sum(own[one] for one in homes if segments[one] == segments[who])
        q = (alike + s * g) / (alike.sum() + s)
        p = (own[who] + s * q) / (own[who].sum() + s)
        open_hours = [
            at
            for at in range(as_of_s, as_of_s + asked.send_time.within_hours * 3600, 60)
            if clock(zone, at).minute == 0 and not is_quiet(quiet, zone, at)
        ]
        found[who] = max(open_hours, key=lambda at: (round(p[week_hour(zone, at)], 12), -at))
    return found


@pytest.mark.parametrize(
    ("engine", "as_of"), list(zip(ENGINES, ["2024-03-10", "2024-11-03", "2024-06-01"], strict=True))
)
def test_the_hour_is_that_of_the_method_by_hand(engine, as_of):
    rng = np.random.default_rng(3)
    zones = [*ZONES, None, "Mars/Base"] * 4
    as_of = datetime.fromisoformat(as_of).replace(tzinfo=UTC)
    now = int(as_of.timestamp())
    names = [f"k{i}" for i in range(len(zones))]
    seen = [(names[i], now - int(rng.integers(-86_400, 300 * 86_400))) for i in rng.integers(0, 30, 160)]
    seen += [
        (names[i], now - 86_400 * 7 * int(rng.integers(1, 40)) + 3600 * 14) for i in rng.integers(0, 30, 90)
    ]
    given = people(
        engine,
        zones,
        events=[(who, "visit", at) for who, at in seen[::2]],
        order_lines=[line(who, at, order=f"o{i}") for i, (who, at) in enumerate(seen[1::2])]
        + [line("k0", now - 1, order="r", refund_of="o1")] * 50,
    )
    asked = policy(
        quiet_hours=NIGHT,
        time_zone="Asia/Kolkata",
        time_zone_column="home",
        send_time={"prior_strength": 5, "segment": "kind"},
    )
    segments = pd.DataFrame(
        {"customer_id": names, "kind": [["x", "y", None][i % 3] for i in range(len(names))]}
    )
    homes = {n: z if z in ZONES else "Asia/Kolkata" for n, z in zip(names, zones, strict=True)}
    kinds = {n: k if isinstance(k, str) else "" for n, k in segments.itertuples(index=False)}
    wanted = by_hand(asked, homes, [(who, at) for who, at in seen if at < now], kinds, now)
    found = best(given, asked, segments, as_of)
    assert found == wanted
    if engine == "polars":
        assert in_parts(given, asked, segments, as_of) == found
    assert len(set(wanted.values())) > 5
    assert not any(is_quiet((21, 9), homes[who], at) for who, at in found.items())


def test_every_moment_before_as_of_counts_once_by_the_clock_of_its_day():
    change, as_of = (
        1_710_054_000,
        datetime(2024, 6, 1, tzinfo=UTC),
    )  # 2024-03-10 2:00 there, which became 3:00
    times = [change - 1, change, change + 3599, ago(0, 1), ago(0), ago(-1)]
    refund = [line("k0", change, refund_of="o1")]
    given = people(
        "polars", ["America/New_York"], events=[("k0", "visit", at) for at in times], order_lines=refund
    )
    asked = policy(time_zone_column="home", send_time={})
    found = to_pandas(
        hour_counts(
            given, snapshot(as_of), asked.send_time, zones_of(given, asked.time_zone, asked.time_zone_column)
        )
    )
    sunday, friday = 6 * 24, 4 * 24
    counts = dict(zip(found["hour"], found["n"], strict=True))
    assert counts == {sunday + 1: 1, sunday + 3: 2, friday + 19: 1}


def test_own_habit_wins_over_that_of_others_with_enough_of_it():
    others = [(f"k{i}", "visit", ago(7, -18 * 3600)) for i in (1, 2) for _ in range(10)]  # Saturday, 18:00
    own = [("k0", "visit", ago(7 * week, -12 * 3600)) for week in range(1, 4)]
    given = people("polars", ["UTC"] * 3, events=others + own)
    for strength, hour in ((1, 12), (1000, 18)):
        found = best(given, policy(send_time={"prior_strength": strength}))
        assert found == {"k0": AS_OF_S + hour * 3600} | dict.fromkeys(("k1", "k2"), AS_OF_S + 18 * 3600)


def test_events_and_orders_count_as_the_policy_says():
    given = people(
        "polars",
        ["UTC"],
        events=[("k0", "visit", ago(7, -10 * 3600))],
        order_lines=[line("k0", ago(7, -15 * 3600), order=str(i)) for i in range(2)],
    )
    for sources, hour in (({}, 15), ({"orders": False}, 10), ({"events": False}, 15)):
        assert best(given, policy(send_time=sources)) == {"k0": AS_OF_S + hour * 3600}


@pytest.mark.parametrize("hours", [(12, 18), (18, 12)])
def test_of_hours_that_are_as_good_the_earliest_is_taken(hours):
    seen = [("k0", "visit", ago(7, -hour * 3600)) for hour in hours]
    usual = [("k1", "visit", ago(7, -20 * 3600)) for _ in range(9)]
    given = people("polars", ["UTC"] * 2, events=seen + usual)
    found = best(given, policy(send_time={"prior_strength": 0.5}))
    assert found == {"k0": AS_OF_S + 12 * 3600, "k1": AS_OF_S + 20 * 3600}


def test_nobody_seen_gets_the_first_hour():
    given = people("duckdb", ["UTC", "Asia/Kolkata"])
    asked = policy(send_time={}, time_zone_column="home")
    assert best(given, asked) == {"k0": AS_OF_S, "k1": AS_OF_S + 1800}  # 5:30 there: the next hour is 6:00
    only = policy(quiet_hours=NIGHT, time_zone_column="home")
    assert best(given, only) == {"k0": AS_OF_S + 9 * 3600, "k1": AS_OF_S + int(3.5 * 3600)}
    assert best(given, policy(quiet_hours={"from": 1, "to": 5})) == {"k0": AS_OF_S, "k1": AS_OF_S}


def test_where_all_hours_are_quiet_the_first_moment_after_them_is_taken():
    given = people("polars", ["America/New_York"], events=[("k0", "visit", ago(7, -3600))])
    asked = policy(quiet_hours=NIGHT, time_zone_column="home", send_time={"within_hours": 6})
    as_of = AS_OF + timedelta(hours=2)  # 22:00 there
    assert best(given, asked, as_of=as_of) == {"k0": AS_OF_S + 13 * 3600}  # 9:00 there


def test_without_quiet_hours_or_habits_nothing_is_planned():
    given = people("polars", ["UTC"])
    assert planned_times(given, snapshot(), policy(windows=[])) is None


def test_a_customer_of_no_table_gets_the_usual_hour_and_nobody_gets_two():
    given = people("duckdb", ["UTC"] * 3)
    assert set(best(given, policy(send_time={}), customers=["k1", "k1", "nobody"])) == {"k1", "nobody"}


def test_zones_that_are_none_are_counted(caplog):
    given = people("duckdb", ["UTC", None, "Mars/Base", "Asia/Kolkata", "localtime", None])
    zones = zones_of(given, "Europe/Berlin", "home")
    assert (zones.missing, zones.unknown) == (2, 2)
    assert zones.names == ("Asia/Kolkata", "Europe/Berlin", "UTC")
    asked = policy(quiet_hours=NIGHT, time_zone="Europe/Berlin", time_zone_column="home")
    with caplog.at_level(logging.WARNING):
        planned_times(given, snapshot(), asked)
    assert "2 customers have no time zone and 2 a name that is none; Europe/Berlin" in caplog.text
    assert "Mars" not in caplog.text
    with pytest.raises(ConfigError, match="no column 'hom'; did you mean 'home'"):
        zones_of(given, "UTC", "hom")


def test_segments_must_be_there_and_few():
    given = people("polars", ["UTC"] * 2)
    asked = policy(send_time={"segment": "kind"})
    for segments in (None, pd.DataFrame({"customer_id": ["k0"], "other": ["x"]})):
        with pytest.raises(ConfigError, match="'kind' is no feature"):
            best(given, asked, segments)
    many = pd.DataFrame({"customer_id": [f"k{i}" for i in range(1001)], "kind": range(1001)})
    with pytest.raises(ConfigError, match="1,001 values"):
        best(given, asked, many)
