"""experiments/005_recommend/last_out.py on made-up pasts: tables, ties counted against us, and choices."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scripts
from scipy.sparse import csr_array

from crm_ml.errors import InputError
from crm_ml.recommend.interactions import as_interactions
from crm_ml.recommend.recommendation_task import Task

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "experiments" / "005_recommend"


@pytest.fixture
def script(monkeypatch):
    monkeypatch.chdir(ROOT)
    return scripts.load("005_recommend/last_out.py", monkeypatch)


@pytest.fixture
def data(tmp_path):
    """Walks round a circle of 40 items, and baskets of few favourites."""
    rng = np.random.default_rng(0)
    (tmp_path / "s3rec").mkdir()
    starts = rng.integers(0, 40, 300)
    walks = [
        f"{n} " + " ".join(str((start + step) % 40) for step in range(8)) for n, start in enumerate(starts)
    ]
    for name in ("Beauty", "Toys_and_Games"):
        (tmp_path / "s3rec" / f"{name}.txt").write_text("\n".join(walks) + "\n")
    (tmp_path / "tafeng_baskets").mkdir()
    past, future = {}, {}
    for customer in range(200):
        favourites = rng.choice(50, 6, replace=False)
        baskets = [[int(one) for one in rng.choice(favourites, 3, replace=False)] for _ in range(7)]
        baskets = [[*one, int(rng.integers(0, 50))] for one in baskets]
        past[str(customer)] = [[-1], *(sorted(set(one)) for one in baskets[:-1]), [-1]]
        future[str(customer)] = [[-1], sorted(set(baskets[-1])), [-1]]
    for name, content in (("history", past), ("future", future)):
        (tmp_path / "tafeng_baskets" / f"tafeng_{name}.json").write_text(json.dumps(content))
    return tmp_path


def _table(folder, marker):
    text = (folder / "README.md").read_text(encoding="utf-8")
    return re.search(f"<!-- {marker} -->\n(.*?)\n<!-- end of {marker} -->", text, re.S)[1]


def test_it_writes_tables_with_baselines_published_figures_and_targets(script, data, tmp_path):
    shutil.copy(FOLDER / "README.md", tmp_path / "README.md")
    command = ["--only", "beauty", "--data", str(data), "--folder", str(tmp_path)]
    assert script.main(command) == 0
    rows = _table(tmp_path, "beauty").splitlines()[2:]
    assert rows[0].startswith("| model (next_item) | 1.0000")  # whoever walks round a circle is foreseen
    names = [row.split(" | ")[0] for row in rows]
    assert {"| item_knn", "| popularity", "| SASRec, published", "| target"} < set(names)
    assert "0.068: met | 0.041: met" in rows[-1]
    assert script.main(command) == 0
    kept = json.loads((tmp_path / "last_out.json").read_text())
    assert len(kept["looks"]) == 1
    assert kept["beauty"]["model"]["ndcg"]["value"] == pytest.approx(1.0)
    verdicts = _table(tmp_path, "verdict on beauty").splitlines()
    assert verdicts[0].startswith("- model - popularity: ndcg 0.")


def test_popularity_stands_beside_every_model_and_what_loses_to_it_says_so(script):
    events = [(f"c{n}", "top", day) for n in range(30) for day in (1, 3)]
    events += [(f"c{n}", f"own {n}", 2) for n in range(30)]
    data = as_interactions(pd.DataFrame(events, columns=["customer_id", "item_id", "occurred_at"]))
    only = {"own": ("personal_frequency", {"half_life_days": 1e-6})}
    result = script.judged(script.BENCHMARKS["ta_feng"], script.leave_last_out(data), only)
    assert result.models == ("own", "popularity")
    assert script.beside_popularity(result).startswith("- **own loses to popularity: ndcg -0.3")


def test_nothing_after_the_day_trains(script):
    rows = [("a", "x", 1), ("a", "y", 6), ("b", "x", 2), ("b", "y", 3), ("b", "new", 7), ("c", "y", 8)]
    events = as_interactions(pd.DataFrame(rows, columns=["customer_id", "item_id", "occurred_at"]))
    task = script.split_by_day(events, 5)
    assert task.data.customers.tolist() == ["a"]  # b bought nothing known later, c nothing before
    assert (task.data.at.max(), task.data.ends_at) == (1, 5)
    assert task.data.items[task.relevant.indices].tolist() == ["y"]
    with pytest.raises(InputError, match="take another day"):
        script.split_by_day(events, 1)


def test_settings_are_compared_on_the_last_but_one(script, data, tmp_path, capsys, monkeypatch):
    small = {"decay": 0.5}, {"decay": 0.9}
    toys = script.BENCHMARKS["toys"]
    monkeypatch.setitem(script.BENCHMARKS, "toys", type(toys)(**{**vars(toys), "choices": small}))
    assert script.main(["--only", "toys", "--data", str(data), "--folder", str(tmp_path), "--choose"]) == 0
    printed = capsys.readouterr().out
    assert "toys, last but one" in printed
    assert "{'decay': 0.9}" in printed
    assert list(tmp_path.glob("*.json")) == []


def test_baskets_are_read_in_their_order(script, data):
    events = script.benchmarks.ta_feng(*(data / "tafeng_baskets" / one for one in script.TA_FENG))
    history = json.loads((data / "tafeng_baskets" / "tafeng_history.json").read_text())
    task = script.leave_last_out(as_interactions(events))
    assert len(task.data.at) == sum(len(set(one) - {-1}) for baskets in history.values() for one in baskets)
    future = json.loads((data / "tafeng_baskets" / "tafeng_future.json").read_text())
    first = str(task.data.customers[0])
    hidden = set(task.data.items[task.relevant[[0]].tocoo().coords[1]])
    assert hidden == {str(one) for one in future[first][1]}


def test_ties_count_against_the_model(script):
    class Flat:
        """All items alike."""

        seen_ = csr_array((2, 8))

        def scores(self, rows):
            return np.ones((len(rows), 8))

    task = Task(None, {}, csr_array(np.eye(2, 8)))
    lists = script.worst_places(Flat(), task)
    assert lists.tolist() == [[-1] * 7 + [0, -1, -1], [-1] * 7 + [1, -1, -1]]


def test_files_that_can_not_be_read_are_named(script, tmp_path, capsys):
    assert script.main(["--only", "toys", "--data", str(tmp_path)]) == 2
    assert "no file Toys_and_Games.txt" in capsys.readouterr().err
    (tmp_path / "one.txt").write_text("1 2 3\n4\n")
    with pytest.raises(InputError, match=r"one\.txt: lines without an item: 2"):
        script.benchmarks.sequences(tmp_path / "one.txt")
    (tmp_path / "one.json").write_text('{"1": [[1]]}')
    (tmp_path / "two.json").write_text('{"2": [[1]]}')
    with pytest.raises(InputError, match="2 customers stand in one of them alone"):
        script.benchmarks.ta_feng(tmp_path / "one.json", tmp_path / "two.json")
    (tmp_path / "two.json").write_text("[1]")
    with pytest.raises(InputError, match=r"two\.json: no JSON of baskets by customer"):
        script.benchmarks.ta_feng(tmp_path / "one.json", tmp_path / "two.json")


def test_the_last_basket_is_hidden_and_the_one_before_for_validation(script):
    events = pd.DataFrame(
        [
            ("a", "x", 1),
            ("a", "y", 5),
            ("a", "z", 5),
            ("a", "x", 9),
            ("b", "x", 2),
            ("b", "z", 3),
            ("c", "y", 4),
        ],
        columns=["customer_id", "item_id", "occurred_at"],
    )
    test = script.leave_last_out(as_interactions(events))
    assert test.data.customers.tolist() == ["a", "b"]
    assert test.relevant.toarray().tolist() == [[1, 0, 0], [0, 0, 1]]
    assert test.data.ends_at == 6
    validation = script.leave_last_out(as_interactions(events), back=1)
    assert validation.data.customers.tolist() == ["a"]
    assert validation.relevant.toarray().tolist() == [[0, 1, 1]]
    assert validation.data.items[validation.data.item].tolist() == ["x"]
    with pytest.raises(InputError, match="no customer has more than 4 baskets; leave fewer out"):
        script.leave_last_out(as_interactions(events), back=3)
