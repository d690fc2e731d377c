"""Birthdays are read for those who allow it alone; days of the calendar agree with Python's own."""

from datetime import date, timedelta

import narwhals as nw
import numpy as np
import pandas as pd
import pytest

from crm_ml import features
from crm_ml.errors import ConfigError, InputError
from crm_ml.features.calendar_days import with_days_to_next, with_month_and_day
from crm_ml.snapshots import Snapshot
from crm_ml.tables import Tables

EPOCH = date(1970, 1, 1)
DAYS = [date(2024, 3, 10), date(2025, 3, 1)]
OPTIONS = {"occasions": {"birthday": "born_on", "purpose": "birthday_wishes"}}
BORN = {"a": "1990-03-15", "b": "03-09", "c": "2000-02-29", "d": "1985-12-31", "e": "1985-12-31"}


def seconds(day):
    return (day - EPOCH).days * 86_400


def shop(engine, consents=True):
    customers = pd.DataFrame({"customer_id": [*BORN], "born_on": [*BORN.values()]})
    lines = pd.DataFrame(
        {
            "customer_id": [*BORN], "order_id": [*BORN], "item_id": "x",
            "ordered_at_epoch_s": seconds(date(2024, 1, 1)),
            "quantity": 1, "paid_cents": 100, "discount_cents": 0, "coupon_cents": 0,
        }
    )  # fmt: skip
    changes = [
        ("a", True, date(2024, 1, 2)),
        ("b", True, date(2024, 1, 2)),
        ("c", True, date(2024, 1, 2)),
        ("d", True, date(2024, 1, 2)),
        ("d", False, date(2024, 6, 1)),
        ("e", True, date(2024, 6, 1)),
    ]
    table = pd.DataFrame(changes, columns=["customer_id", "granted", "day"])
    table = table.assign(purpose="birthday_wishes", changed_at_epoch_s=table.pop("day").map(seconds))
    return Tables(customers=customers, order_lines=lines, consents=table if consents else None).to(engine)


@pytest.mark.parametrize("engine", ["duckdb", "pandas", "polars"])
def test_birthdays_are_those_of_customers_who_allow_it_on_the_day(engine):
    snapshots = [Snapshot(day, timedelta(days=1)) for day in DAYS]
    first, second = (
        frame["occasions_days_to_birthday"] for frame in features.matrices(shop(engine), snapshots, OPTIONS)
    )
    assert first.dropna().to_dict() == {"a": 5, "b": 364, "c": 356, "d": 296}  # 1 March 2025, for a leap day
    assert second.dropna().to_dict() == {"a": 14, "b": 8, "c": 0, "e": 305}


def test_birthdays_need_a_purpose_a_consent_and_a_declared_column():
    snapshot = Snapshot(DAYS[0], timedelta(days=1))
    silent = features.matrix(shop("duckdb", consents=False), snapshot, OPTIONS)
    assert silent["occasions_days_to_birthday"].isna().all()
    assert features.matrix(shop("duckdb"), snapshot, ["occasions"])["occasions_days_to_birthday"].isna().all()
    with pytest.raises(ConfigError, match=r"'born_on' is personal; name the purpose"):
        features.matrix(shop("duckdb"), snapshot, {"occasions": {"birthday": "born_on"}})
    with pytest.raises(InputError, match="there is no column 'birthday'"):
        features.matrix(
            shop("duckdb"), snapshot, {"occasions": {"birthday": "birthday", "purpose": "wishes"}}
        )


def test_calendar_days_agree_with_those_of_python():
    days = np.random.default_rng(0).integers(-40_000, 60_000, 2_000)
    today = np.random.default_rng(1).integers(0, 30_000, 2_000)
    frame = nw.from_native(pd.DataFrame({"days": days, "today": today})).lazy()
    dated = with_days_to_next(with_month_and_day(frame, "days"), "today", "left").collect().to_native()
    for born, now, left in zip(days, dated["today"], dated["left"], strict=True):
        birth, day = EPOCH + timedelta(days=int(born)), EPOCH + timedelta(days=int(now))
        returns = []
        for year in (day.year, day.year + 1):
            try:
                returns.append(birth.replace(year=year))
            except ValueError:
                returns.append(date(year, 3, 1))
        assert left == min((each - day).days for each in returns if each >= day)
