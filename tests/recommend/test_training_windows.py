"""A window follows from its moment alone, and what follows from the same is made once."""

import numpy as np
import pandas as pd
import pytest

from crm_ml.errors import InputError
from crm_ml.models import model_folder
from crm_ml.recommend import head_models, training_windows
from crm_ml.recommend.interactions import as_interactions
from crm_ml.recommend.memo import Memo
from crm_ml.recommend.recommender import fitted
from crm_ml.recommend.recommenders import create
from crm_ml.recommend.training_windows import HeadSettings, TrainingWindow, Window

DAY = 86_400
END = 1_700_000_000 + 168 * DAY
SMALL = {"windows": 2, "rounds": 10, "own": 20, "candidates": 10, "l2": 5.0, "num_threads": 1}
KINDS = {f"i{number:02d}": "ab"[number % 2] for number in range(60)}


def events(until=END):
    rng = np.random.default_rng(0)
    size = 4000
    frame = pd.DataFrame(
        {
            "customer_id": [f"c{number:02d}" for number in rng.integers(0, 60, size)],
            "item_id": [f"i{number:02d}" for number in rng.zipf(1.5, size) % 60],
            "occurred_at": END - 168 * DAY + rng.integers(0, 168 * DAY, size),
        }
    ).drop_duplicates()
    late = frame["customer_id"].isin(["c00", "c01"]) & (frame["occurred_at"] < END - 40 * DAY)
    return frame[~late & (frame["occurred_at"] < until)]


def interactions(until=END, least_events=10):
    return as_interactions(events(until), until).with_at_least(least_events)


def test_what_was_known_at_a_moment_does_not_depend_on_the_end():
    cut = END - 56 * DAY
    then = interactions(cut)
    again = interactions().before(cut)
    assert then.content == again.content
    for name in ("customers", "items", "customer", "item", "at", "quantity"):
        np.testing.assert_array_equal(getattr(again, name), getattr(then, name))
    assert len(then.items) < len(interactions().items)
    assert len(then.customers) < len(interactions().customers)
    assert np.bincount(again.item).min() >= 10
    assert interactions(cut).content != interactions(cut - DAY).content
    assert interactions().with_at_least(10_000) is None


@pytest.mark.parametrize("number", [1, 2])
def test_equal_moments_are_equal_windows(number):
    settings, memo = HeadSettings.of(create("two_heads", **SMALL)), Memo()
    late, early = interactions(), interactions(END - 28 * DAY)
    windows = [
        TrainingWindow.before(data, KINDS, settings, back, Memo())
        for data, back in ((late, number + 1), (early, number))
    ]
    assert windows[0].content == windows[1].content
    for head in ("repeat", "new"):
        for part in ("rows", "X", "y"):
            np.testing.assert_array_equal(*(getattr(window, part)[head] for window in windows))
    now = Window.at_end(early, KINDS, settings, memo)
    assert Window.at_end(late.before(early.ends_at), KINDS, settings, memo) is now
    assert Window.at_end(late, KINDS, settings, memo) is not now
    other = HeadSettings.of(create("two_heads", **{**SMALL, "own": 19}))
    assert Window.at_end(early, KINDS, other, memo) is not now
    assert Window.at_end(early, {"i00": "b"}, settings, memo) is not now


def test_labels_are_the_purchases_of_the_window():
    data, settings = interactions(), HeadSettings.of(create("two_heads", **SMALL))
    cut = END - 28 * DAY
    window = TrainingWindow.before(data, KINDS, settings, 1, Memo())
    past = Window.at_end(data.before(cut), KINDS, settings, Memo())
    later = events()[events()["occurred_at"] >= cut]
    bought = set(zip(later["customer_id"], later["item_id"], strict=True))
    buyers = {customer for customer, item in bought if item in set(past.items)}
    for head in ("repeat", "new"):
        ids = [(past.customers[row], past.items[column]) for row, column in
               zip(past.rows[head], past.columns[head], strict=True)]  # fmt: skip
        kept = [pair for pair in ids if pair[0] in buyers]
        assert window.y[head].tolist() == [float(pair in bought) for pair in kept]
        assert 0 < window.y[head].sum() < len(kept)


def test_shared_parts_change_no_byte_and_are_made_once(monkeypatch, tmp_path):
    counts = {"window": 0, "head": 0}
    make_window, train = training_windows._window, head_models._train

    def counted(name, function):
        def call(*given):
            counts[name] += 1
            return function(*given)

        return call

    monkeypatch.setattr(training_windows, "_window", counted("window", make_window))
    monkeypatch.setattr(head_models, "_train", counted("head", train))
    memo, days = Memo(), (interactions(END - 28 * DAY), interactions())
    shared = [fitted(create("two_heads", **SMALL), data, KINDS, memo=memo) for data in days]
    assert counts == {"window": 4, "head": 8}  # of windows, three moments of the first day and one more
    tuned = fitted(create("two_heads", **SMALL, new_leaves=4), days[1], KINDS, memo=memo)
    assert counts == {"window": 4, "head": 10}
    assert fitted(create("two_heads", **SMALL), days[1], KINDS, memo=memo) is shared[1]
    for number, (model, data) in enumerate(zip([*shared, tuned], [*days, days[1]], strict=True)):
        alone = create("two_heads", **model.parameters).fit(data, KINDS)
        for name, part in (("shared", model), ("alone", alone)):
            model_folder.save(part, tmp_path / f"{name}-{number}", "recommend")
        paths = [sorted((tmp_path / f"{name}-{number}").iterdir()) for name in ("shared", "alone")]
        for one, other in zip(*paths, strict=True):
            assert one.read_bytes() == other.read_bytes(), one.name


def test_a_refresh_with_the_same_events_makes_nothing(tmp_path, monkeypatch):
    model_folder.save(create("two_heads", **SMALL).fit(interactions(), KINDS), tmp_path / "m", "recommend")
    model = model_folder.load(tmp_path / "m")
    before = model.probability_
    monkeypatch.setattr(type(model), "_refresh", lambda *_: pytest.fail("made again"))
    assert model.refresh(interactions(), KINDS).probability_ is before
    for data, kinds in ((interactions(END - 28 * DAY), KINDS), (interactions(), {"i00": "b"})):
        with pytest.raises(pytest.fail.Exception, match="made again"):
            model.refresh(data, kinds)


def test_files_of_an_earlier_version_are_refused(tmp_path):
    create("popularity").fit(interactions()).save(tmp_path)
    (tmp_path / "learned_from.txt").unlink()
    with pytest.raises(InputError, match="it has no learned_from: of another version; train it again"):
        type(create("popularity")).load(tmp_path)
