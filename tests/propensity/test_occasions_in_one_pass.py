"""Features of many actions in one pass are to the bit those of each alone."""

from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest
from histories import DAY, MIDNIGHT, random_world

from crm_ml.propensity import action_features as module
from crm_ml.propensity.action_features import action_features, action_features_each
from crm_ml.propensity.covered_items import Covers
from crm_ml.propensity.occasion import Occasion
from crm_ml.snapshots import Snapshot
from crm_ml.tables import Tables

WORLD = random_world(31, 30, MIDNIGHT + 5)
OFFERS = pd.DataFrame(
    [(f"k{n % 4}", f"v{n % 7}", f"i{n % 30:02d}") for n in range(40)],
    columns=["campaign_id", "offer_id", "item_id"],
)
PEOPLE = pd.Index(
    ["nobody", *sorted(row["customer_id"] for row in WORLD.rows["customers"])[::-2]], name="customer_id"
)


def tables(engine: str, **changes) -> Tables:
    frames = {name: WORLD.tables("pandas").pandas(name) for name in WORLD.rows}
    return Tables(**(frames | {"offers": OFFERS} | changes)).to(engine)


def occasion(name: str, covers: Covers, moment: int, kind: str = "mail") -> Occasion:
    snapshot = Snapshot(datetime.fromtimestamp(moment, UTC), timedelta(days=9))
    return Occasion(name, kind, snapshot, covers)


WANTED = [
    (occasion("newest", Covers("campaign", ("k1",)), MIDNIGHT), PEOPLE),
    (occasion("other kind", Covers("campaign", ("k2",)), MIDNIGHT, "letter"), PEOPLE[3:]),
    (occasion("older", Covers("campaign", ("k1", "k3")), MIDNIGHT - 90 * DAY + 7), PEOPLE[::-1]),
    (occasion("before any row", Covers("campaign", ("k0",)), DAY), PEOPLE),
    (occasion("category", Covers("category", ("a",)), MIDNIGHT - 40 * DAY), PEOPLE),
    (occasion("nothing", Covers("item", ()), MIDNIGHT - 40 * DAY), PEOPLE[:0]),
    (occasion("newest", Covers("campaign", ("k1",)), MIDNIGHT), PEOPLE[5:9]),
]


def check_equal(data: Tables) -> list[pd.DataFrame]:
    together = action_features_each(data, WANTED)
    for (one, people), features in zip(WANTED, together, strict=True):
        pd.testing.assert_frame_equal(features, action_features(data, one, people), check_exact=True)
    return together


@pytest.mark.parametrize("engine", ["duckdb", "polars", "pandas"])
def test_together_is_what_each_is_alone(engine):
    newest, *_, again = check_equal(tables(engine))
    assert newest["overlap_lines"].sum() > 0
    assert newest["history_answers"].sum() > 0
    pd.testing.assert_frame_equal(newest.loc[again.index], again)


def test_tables_without_offers_or_responses_lack_the_same_columns():
    for lacking, column in (("offers", "overlap_lines"), ("responses", "history_sent")):
        features, *_ = check_equal(tables("polars", **{lacking: None}))
        assert features[column].isna().all()


def test_passes_that_divide_the_occasions_change_nothing(monkeypatch):
    whole = action_features_each(tables("polars"), WANTED)
    monkeypatch.setattr(module, "snapshots_in_a_pass", lambda _: 2)
    for left, right in zip(action_features_each(tables("polars"), WANTED), whole, strict=True):
        pd.testing.assert_frame_equal(left, right, check_exact=True)
