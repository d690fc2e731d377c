"""Retention plots show the shares of the table, and nothing of what has not ended."""

import numpy as np
import pandas as pd
import pytest
from plotted_lines import lines

from crm_ml import clv, plots
from crm_ml.errors import InputError


@pytest.fixture
def table():
    days = {
        "a": ["2024-01-05", "2024-02-09", "2024-03-01"],
        "b": ["2024-01-30"],
        "c": ["2024-02-02", "2024-03-05"],
    }
    rows = [(customer, day) for customer, dates in days.items() for day in dates]
    lines_of = pd.DataFrame(rows, columns=["customer_id", "ordered_at"]).assign(paid_cents=100)
    return clv.retention(lines_of.assign(ordered_at=pd.to_datetime(lines_of["ordered_at"])), "2024-04-01")


def test_the_curve_pools_cohorts_that_have_reached_an_age(table):
    axes = plots.retention(table).axes[0]
    age, share = lines(axes)["all cohorts"].get_data()
    assert age.tolist() == [0, 1, 2]
    assert share.tolist() == pytest.approx([100, 100 * 2 / 3, 50])
    assert "3 customers in 2 cohorts" in axes.get_title("left")
    assert axes.get_xlabel() == "months since the first purchase"


def test_the_heat_map_has_a_row_a_cohort_and_blanks(table):
    axes = plots.retention_matrix(table).axes[0]
    np.testing.assert_allclose(axes.images[0].get_array().filled(np.nan), [[100, 50, 50], [100, 100, np.nan]])
    assert [label.get_text() for label in axes.get_yticklabels()] == ["2024-01-01  (2)", "2024-02-01  (1)"]
    assert [text.get_text() for text in axes.texts] == ["100", "50", "50", "100", "100"]


def test_a_table_that_was_a_file_of_text_is_drawn_alike(table, tmp_path):
    table.to_csv(tmp_path / "table.csv", index=False)
    again = pd.read_csv(tmp_path / "table.csv")
    names = [label.get_text() for label in plots.retention_matrix(again).axes[0].get_yticklabels()]
    assert names == ["2024-01-01  (2)", "2024-02-01  (1)"]
    with pytest.raises(InputError, match="cohort is no day, such as 2024-01-01, in 5 of 5 rows"):
        plots.retention_matrix(table.assign(cohort="first"))


def test_ten_years_of_weeks_stay_a_figure_that_can_be_saved():
    weeks = 520
    cohort = pd.date_range("2015-01-05", periods=weeks, freq="W-MON").repeat(weeks)
    age = np.tile(np.arange(weeks), weeks)
    columns = {"cohort": cohort, "age": age, "customers": 10, "active": 5, "share": 0.5}
    figure = plots.retention_matrix(pd.DataFrame(columns))
    assert figure.get_size_inches().tolist() == [16, 16]
    for axis in (figure.axes[0].xaxis, figure.axes[0].yaxis):
        named = axis.get_ticklocs()
        assert 10 < len(named) < 45 and named[0] == 0 and len({*np.diff(named)}) == 1


def test_a_table_of_something_else_is_refused(table):
    with pytest.raises(InputError, match=r"no column age, active; make it with crm_ml\.clv\.retention"):
        plots.retention(table.drop(columns=["age", "active"]))
    with pytest.raises(InputError, match="no share"):
        plots.retention_matrix(table.assign(share=np.nan))
