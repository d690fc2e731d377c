"""Silence and renewal as ends of a relationship: labels, populations and rules against plain Python."""

from datetime import timedelta

import narwhals as nw
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from soak import examples

from crm_ml import features
from crm_ml.churn.target import labels
from crm_ml.config import ChurnRun
from crm_ml.errors import InputError
from crm_ml.features.feature_groups import groups_with_options
from crm_ml.models.relationship_ends import NoOrder, Renewal, Silence, end_of
from crm_ml.rules.compiled_rule import compile_rule
from crm_ml.snapshots import DAY_S, Snapshot
from crm_ml.tables.bundle import Tables
from crm_ml.train.families.churn import CARD

SNAPSHOT = Snapshot("2024-03-01", timedelta(days=10), timedelta(days=1))
AS_OF = SNAPSHOT.epoch_s
WITHIN = timedelta(days=30)
SILENCE = Silence(kinds=("lesson", "login"))
RENEWAL = Renewal(kinds=("term",), grace_days=3)
OF_LENGTH = Renewal(kinds=("term",), grace_days=3, length_days=14)


def app(events, engine="duckdb"):
    """Tables of events: customer, kind, seconds after the snapshot, and seconds until the end or None."""
    frame = pd.DataFrame(events, columns=["customer_id", "kind", "at", "length"]).astype({"at": "int64"})
    seconds = frame["at"] + AS_OF
    lengths = frame["length"].astype("float64").astype("Int64")
    table = pd.DataFrame(
        {
            "event_id": [f"e{number}" for number in range(len(frame))],
            "customer_id": frame["customer_id"].astype("str"),
            "kind": frame["kind"].astype("str"),
            "occurred_at_epoch_s": seconds,
            "ends_at_epoch_s": lengths + seconds,
        }
    )
    cents = dict.fromkeys(("paid_cents", "discount_cents", "coupon_cents"), 0)
    line = {
        "customer_id": "a",
        "order_id": "o",
        "item_id": "x",
        "ordered_at_epoch_s": AS_OF - 9 * DAY_S,
        "quantity": 1,
    }
    ids = sorted({"a", *frame["customer_id"]})
    customers = pd.DataFrame({"customer_id": pd.Series(ids, dtype="str")})
    lines = pd.DataFrame([line | cents]).astype({"customer_id": "str", "order_id": "str", "item_id": "str"})
    return Tables(customers=customers, order_lines=lines, events=table).to(engine)


def of_silence(events):
    """Say in plain Python who is silent: of those with such an event in 30 days, none in days 1 to 11."""
    own = [(who, at) for who, kind, at, _ in events if kind in SILENCE.kinds]
    active = {who for who, at in own if -30 * DAY_S <= at < 0}
    stay = {who for who, at in own if DAY_S <= at < 11 * DAY_S}
    return {who: int(who not in stay) for who in sorted(active)}


def of_renewal(events, length_s=None):
    """Say in plain Python who does not renew a term that ends in days 1 to 8, by 3 days after its end."""
    terms = [(who, at, at + (length or 0) if length_s is None else at + length_s)
             for who, kind, at, length in events
             if kind == "term" and (length_s is not None or length is not None)]  # fmt: skip
    starts = [(who, at) for who, kind, at, _ in events if kind == "term"]
    result = {}
    for who in sorted({who for who, *_ in terms}):
        known = [(at, end) for each, at, end in terms if each == who and at < 0]
        if not known or not any(at >= -30 * DAY_S for at, _ in known):
            continue
        end = max(end for _, end in known)
        if DAY_S <= end < 8 * DAY_S:
            result[who] = int(not any(each == who and 0 <= at < end + 3 * DAY_S for each, at in starts))
    return result


_edges = [days * DAY_S for days in (-30, -14, 0, 1, 4, 8, 11)]
_near = st.builds(lambda edge, step: edge + step, st.sampled_from(_edges), st.sampled_from([-1, 0, 1]))
_at = _near | st.integers(-50 * DAY_S, 20 * DAY_S)
_length = st.none() | st.integers(0, 40 * DAY_S) | st.sampled_from([15 * DAY_S, 22 * DAY_S])
_kind = st.sampled_from(["lesson", "login", "term", "term", "view"])
_event = st.tuples(st.sampled_from("abcde"), _kind, _at, _length)
_ALL = [("z", kind, -40 * DAY_S, None) for kind in ("lesson", "login", "term")]


@examples(6)
@given(st.lists(_event, max_size=40))
@pytest.mark.parametrize("engine", ["pandas", "polars", "duckdb"])
def test_labels_and_rules_agree_with_plain_python(engine, drawn):
    events = [*drawn, *_ALL]
    tables = app(events, engine)
    expected = {
        SILENCE: of_silence(events), RENEWAL: of_renewal(events), OF_LENGTH: of_renewal(events, 14 * DAY_S)
    }  # fmt: skip
    for end, wanted in expected.items():
        result = labels(tables, SNAPSHOT, WITHIN, end=end, data_ends_at="2024-06-01", minimum=0)
        assert result.to_dict() == wanted
        assert result.index.tolist() == list(wanted)
        assert result.dtype == "int8"


@pytest.mark.parametrize("end", [SILENCE, RENEWAL, OF_LENGTH, NoOrder()])
def test_the_rule_of_a_list_holds_for_the_population_of_the_labels(end):
    draw = np.random.default_rng(5)
    kinds = draw.choice(["lesson", "login", "term", "view"], 3_000)
    times, lengths = draw.integers(-60 * DAY_S, 20 * DAY_S, 3_000), draw.integers(0, 40 * DAY_S, 3_000)
    rows = zip(draw.integers(300, size=3_000), kinds, times, lengths, strict=True)
    events = [(f"c{who}", kind, int(at), float(length)) for who, kind, at, length in rows]
    tables = app(events)
    matrix = features.matrix(tables, SNAPSHOT, {"rfm": {}, **end.groups})
    frame = nw.from_native(matrix.reset_index())
    ruled = frame.filter(compile_rule(end.where(SNAPSHOT, WITHIN), frame.schema))["customer_id"].to_list()
    assert ruled == end.eligible(tables, SNAPSHOT, WITHIN).tolist()
    assert len(ruled) > 30 or end.table == "orders"


def test_silence_counts_to_the_second():
    login = {
        "on the first": DAY_S,
        "in the last": 11 * DAY_S - 1,
        "too early": DAY_S - 1,
        "too late": 11 * DAY_S,
    }
    events = [(who, "login", at, None) for who, second in login.items() for at in (-1, second)]
    events += [("just active", "login", -30 * DAY_S, None), ("no longer", "lesson", -30 * DAY_S - 1, None)]
    tables = app([*events, ("only a view", "view", -1, None), *_ALL])
    result = labels(tables, SNAPSHOT, WITHIN, end=SILENCE, data_ends_at="2024-06-01", minimum=0)
    stay = {"on the first": 0, "in the last": 0}
    assert result.to_dict() == stay | {"too early": 1, "too late": 1, "just active": 1}


def test_labels_are_the_same_whatever_happens_after_their_window():
    events = [("a", "login", -DAY_S, None), ("b", "login", -DAY_S, None), ("b", "login", 2 * DAY_S, None)]
    later = [(who, "login", 11 * DAY_S, None) for who in "ab"]
    for rows in (events, [*events, *later]):
        result = labels(
            app([*rows, *_ALL]), SNAPSHOT, WITHIN, end=SILENCE, data_ends_at="2024-06-01", minimum=0
        )
        assert result.to_dict() == {"a": 1, "b": 0}


def test_a_renewal_before_the_snapshot_moves_the_end_and_one_in_the_grace_counts():
    term = 20 * DAY_S
    events = [
        ("in time", "term", -15 * DAY_S, term), ("in time", "term", 5 * DAY_S, term),
        ("in grace", "term", -15 * DAY_S, term), ("in grace", "term", 8 * DAY_S - 1, term),
        ("too late", "term", -15 * DAY_S, term), ("too late", "term", 8 * DAY_S, term),
        ("long ago renewed", "term", -15 * DAY_S, term), ("long ago renewed", "term", -DAY_S, term),
        ("no longer there", "term", -25 * DAY_S, term),
    ]  # fmt: skip
    result = labels(
        app([*events, *_ALL]), SNAPSHOT, WITHIN, end=RENEWAL, data_ends_at="2024-06-01", minimum=0
    )
    assert result.to_dict() == {"in grace": 0, "in time": 0, "too late": 1}


def test_tables_without_the_events_are_refused_in_a_sentence():
    tables = app([("a", "login", -DAY_S, None), *_ALL])
    with pytest.raises(InputError, match="no event of kind logins; there are lesson, login, term"):
        labels(tables, SNAPSHOT, WITHIN, end=Silence(kinds=("logins",)), data_ends_at="2024-06-01")
    with pytest.raises(InputError, match="data end on 2024-03-01, the day after the last event"):
        labels(tables, SNAPSHOT, WITHIN, end=SILENCE)
    without_ends = Tables(
        customers=tables.pandas("customers"), order_lines=tables.pandas("order_lines"),
        events=tables.pandas("events").drop(columns="ends_at_epoch_s"),
    )  # fmt: skip
    with pytest.raises(InputError, match="no column ends_at says when a term ends; map it, or declare"):
        labels(without_ends, SNAPSHOT, WITHIN, end=RENEWAL, data_ends_at="2024-06-01")
    no_events = Tables(customers=tables.pandas("customers"), order_lines=tables.pandas("order_lines"))
    with pytest.raises(InputError, match="events: the table is absent"):
        labels(no_events, SNAPSHOT, WITHIN, end=SILENCE, data_ends_at="2024-06-01")


RUN = {
    "family": "churn",
    "data": {"name": "complete_journey"},
    "target": {"horizon_days": 10, "active_within_days": 30},
    "split": {"test": ["2024-03-01"], "training_snapshots": 3},
    "model": {"name": "logistic"},
    "baselines": [{"name": "event_recency_rule"}],
    "register_as": {"name": "app", "as_of": "2024-04-01"},
}


def run(features=None, **target):
    return ChurnRun.model_validate(RUN | {"target": RUN["target"] | target, "features": features})


def test_a_target_of_orders_says_nothing_of_events():
    orders = run()
    assert orders.target.model_dump() == RUN["target"] | {"gap_days": 0, "purpose": None}
    assert orders.groups is None
    assert orders.target.of_events == {}
    assert orders.target.predicts == CARD.predicts
    assert isinstance(end_of(orders.target.of_events), NoOrder)
    assert not {"event_rhythm", "renewal"} & set(groups_with_options(None))


def test_groups_follow_from_the_target_and_its_end_comes_back_from_a_manifest():
    silent = run(silence={"kinds": ["lesson"]})
    assert silent.groups["event_rhythm"] == {"kinds": ["lesson"]}
    assert {"rfm", "lifecycle"} < set(silent.groups)
    assert end_of(silent.target.of_events["target"]) == silent.target.end == Silence(kinds=("lesson",))
    renewed = run({"rfm": {}}, renewal={"kinds": ["term"], "length_days": 30, "grace_days": 2})
    assert renewed.groups == {
        "rfm": {}, "renewal": {"kinds": ["term"], "length_days": 30}, "event_rhythm": {}
    }  # fmt: skip
    assert end_of(renewed.target.of_events["target"]) == renewed.target.end


@pytest.mark.parametrize(
    ("target", "groups", "message"),
    [
        ({"silence": {"kinds": ["a"]}, "renewal": {"kinds": ["a"]}}, None, "are two targets; give one"),
        ({"silence": {"kinds": []}}, None, "at least 1 item"),
        ({"renewal": {"kinds": ["a"], "grace_days": 10}}, None, "make it longer"),
        ({"silence": {"kinds": ["a"]}}, {"event_rhythm": {"kinds": ["b"]}}, "follows from the target"),
    ],
)
def test_targets_that_fit_nothing_are_refused(target, groups, message):
    with pytest.raises(ValidationError, match=message):
        run(groups, **target)
