"""Consent: the latest change decides, silence is no consent, and a refusal counts whenever it stands."""

from datetime import timedelta

import narwhals as nw
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from score_world import AS_OF, AS_OF_S, action, frames
from soak import examples

from crm_ml.actions.consent_check import check_consent, consent_for
from crm_ml.errors import ConfigError, InputError
from crm_ml.snapshots import Snapshot, as_utc
from crm_ml.tables import Tables

SNAPSHOT = Snapshot(as_utc(AS_OF), timedelta(days=1))
COLUMNS = ["customer_id", "purpose", "channel", "granted", "changed_at_epoch_s"]


def tables(rows, engine="duckdb"):
    given = frames(n_customers=4)
    consents = pd.DataFrame(rows, columns=COLUMNS).astype(
        {
            "customer_id": "str",
            "purpose": "str",
            "channel": "str",
            "granted": "bool",
            "changed_at_epoch_s": "int64",
        }
    )
    return Tables(**given, consents=consents).identified("any times and customers").to(engine)


def allowed(rows, purpose="marketing", channel="mail", engine="duckdb"):
    one = action("a", purpose=purpose, channel=channel).identity
    consent = consent_for(tables(rows, engine), SNAPSHOT, [one], "table")
    frame = consent.granted.collect(backend="pandas").to_native()
    return set(frame.loc[frame[consent.column(one)], "customer_id"])


CASES = {
    "granted": ([("a", "marketing", "mail", True, 1)], {"a"}),
    "refused": ([("a", "marketing", "mail", False, 1)], set()),
    "missing": ([], set()),
    "other purpose": ([("a", "service", "mail", True, 1)], set()),
    "other channel": ([("a", "marketing", "push", True, 1)], set()),
    "all channels": ([("a", "marketing", None, True, 1)], {"a"}),
    "withdrawn later": ([("a", "marketing", "mail", True, 1), ("a", "marketing", "mail", False, 2)], set()),
    "withdrawn for all": ([("a", "marketing", "mail", True, 1), ("a", "marketing", None, False, 2)], set()),
    "given again": ([("a", "marketing", None, False, 1), ("a", "marketing", "mail", True, 2)], {"a"}),
    "other channel withdrawn": (
        [("a", "marketing", None, True, 1), ("a", "marketing", "push", False, 2)],
        {"a"},
    ),
    "same second": ([("a", "marketing", "mail", True, 5), ("a", "marketing", None, False, 5)], set()),
    "at as_of": ([("a", "marketing", "mail", True, 1), ("a", "marketing", "mail", False, AS_OF_S)], set()),
    "after as_of": ([("a", "marketing", "mail", True, AS_OF_S + 1)], set()),
    "refused after as_of": (
        [("a", "marketing", "mail", True, 1), ("a", "marketing", "mail", False, AS_OF_S + 1)],
        set(),
    ),
    "refused for all after as_of": (
        [("a", "marketing", "mail", True, 1), ("a", "marketing", None, False, AS_OF_S + 9)],
        set(),
    ),
    "given again after as_of": (
        [
            ("a", "marketing", "mail", True, 1),
            ("a", "marketing", "mail", False, AS_OF_S + 1),
            ("a", "marketing", "mail", True, AS_OF_S + 2),
        ],
        set(),
    ),
    "something else refused after as_of": (
        [
            ("a", "marketing", "mail", True, 1),
            ("a", "marketing", "push", False, AS_OF_S + 1),
            ("a", "service", None, False, AS_OF_S + 1),
        ],
        {"a"},
    ),
    "before 1970": ([("a", "marketing", "mail", True, -7)], {"a"}),
    "refused before 1970": (
        [("a", "marketing", "mail", True, -8), ("a", "marketing", "mail", False, -7)],
        set(),
    ),
}


@pytest.mark.parametrize("engine", ["duckdb", "pandas", "polars"])
@pytest.mark.parametrize("case", CASES)
def test_the_latest_change_decides(case, engine):
    rows, expected = CASES[case]
    assert allowed(rows, engine=engine) == expected


@examples(40)
@given(
    rows=st.lists(
        st.tuples(
            st.sampled_from(["a", "b"]),
            st.sampled_from(["marketing", "service"]),
            st.sampled_from([None, "mail", "push"]),
            st.booleans(),
            st.sampled_from([-1, 0, 1, 2, AS_OF_S, AS_OF_S + 1]),
        ),
        max_size=12,
    )
)
def test_it_agrees_with_a_search_by_hand(rows):
    expected = set()
    for customer in ("a", "b"):
        mine = [r for r in rows if r[0] == customer and r[1] == "marketing" and r[2] in (None, "mail")]
        refused_later = any(r[4] > AS_OF_S and not r[3] for r in mine)
        mine = [r for r in mine if r[4] <= AS_OF_S]
        newest = max((r[4] for r in mine), default=None)
        last = [r[3] for r in mine if r[4] == newest]
        if last and all(last) and not refused_later:
            expected.add(customer)
    assert allowed(rows) == expected


def test_the_setting_must_fit_the_tables():
    without = Tables(**frames(n_customers=4))
    with pytest.raises(ConfigError, match="consent: assumed"):
        consent_for(without, SNAPSHOT, [action("a").identity], "table")
    with pytest.raises(ConfigError, match="consent: table"):
        consent_for(tables([]), SNAPSHOT, [action("a").identity], "assumed")
    assert consent_for(without, SNAPSHOT, [action("a").identity], "assumed").basis == "assumed"


def test_rows_without_consent_are_refused_with_their_number():
    consent = consent_for(
        tables([("a", "marketing", "mail", True, 1)]), SNAPSHOT, [action("m").identity], "table"
    )
    native = nw.to_native(consent.granted)
    rows = nw.from_native(
        native.query("g", "SELECT unnest(['a', 'b', 'c']) AS customer_id, 'm' AS action_id")
    )
    with pytest.raises(InputError, match=r"m \(marketing by mail\): 2"):
        check_consent(rows, [action("m").identity], consent)
    check_consent(rows.filter(nw.col("customer_id") == "a"), [action("m").identity], consent)
