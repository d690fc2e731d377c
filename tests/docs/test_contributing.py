"""The table of what one touches for a new thing is counted, and each row is followed by its example."""

import re
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
KINDS = {
    "a feature group", "a model of a probability", "a learner of uplift", "a recommender",
    "a pair of value models", "a table", "a data set", "a loader (database)", "an exporter", "a family",
    "an experiment", "a decision",
}  # fmt: skip
PATH = re.compile(r"`((?:crm_ml|tests|configs|docs|experiments)/[^`]*|pyproject\.toml)`")


def rows():
    text = (PROJECT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    table = text.partition("| you add |")[2].partition("\n\n")[0].splitlines()[2:]
    return {
        cells[0]: cells[1:] for cells in ([cell.strip() for cell in row.split("|")[1:-1]] for row in table)
    }


def test_there_is_a_row_for_each_kind_of_thing():
    assert set(rows()) == KINDS


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_the_number_of_files_is_that_of_the_paths(kind):
    number, touched, *_ = rows()[kind]
    assert int(number) == len(PATH.findall(touched))


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_the_example_touches_what_the_row_says(kind):
    _, touched, example, _ = rows()[kind]
    name = example.removeprefix("name=")
    for pattern in PATH.findall(touched):
        path = PROJECT / pattern.replace("<name>", name)
        assert path.exists()
        if "<name>" not in pattern:  # a file that all of a kind share names this one
            assert name in path.read_text(encoding="utf-8")


def test_a_family_is_known_by_its_own_files_alone():
    """No module of scoring, training or learning compares a family with a name, or imports one."""
    families = "(?:churn|clv|propensity|recommend|uplift)"
    compared = re.compile(r"""\bfamily["'\]]* (==|!=|in) [("'{]*[a-z]+["']""")
    imported = re.compile(rf"crm_ml\.(?:train\.families|score_tables)\.{families}\b")
    own = re.compile(rf"score_tables/{families}\.py|train/families/\w+/")
    rooms = [PROJECT / "crm_ml" / room for room in ("score", "score_tables", "train", "learning")]
    files = [path for room in rooms for path in room.rglob("*.py") if not own.search(path.as_posix())]
    assert len(files) > 50
    texts = {path: path.read_text(encoding="utf-8") for path in files}
    assert not [path for path, text in texts.items() if compared.search(text) or imported.search(text)]
