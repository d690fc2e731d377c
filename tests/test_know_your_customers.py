"""From profiles of four channels to customers, tags, layers and a list, and the next day from these."""

import shutil
from datetime import date
from pathlib import Path

import pandas as pd
import pytest
import scripts

from crm_ml import datasets
from crm_ml.datasets import simulated
from crm_ml.identity import b_cubed
from crm_ml.identity.__main__ import main as identity
from crm_ml.identity.published_customers import read_published
from crm_ml.layers.__main__ import main as layers
from crm_ml.layers.layer_folder import LayerFolder
from crm_ml.lists import read_list
from crm_ml.score.__main__ import main as score
from crm_ml.tags import TagStore, load_catalogue
from crm_ml.tags.__main__ import main as tags
from crm_ml.tags.tag_files import newest

PROJECT = Path(__file__).parents[1]
CUSTOMERS = 500


@pytest.fixture
def know(tmp_path, monkeypatch):
    """A project with the committed configs, and a function that lives through one day of it."""
    shutil.copytree(PROJECT / "configs", tmp_path / "configs")
    shutil.copy(PROJECT / "pyproject.toml", tmp_path)
    monkeypatch.chdir(tmp_path)
    for name in ("CRM_ML_DATA", "CRM_ML_RUNS"):
        monkeypatch.delenv(name, raising=False)
    exports = scripts.load("017_know_your_customers/exports.py", monkeypatch)

    def live(day, *previous, again=False):
        once = 3 if again else 0
        of_day, few = ["--as-of", day], ["--customers", str(CUSTOMERS)]
        assert exports.main(["profiles", *of_day, *few]) == 0
        assert identity(["configs/identity/channels.yaml", *of_day]) == once
        assert exports.main(["sales", *of_day, *few]) == 0
        assert tags(["tags/know", *of_day, *(["--previous", "data/tags/know"] if previous else [])]) == 0
        assert layers(["know", *of_day, *(["--previous", "data/layers/know"] if previous else [])]) == once
        assert score(["score/know", *of_day]) == once
        published = read_published(Path("data/identity/customers") / day).table.to_pandas()
        (listed,) = Path("data/lists/know").glob(f"{day}-*")
        store = TagStore.load(newest(Path("data/tags/know"), date.fromisoformat(day)))
        return published.set_index("profile_id")["customer_id"], store, read_list(listed)

    return live


@pytest.mark.slow
def test_profiles_become_customers_tags_layers_and_a_list_and_the_next_day_follows(know, capsys):
    made = simulated.profiles(customers=CUSTOMERS, days=364, campaigns=0, seed=0)
    first, store, listed = know("2023-11-01")
    agreement = b_cubed(first, made.truth[first.index])
    assert agreement.f1 > 0.85 and agreement.precision > 0.97
    named = store.frame()
    rows = listed["customer_id"]
    assert len(rows) > 10
    assert named.loc[rows, "tag_again"].all() and named.loc[rows, "tag_recent"].all()
    of_day = LayerFolder.read(Path("data/layers/know")).frame()
    assert of_day.loc[rows, "layer_name"].isin(["keep", "develop"]).all()
    assert set(rows) <= set(first)

    second, after, again = know("2023-11-02", "previous")
    told = capsys.readouterr().out
    assert "looked at again:" in told and "moves since" in told
    both = first.index.intersection(second.index)
    assert (first[both] == second[both]).mean() > 0.99  # but for persons that a new profile has joined
    tables = datasets.load("configs/data/know.yaml")
    built = TagStore.build(tables, date(2023, 11, 2), load_catalogue("tags/know"))
    stateless = [name for name in built.frame() if name != "tag_regular"]
    pd.testing.assert_frame_equal(after.frame()[stateless], built.frame()[stateless])
    had = named["tag_regular"].reindex(after.frame().index)
    assert (after.frame().loc[had.fillna(False), "tag_regular"]).mean() > 0.95  # who has it keeps it
    listed = again["customer_id"]
    assert len(listed) > 10
    assert after.frame().loc[listed, ["tag_again", "tag_recent"]].all(axis=None)
    of_next = LayerFolder.read(Path("data/layers/know")).frame()
    assert of_next.loc[listed, "layer_name"].isin(["keep", "develop"]).all()

    capsys.readouterr()
    know("2023-11-01", again=True)  # what is published stays, and each day is made from the day before
    assert know("2023-11-02", "previous", again=True)[0].equals(second)
    rerun = capsys.readouterr().out
    looked = [line for line in told.splitlines() if line.startswith("looked at again")]
    assert [line for line in rerun.splitlines() if line.startswith("looked at again")] == looked
