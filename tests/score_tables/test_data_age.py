"""How far a list may lie after the tables that it is made from."""

from datetime import date

import pytest
import score_world
from score_world import churn_source

from crm_ml.errors import InputError
from crm_ml.score_tables.data_age import age_of, check_age
from crm_ml.tables import Tables


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    """Tables whose newest order was on 2024-05-31."""
    return score_world.tables(tmp_path_factory.mktemp("tables"))


@pytest.mark.parametrize(("day", "days"), [("2024-05-01", 0), ("2024-06-01", 0), ("2024-06-04", 3)])
def test_the_age_counts_from_the_day_after_the_newest_order(tables, day, days):
    age, sentence = age_of(tables, date.fromisoformat(day))
    assert (age, sentence.startswith(f"the tables end on 2024-06-01, {days} days")) == (days, days > 0)
    check_age(tables, date.fromisoformat(day), [])


def test_the_longest_horizon_beyond_28_days_is_the_limit(tables):
    weekly, long = churn_source(horizon_days=7), churn_source(horizon_days=56)
    check_age(tables, date(2024, 6, 29), [weekly])
    with pytest.raises(InputError, match="29 days before the day of the list"):
        check_age(tables, date(2024, 6, 30), [weekly])
    check_age(tables, date(2024, 7, 27), [weekly, long])
    with pytest.raises(InputError, match="57 days before"):
        check_age(tables, date(2024, 7, 28), [weekly, long])


def test_tables_without_an_order_have_no_end(tables):
    lines = tables.pandas("order_lines").iloc[:0]
    assert age_of(Tables(tables.pandas("customers"), lines), date(2024, 9, 1)) == (0, "")
