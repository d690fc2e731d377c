"""Features of some customers, from their rows alone, are those among all to the bit, and leave nothing."""

from datetime import timedelta

import pandas as pd
import pytest

from crm_ml import churn
from crm_ml.datasets import simulated
from crm_ml.features import matrix
from crm_ml.models import customer_matrix
from crm_ml.models.customer_matrix import matrices_of, of_customers, of_some
from crm_ml.models.row_draw import RowDraw
from crm_ml.snapshots import Snapshot

DAYS = [Snapshot(day, timedelta(days=28)) for day in ("2024-08-01", "2024-09-05")]
GROUPS = ("habit",)  # which takes a constant of the whole tables
WITHIN = timedelta(days=112)


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    return simulated.load(tmp_path_factory.mktemp("worlds"), customers=300, campaigns=0)


@pytest.fixture
def one_a_pass(monkeypatch):
    """Tables are so large that a pass has one snapshot, and a part of the customers is computed alone."""
    monkeypatch.setattr(customer_matrix, "snapshots_in_a_pass", lambda _: 1)
    parts = []
    real = customer_matrix.of_customers
    monkeypatch.setattr(
        customer_matrix, "of_customers", lambda *given: (parts.append(len(given[1])), real(*given))[1]
    )
    return parts


def test_the_features_of_some_are_those_among_all_to_the_bit(tables, one_a_pass):
    whole = [matrix(tables, day, GROUPS) for day in DAYS]
    ids = [known.index[::7] for known in whole]
    wanted = dict(zip(DAYS, ids, strict=True))
    for known, some, alone in zip(whole, ids, matrices_of(tables, wanted, GROUPS), strict=True):
        assert len(alone) == len(some)
        pd.testing.assert_frame_equal(alone, known.loc[some], check_exact=True)
    assert one_a_pass == [len(each) for each in ids]
    everybody = next(matrices_of(tables, {DAYS[0]: ids[0]}, GROUPS, [DAYS[0].as_of]))
    pd.testing.assert_frame_equal(everybody, whole[0], check_exact=True)


def test_temporary_tables_are_gone_after_the_block(tables):
    def count():
        return tables.cursors.connection.sql("SELECT count(*) FROM duckdb_tables()").fetchall()[0][0]

    assert tables.pandas("orders") is not None
    before = count()
    with of_customers(tables, pd.Index(tables.pandas("customers")["customer_id"][:5])) as part:
        assert part.pandas("orders")["customer_id"].nunique() <= 5
        assert len(part.pandas("customers")) == 5
        assert count() > before
    assert count() == before
    with of_some(tables, 100) as some:
        assert 60 < len(some.pandas("customers")) < 140  # of 300
    with of_some(tables, 300) as some:
        assert some is tables


def test_a_drawn_row_depends_on_nothing_after_its_label(tables, one_a_pass):
    """What is ordered after a label window changes neither who is drawn nor what is known of them."""
    day = DAYS[0]
    y = churn.labels(tables, day, WITHIN)
    counts = {str(day): (len(y) - int(y.sum()), int(y.sum()))}
    draw = RowDraw.within((60, None), 17, counts, [[str(day)]], [str(day)])
    draw = RowDraw(17, draw.shares, 0.3, draw.training, draw.judging, counts)
    ends = Snapshot(day.label_ends_at, timedelta(days=1))
    before = ends.known(tables)
    rows = [
        churn.labelled_rows(part, [day], WITHIN, GROUPS, "2024-12-01", draw=draw) for part in (tables, before)
    ]
    pd.testing.assert_frame_equal(rows[0].X, rows[1].X, check_exact=True)
    pd.testing.assert_series_equal(rows[0].y, rows[1].y)
    assert (rows[0].weights == rows[1].weights).all()
    assert len(rows[0].to_train([day]).y) <= 60 < len(rows[0].y) < len(y)
    assert one_a_pass
