"""A list is the same to the byte however its customers are dealt into parts, and whoever works on them."""

from datetime import timedelta

import pytest
import score_world
from pydantic import ValidationError
from score_world import AS_OF, action, catalog, churn_source, contents, settings

from crm_ml.actions.contact.contact_policy import ContactPolicy
from crm_ml.decision.exploration import Explore
from crm_ml.decision.holdouts import HoldOut
from crm_ml.errors import IntegrityError
from crm_ml.parts.dealing import deal
from crm_ml.parts.part_number import parts_for
from crm_ml.parts.workers import LocalWorkers
from crm_ml.score import batch
from crm_ml.score_tables.champion_set import Champions
from crm_ml.storage.part import Part

POLICY = ContactPolicy.model_validate(
    {
        "windows": [{"at_most": 1, "days": 7, "per": "action"}],
        "quiet_hours": {"from": 21, "to": 9},
        "time_zone": "Asia/Kolkata",
        "send_time": {
            "prior_strength": 5,
            "segment": "preference_categories",
            "events": False,
            "orders": True,
        },
    }
)
HOLD_OUT = HoldOut(salt="in parts", universal=0.1, actions={"coupon": 0.2})


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    return score_world.tables(tmp_path_factory.mktemp("tables"), n_customers=150)


def two_lists(folder, tables, monkeypatch, parts, workers=1):
    """Write lists of two days, the second after the contacts and the used stock of the first."""
    monkeypatch.setenv("CRM_ML_DATA", str(folder / "data"))
    offered = catalog(
        action("coupon", score="p_churn", stock=30, eligible="rfm_orders_84d >= 1"),
        action("push", channel="push", score="p_churn", cost_cents=1, assumed_effect=0.4, daily_cap=25),
        action("booklet", cost_cents=100, assumed_effect=0.2, item_ids=("i1", "i2")),
    ).model_copy(update={"contact_policy": POLICY})
    for day in (AS_OF, AS_OF + timedelta(days=1)):
        wanted = settings(
            as_of=day,
            daily_cap=60,
            hold_out=HOLD_OUT,
            explore=Explore(share=0.2, salt="in parts"),
            parts=parts,
            workers=workers,
        )
        batch.run(wanted, offered, tables, Champions([churn_source()]), folder / "lists")
    return contents(folder / "lists")


@pytest.fixture(scope="module")
def whole(tables, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        return two_lists(tmp_path_factory.mktemp("whole"), tables, patch, parts=1)


@pytest.mark.slow
@pytest.mark.parametrize(("parts", "workers"), [(2, 1), (16, 2)])
def test_lists_have_the_same_bytes_in_parts(tmp_path, tables, whole, monkeypatch, parts, workers):
    assert len(whole) == 2 * len([name for name in whole if "list.parquet" in name]) * 2 + 1
    assert two_lists(tmp_path, tables, monkeypatch, parts, workers) == whole


def test_every_customer_is_in_one_part(tables, tmp_path):
    parted = deal(tables, 4, tmp_path)
    ids = [name for part in parted.parts() for name in parted.part(part).pandas("customers")["customer_id"]]
    assert sorted(ids) == sorted(tables.pandas("customers")["customer_id"])
    lines = sum(len(parted.part(part).pandas("order_lines")) for part in parted.parts())
    assert lines == len(tables.pandas("order_lines"))
    assert all(len(parted.part(part).pandas("items")) == 3 for part in parted.parts())
    assert parted.constants == deal(tables, 1, tmp_path).constants


def test_parts_are_dealt_once_and_checked(tables, tmp_path):
    folder = deal(tables, 4, tmp_path).folder
    [file] = (folder / "order_lines" / "part=2").glob("*")
    changed = file.stat().st_mtime_ns
    parted = deal(tables, 4, tmp_path)
    assert file.stat().st_mtime_ns == changed
    file.write_bytes(file.read_bytes()[:-1] + b"x")
    parted.part(Part(1, 4))
    with pytest.raises(IntegrityError, match=r"part=2/data_0.parquet has changed"):
        parted.part(Part(2, 4))


def test_a_part_without_a_customer_has_empty_tables(tmp_path):
    parted = deal(score_world.tables(tmp_path / "few", n_customers=2), 16, tmp_path)
    sizes = [len(parted.part(part).pandas("order_lines")) for part in parted.parts()]
    assert sizes.count(0) >= 14 and sum(sizes) == 8


def test_settings_refuse_numbers_of_parts_that_are_no_power_of_two():
    with pytest.raises(ValidationError, match=r"12 is no power of two from 1 to 4,096; give 1, 2, 4, 8"):
        settings(parts=12)


def test_parts_follow_size_and_memory():
    assert parts_for(250_000, 2_000_000, 16 * 10**9) == 1
    assert parts_for(10_000_000, 215_000_000, 16 * 10**9) == 64
    assert parts_for(10_000_000, 215_000_000, 2 * 10**9) == 128
    assert parts_for(1_000_000, 21_500_000, 2 * 10**9, workers=4) == 64


def _killed(number):
    import os
    import signal

    os.kill(os.getpid(), signal.SIGKILL) if number == 1 else None
    return number


def test_a_worker_that_was_killed_is_one_error():
    from crm_ml.errors import InputError

    with pytest.raises(InputError, match=r"a worker of 2 was killed.*finished parts are kept: run again"):
        list(LocalWorkers(2).map(_killed, range(3)))
