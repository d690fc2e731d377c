"""A list reads published tags as columns, says which, and takes none that are of another day."""

import json
from datetime import timedelta

import pytest
import score_world
from score_world import AS_OF, action, catalog, churn_source

from crm_ml.errors import ConfigError, InputError
from crm_ml.lists import read_list
from crm_ml.score import batch
from crm_ml.score_tables.champion_set import Champions
from crm_ml.score_tables.tag_table import tag_source
from crm_ml.storage import manifest
from crm_ml.tags import TagCatalogue, TagStore

RULES = {"often": "rfm_orders_84d >= 2", "quiet": "rfm_days_since_order > 14", "both": "often and quiet"}
CATALOGUE = {name: {"description": name, "rule": rule, "valid_days": 30} for name, rule in RULES.items()}


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    return score_world.tables(tmp_path_factory.mktemp("tables"))


@pytest.fixture(scope="module")
def store(tables):
    return TagStore.build(tables, AS_OF, TagCatalogue.model_validate({"tags": CATALOGUE}))


def test_rules_of_actions_read_tags_and_the_list_says_which(store, tables, project):
    store.save(project / "tags" / "shop" / "today")
    settings = score_world.settings(tags={"folder": "tags/shop", "names": ["often", "both"]})
    models = settings.with_published(Champions([churn_source()]))
    chosen = action("coupon", score="p_churn", eligible="tag_often = true and not tag_both = true")
    published = batch.run(settings, catalog(chosen), tables, models)
    listed = set(read_list(published.folder)["customer_id"])
    assert listed
    assert listed <= set(store.audience("often and not both").ids())
    source = models.sources[-1]
    made_of = json.loads((published.folder / "manifest.json").read_text("utf-8"))["ingredients"]["models"]
    assert made_of["tags_shop"] == source.sums
    assert source.sums.startswith(manifest.fingerprint(project / "tags" / "shop" / "today"))
    wrong = action("coupon", score="p_churn", eligible="tag_quiet = true")  # it is none of the names
    with pytest.raises(ConfigError, match="there is no column 'tag_quiet'"):
        batch.run(settings, catalog(wrong), tables, models)
    with pytest.raises(ConfigError, match="tags: both, often stand in the catalogue of actions too"):
        settings.with_published(Champions(), {"both": "", "often": ""})


def test_tags_of_another_day_or_of_no_name_are_refused(store, project):
    folder = project / "tags" / "old"
    with pytest.raises(
        InputError, match="there are no tags of 2024-06-01 or an earlier day, 0 of later ones"
    ):
        tag_source(folder, AS_OF, (), 0)
    store.save(folder / "one")
    assert tag_source(folder, AS_OF, (), 0).columns == ("tag_both", "tag_often", "tag_quiet")
    with pytest.raises(InputError, match="1 of later ones"):
        tag_source(folder, AS_OF - timedelta(days=1), (), 9)
    with pytest.raises(InputError, match="takes those of at most 2 days before it"):
        tag_source(folder, AS_OF + timedelta(days=3), (), 2)
    with pytest.raises(InputError, match="often holds for 30 days"):
        tag_source(folder, AS_OF + timedelta(days=31), (), 60)
    with pytest.raises(InputError, match="'loud' is no tag"):
        tag_source(folder, AS_OF, ["loud"], 0)
    store.save(folder / "two")
    with pytest.raises(InputError, match="there are 2 tags of 2024-06-01: one, two; name one as the folder"):
        tag_source(folder, AS_OF, (), 0)
    assert tag_source(folder / "two", AS_OF, (), 0).names
