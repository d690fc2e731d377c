"""A list is of a day of the tables' zone: it begins at the local midnight, and its page shows local hours."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
from score_list_files import ingredients, row, write_list
from score_world import action, catalog, churn_source, frames, settings

from crm_ml.actions.action_limits import ActionLimits
from crm_ml.actions.contact.contact_policy import ContactPolicy
from crm_ml.errors import ConfigError, InputError
from crm_ml.learning.list_evaluation import Question, evaluate
from crm_ml.learning.list_outcomes import Published, window_of
from crm_ml.learning.realised.published_scores import published_tables
from crm_ml.lists import read_list
from crm_ml.lists.page.list_page import page
from crm_ml.score import batch
from crm_ml.score_tables.champion_set import Champions
from crm_ml.storage.manifest import read_manifest
from crm_ml.tables import Tables

ZONE = "America/New_York"
DAY = date(2024, 3, 8)  # the clock is put forward on the 10th
MIDNIGHT = datetime(2024, 3, 8, 5, tzinfo=UTC)


def world(zone: str = ZONE) -> Tables:
    return Tables(**frames(40), zone=zone).identified("z" * 20)


def ours():
    return action("coupon", expires_after_days=5, valid_until=date(2024, 4, 30))


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """Tables, actions and a list of them, with local hours of sending."""
    folder, patch = tmp_path_factory.mktemp("zone"), pytest.MonkeyPatch()
    patch.chdir(folder)
    patch.setenv("CRM_ML_DATA", str(folder / "data"))
    tables = world()
    quiet = ContactPolicy.model_validate({"quiet_hours": {"from": 21, "to": 9}})
    offered = catalog(ours()).model_copy(update={"contact_policy": quiet})
    batch.run(settings(as_of=DAY, daily_cap=20), offered, tables, Champions([churn_source(zone=ZONE)]))
    yield tables, offered, next((folder / "data/lists/test").glob("2024-*"))
    patch.undo()


def test_it_begins_at_the_local_midnight_and_ends_at_one(published):
    _, _, folder = published
    rows = read_list(folder.parent)
    assert folder.name.startswith("2024-03-08-")
    assert set(rows["as_of"]) == {MIDNIGHT}
    assert set(rows["expires_at"]) == {MIDNIGHT + timedelta(days=5, hours=-1)}  # the night had 23 hours
    assert set(rows["send_at"]) == {MIDNIGHT + timedelta(hours=9)}  # quiet hours are those of the tables
    manifest = read_manifest(folder)
    assert manifest["timezone"] == ZONE
    assert manifest["ingredients"]["as_of"] == "2024-03-08T00:00:00-05:00"


def test_its_page_shows_hours_of_the_zone(published):
    _, _, folder = published
    shown = (folder / "page.html").read_text("utf-8")
    assert f"hours of the day ({ZONE})" in shown
    assert "most at 09:00" in shown
    assert f"sent 2024-03-08 09:00 {ZONE}" in shown
    assert f"void from 2024-03-13 00:00 {ZONE}" in shown
    assert "UTC" not in shown


def test_it_is_evaluated_by_days_of_its_zone_and_by_no_others(published):
    tables, offered, folder = published
    list_of_day = Published.of(folder)
    assert list_of_day.longest_days() == 5
    window = window_of(list_of_day, 5)
    assert window.label_ends_at.isoformat() == "2024-03-13T00:00:00-04:00"
    found = evaluate(list_of_day, tables, offered, Question(5, 0.5))
    assert found["as_of"] == "2024-03-08T00:00:00-05:00"
    utc = world("UTC")
    with pytest.raises(InputError, match=f"the list is of a day of {ZONE} and the tables declare UTC; give"):
        evaluate(list_of_day, utc, offered, Question(5, 0.5))


def test_labels_of_its_scores_begin_on_its_day(published):
    _, _, folder = published
    scores, silent, unreadable = published_tables(folder.parent, folder.parent / "work")
    assert (silent, unreadable) == ([], [])
    assert {table.as_of for table in scores} == {datetime(2024, 3, 8, tzinfo=UTC)}


def test_a_model_that_was_trained_on_days_of_another_zone_is_refused(published):
    tables, offered, _ = published
    with pytest.raises(ConfigError, match=f"trained on days of UTC and the tables declare {ZONE}"):
        batch.run(settings(as_of=DAY), offered, tables, Champions([churn_source()]))
    with pytest.raises(ConfigError, match="days of Asia/Tokyo and the tables declare UTC; train it again"):
        batch.run(settings(as_of=DAY), offered, world("UTC"), Champions([churn_source(zone="Asia/Tokyo")]))


@pytest.mark.parametrize("zone", ["UTC", ZONE, "Asia/Kolkata", "Pacific/Auckland"])
def test_an_offer_runs_from_the_first_to_the_last_day_of_the_zone(zone):
    limits = ActionLimits(valid_from=date(2024, 4, 5), valid_until=date(2024, 4, 7), expires_after_days=3)
    at = [
        datetime(2024, 4, day, hour, tzinfo=ZoneInfo(zone))
        for day, hour in ((4, 23), (5, 0), (7, 23), (8, 0))
    ]
    assert [limits.offered(moment) for moment in at] == [False, True, True, False]
    assert limits.expires_at(at[2]) == at[3]


@pytest.mark.parametrize(("zone", "hour"), [("Asia/Kolkata", 23), ("Pacific/Auckland", 5), ("UTC", 17)])
def test_hours_of_a_page_are_those_of_the_manifest(tmp_path, zone, hour):
    told = {} if zone == "UTC" else {"timezone": zone}
    sent = row("c1", send_at=datetime(2024, 6, 3, 17, 30, tzinfo=UTC),
               reason_codes=["timing_evening_share=0.5 (+0.83)"])  # fmt: skip
    folder = write_list(tmp_path / "list", [sent], made_of=ingredients(), **told)
    shown = page(folder, read_manifest(folder))
    assert f"most at {hour:02d}:00" in shown
    assert f"orders in the evening ({zone})" in shown


def test_a_zone_that_a_policy_declares_is_kept_and_else_it_is_that_of_the_tables():
    declared = ContactPolicy.model_validate({"time_zone": "UTC"})
    assert declared.zone_beside(ZONE) == "UTC"
    assert ContactPolicy().zone_beside(ZONE) == ZONE
    assert ContactPolicy().time_zone == "UTC"


def test_times_of_the_tables_stay_instants(published):
    tables, _, _ = published
    lines = tables.pandas("order_lines")
    assert sorted(lines["ordered_at_epoch_s"]) == sorted(frames(40)["order_lines"]["ordered_at_epoch_s"])
    local = pd.to_datetime(lines["ordered_at_epoch_s"], unit="s", utc=True).dt.tz_convert(ZONE)
    shown = pd.to_datetime(lines["ordered_at_local_s"], unit="s")
    assert (shown.to_numpy() == local.dt.tz_localize(None).to_numpy()).all()
