"""Which families have score tables, a company's own among them, and what their tables follow from."""

import importlib
import sys
from datetime import timedelta
from importlib.metadata import EntryPoint

import pytest
import score_world
from changed_code import changed_modules
from score_world import AS_OF

from crm_ml.config.run import GROUP
from crm_ml.errors import ConfigError, InputError
from crm_ml.score_tables import families
from crm_ml.score_tables.families import family_module, family_of, score_table_families
from crm_ml.score_tables.feature_table import features_of
from crm_ml.score_tables.joined import score_day
from crm_ml.score_tables.source import ScoringDay
from crm_ml.snapshots import Snapshot, as_utc

OURS = ["churn", "clv", "propensity", "recommend", "uplift"]
SCORE_TABLE = """
from dataclasses import dataclass
from typing import ClassVar

import pyarrow as pa

from crm_ml.evaluation import calibrators
from crm_ml.score_tables.score_rows import chunks, score_rows, score_schema
from crm_ml.score_tables.source import Source
from crm_ml.storage import parquet

SCORES, NEEDS = ("p_visit",), ()


@dataclass(frozen=True, eq=False, kw_only=True)
class VisitSource(Source):
    family: ClassVar[str] = "visits"
    scores: ClassVar[tuple[str, ...]] = SCORES

    def write(self, day, action, output):
        def rows(chunk):
            scores = {"p_visit": pa.nulls(len(chunk), pa.float64())}
            return score_rows(score_schema("p_visit"), chunk["customer_id"], scores, self.versioned_name)

        return parquet.write(chunks(day.features, rows), score_schema("p_visit"), output.path)


def load(version):
    return VisitSource(name=version.name, sums=version.content)


def label(version, stage, as_of):
    return "nobody counts visits"
"""


@pytest.fixture
def own(tmp_path, monkeypatch):
    """Install the package of a family of one's own: its name, and the text of its module."""

    def install(family, content=SCORE_TABLE):
        package = f"own_{family}"
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").write_text("")
        if content is not None:
            (tmp_path / package / "score_table.py").write_text(content)
        importlib.invalidate_caches()
        points = {family: EntryPoint(family, package, GROUP)}
        monkeypatch.setattr(families, "installed", lambda group: points if group == GROUP else {})
        score_table_families.cache_clear()

    monkeypatch.syspath_prepend(tmp_path)
    yield install
    score_table_families.cache_clear()
    for name in [name for name in sys.modules if name.startswith("own_")]:
        del sys.modules[name]


def test_our_families_are_found_in_their_order_and_each_score_has_one():
    assert list(score_table_families()) == OURS
    scores = [score for module in score_table_families().values() for score in module.SCORES]
    assert len(set(scores)) == len(scores)
    assert [family_of(score) for score in ("p_churn", "clv_cents", "p_alive")] == ["churn", "clv", "clv"]
    assert family_of("p_visit") is None
    with pytest.raises(InputError, match=f"no family 'visits' has score tables; there are {', '.join(OURS)}"):
        family_module("visits")


def test_a_family_of_ones_own_is_found_by_its_entry_point(own):
    own("visits")
    assert list(score_table_families()) == [*OURS, "visits"]
    assert family_of("p_visit") == "visits"
    assert family_module("visits").__name__ == "own_visits.score_table"


@pytest.mark.parametrize(
    ("family", "content", "words"),
    [
        (
            "absent",
            None,
            "there is no module own_absent.score_table; install it, or put",
        ),
        ("broken", "1 / 0", "own_broken.score_table can't be imported: ZeroDivisionError"),
        ("bare", "SCORES, NEEDS = (), ()", "own_bare.score_table has no label, load"),
        ("churn", SCORE_TABLE, "crm_ml has a family of that name; give yours another one"),
    ],
)
def test_an_entry_point_that_gives_no_score_table_is_named(own, family, content, words):
    own(family, content)
    with pytest.raises(ConfigError, match=f"entry point {family} of {GROUP}: ") as refused:
        score_table_families()
    assert words in str(refused.value)


@pytest.mark.parametrize("name", ["crm_ml.evaluation.calibrators", "own_visits.score_table"])
def test_the_table_of_ones_own_family_follows_its_code_and_ours(own, tmp_path, monkeypatch, name):
    own("visits")
    source = family_module("visits").VisitSource(name="visits", sums="ab" * 32)
    tables, snapshot = score_world.tables(tmp_path / "tables"), Snapshot(as_utc(AS_OF), timedelta(days=1))
    day = ScoringDay(tables, snapshot, features_of(tmp_path / "work", tables, snapshot, {}))

    def stage():
        return score_day(tmp_path / "work", day, [source], []).tables[0].path.parent.name

    first = stage()
    assert stage() == first
    changed_modules(monkeypatch).add(name)
    assert stage() != first
