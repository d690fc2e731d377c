"""Which rows are drawn for training and for judging: sizes, weights, rates, and what a draw may know."""

import numpy as np
import pandas as pd
import pytest

from crm_ml.models.labelled_rows import LabelledRows
from crm_ml.models.model import create
from crm_ml.models.row_draw import RowDraw, evenly

DAYS = ["2024-05-01", "2024-05-08", "2024-05-15", "2024-05-22"]
TRAINING, TESTS = DAYS[:3], DAYS[2:]


def outcomes(customers=4_000, rate=0.05):
    """Labels of customers on four days, the rate growing from day to day."""
    draw = np.random.default_rng(0)
    ids = pd.Index([f"c{number}" for number in range(customers)], name="customer_id").sort_values()
    return {
        day: pd.Series((draw.random(customers) < rate * (1 + place)).astype("int8"), index=ids, name="left")
        for place, day in enumerate(DAYS)
    }


def counts_of(labels):
    return {day: (len(y) - int(y.sum()), int(y.sum())) for day, y in labels.items()}


def drawn(labels, training_rows=2_000, judging_rows=3_000, seed=17):
    limits = training_rows, judging_rows
    return RowDraw.within(limits, seed, counts_of(labels), [TRAINING], TESTS)


def rows_of(draw, labels):
    """Rows whose one feature is the number of the customer, a text of which the label knows nothing."""
    held = {day: draw.of(day, y) for day, y in labels.items()}
    X = {
        day: pd.DataFrame({"number": [float(i[1:]) for i in rows.index]}, index=rows.index)
        for day, rows in held.items()
    }
    return LabelledRows.joined(X, held, "as_of")


def test_weights_of_a_day_and_class_sum_to_its_rows_and_every_rate_is_that_of_all():
    labels = outcomes()
    draw = drawn(labels)
    rows = rows_of(draw, labels)
    past = rows.to_train(TRAINING)
    assert 1_990 <= len(past.y) <= 2_000  # and no more than the limit
    assert 950 < past.y.sum() <= 1_000  # the rarer class has half of the rows, with .1 of the population
    for day in TRAINING:
        alone, y = past.at([day]), labels[day]
        for label in (0, 1):
            ours = alone.y.to_numpy() == label
            assert alone.weights[ours].sum() == pytest.approx((y == label).sum(), rel=1e-12)
        assert alone.rate == pytest.approx(y.mean(), rel=1e-12)
    assert draw.drawn(TRAINING) == (12_000, len(past.y), int(past.y.sum()))
    model = past.fitted(create("logistic", strength=1.0))
    everybody = pd.concat(labels[day] for day in TRAINING)
    X = pd.DataFrame({"number": [float(i[1:]) for i in everybody.index]})
    assert model.predict_proba(X)[:, 1].mean() == pytest.approx(everybody.mean(), abs=0.01)


def test_who_judges_is_drawn_evenly_and_the_same_on_all_days_and_trains_apart_from_it():
    labels = outcomes()
    rows = rows_of(drawn(labels), labels)
    first, second = (rows.to_judge([day]) for day in TESTS)
    assert first.customer_id.equals(second.customer_id)
    assert 2 * len(first.y) == pytest.approx(3_000, rel=0.1)
    assert first.y.mean() == pytest.approx(labels[TESTS[0]].mean(), abs=0.02)
    assert not len(rows.to_judge(TRAINING[:1]).y)
    assert len(rows.at(TESTS[:1]).y) > max(len(first.y), len(rows.to_train(TESTS[:1]).y))


def test_the_same_rows_are_drawn_in_any_order_and_beside_other_days():
    labels = outcomes()
    draw = drawn(labels)
    y = labels[TRAINING[0]]
    shuffled = y.sample(frac=1, random_state=1)
    pd.testing.assert_frame_equal(draw.of(TRAINING[0], shuffled).sort_index(), draw.of(TRAINING[0], y))
    others = drawn(labels, seed=18).of(TRAINING[0], y)
    assert len(draw.of(TRAINING[0], y).index.intersection(others.index)) < 0.7 * len(others)
    days = [draw.of(day, y) for day in TRAINING[:2]]
    assert not days[0].index.equals(days[1].index)  # each day has a draw of its own


def test_a_draw_knows_no_label_but_that_of_the_row():
    labels = outcomes()
    draw, y = drawn(labels), labels[TRAINING[0]]
    turned = y.copy()
    turned.iloc[:10] = 1 - turned.iloc[:10]
    kept = draw.of(TRAINING[0], y).index[10:-10].difference(y.index[:10])
    again = draw.of(TRAINING[0], turned).index
    # ten labels of others move where the draw of a class ends by ten rows at most
    assert len(kept.difference(again)) <= 10


def test_nothing_is_drawn_where_all_rows_are_within_the_limits():
    labels = outcomes(100)
    counts = counts_of(labels)
    assert RowDraw.within((500, 500), 0, counts, [TRAINING], TESTS) is None
    assert RowDraw.within((None, None), 0, counts, [TRAINING], TESTS) is None
    X = pd.concat({day: pd.DataFrame({"a": 1.0}, index=y.index) for day, y in labels.items()})
    X.index.names = ["as_of", "customer_id"]
    rows = LabelledRows(X, pd.concat(labels, names=X.index.names))
    assert rows.to_judge() is rows
    assert evenly(rows) is rows
    assert rows.to_train(TRAINING).weights is None


def test_the_largest_model_is_within_the_limit_and_so_are_all():
    counts = {"may": (90, 10), "june": (900, 100), "july": (20, 80)}
    draw = RowDraw.within((400, None), 0, counts, [["may"], ["may", "june"], ["june", "july"]], ["july"])
    for names in (["may", "june"], ["june", "july"]):
        assert draw.drawn(names)[1] <= 400
    assert draw.judging_share == 1
    assert draw.facts(["may"])["final"]["rows"] == 100


def test_rows_drawn_by_class_are_thinned_to_an_even_draw():
    labels = outcomes()
    past = rows_of(drawn(labels), labels).to_train(TRAINING)
    even = evenly(past)
    expected = sum(labels[day].sum() for day in TRAINING) / 12_000
    assert even.y.mean() == pytest.approx(expected, abs=0.03)
    assert past.y.mean() > 0.45
