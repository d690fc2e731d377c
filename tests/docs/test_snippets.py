"""Every block of the README and of the documentation runs as printed, from the folder a reader is in."""

import ast
import json
import shutil
import sys
import tomllib
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
import snippets as blocks
from parsed_commands import code_of, parse_alone
from snippets import PROJECT, Snippet
from soak import drawn
from third_party import third_party

from crm_ml.train import reproduce


def app_events(path):
    """Write events of users of an app, of whom each has a rhythm of its own and some leave."""
    draw = np.random.default_rng(5)
    rows = []
    for user, usual, until in zip(
        range(250), draw.gamma(2, 2, 250), draw.integers(60, 400, 250), strict=True
    ):
        days = np.cumsum(draw.exponential(usual, 300)) + draw.integers(60)
        rows += [(f"u{user}", day) for day in days[days < min(until, 365)]]
    users, days = zip(*rows, strict=True)
    kinds = draw.choice(["session_start", "level_up", "purchase"], len(rows), p=[0.7, 0.2, 0.1])
    times = pd.Timestamp("2023-01-01") + pd.to_timedelta(days, unit="D")
    frame = pd.DataFrame({"user_id": users, "event": kinds, "timestamp": times.floor("s")})
    frame["revenue"] = np.where(kinds == "purchase", "4.99", "")
    frame.to_csv(path, index=False)


def trial(path):
    """Write a randomised trial of four weeks, whose mail works on customers of late."""
    draw = np.random.default_rng(6)
    n = 2000
    frame = pd.DataFrame({"recency": draw.integers(1, 13, n), "history": draw.lognormal(5, 1, n).round(2)})
    frame["newbie"], frame["week"] = draw.integers(0, 2, n), draw.integers(0, 5, n)
    frame["arm"] = draw.choice(["none", "mail"], n)
    moved = 0.25 * ((frame["arm"] == "mail") & (frame["recency"] < 5))
    frame["visited"] = (draw.random(n) < 0.15 + moved).astype(int)
    frame.to_csv(path, index=False)


PAGES = blocks.pages()
# CPU seconds on one core, where a page takes more than three; what needs `make run` is slow anyway
SLOW = {
    "README.md": 44,
    "docs/explanation/allocation.md": 8,
    "docs/explanation/why_no_random_split.md": 10,
    "docs/gallery.md": 16,
    "docs/how_to/ends_of_a_relationship.md": 12,
    "docs/how_to/in_a_notebook.md": 12,
    "docs/how_to/lifetime_value.md": 12,
    "docs/how_to/own_models.md": 20,
    "docs/how_to/propensity.md": 10,
    "docs/how_to/scikit_learn.md": 6,
}
SHARED = ("tables", "simulated", "features")  # derived data that pages may share
FILES = {"data/own/app_events.csv.gz": app_events, "trial.csv": trial}
PLAYED = {"README.md", *drawn("pages that take long", sorted(set(SLOW) - {"README.md"}), 3)}  # all in a soak


def name_of(page: Path) -> str:
    return page.relative_to(PROJECT).as_posix()


def needs_champions(snippet: Snippet) -> bool:
    return snippet.says.get("needs") == "make run"


def is_run(snippet: Snippet) -> bool:
    if "not run" in snippet.says:
        return False
    return snippet.language == "python" or bool({"run", "file"} & snippet.says.keys())


def pages_to_run():
    for page in PAGES:
        found = [snippet for snippet in blocks.snippets(page) if is_run(snippet)]
        if not found:
            continue
        champions = any(map(needs_champions, found))
        if name_of(page) in set(SLOW) - PLAYED:
            continue
        marks = [pytest.mark.slow] if champions or name_of(page) in SLOW else []
        marks += [pytest.mark.soak("pages that take long", 1)] if name_of(page) in SLOW else []
        marks += [pytest.mark.xdist_group("store" if champions else "named data")]
        yield pytest.param(page, marks=marks, id=name_of(page))


@pytest.fixture(scope="session")
def derived(tmp_path_factory):
    """Folders of derived data that all pages share."""
    folder = tmp_path_factory.mktemp("derived")
    for name in SHARED:
        (folder / name).mkdir()
    return folder


@pytest.fixture
def reader(tmp_path, derived, monkeypatch):
    """A project of a reader: the committed configs and notebooks, no run and no list yet."""
    shutil.copytree(PROJECT / "configs", tmp_path / "configs")
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "data").mkdir()
    for name in SHARED:
        (tmp_path / "data" / name).symlink_to(derived / name)
    for name in ("CRM_ML_DATA", "CRM_ML_RUNS", "MLFLOW_TRACKING_URI"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("MLFLOW_ALLOW_PICKLE_DESERIALIZATION", "false")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    before, backend = set(sys.modules), mpl.get_backend()
    mpl.use("agg")
    with third_party():
        yield tmp_path
    mpl.pyplot.close("all")
    mpl.use(backend)
    for name in set(sys.modules) - before:  # modules that a page writes
        module = sys.modules[name]
        places = [getattr(module, "__file__", None) or "", *getattr(module, "__path__", [])]
        if any(str(place).startswith(str(tmp_path)) for place in places):
            del sys.modules[name]


@pytest.fixture(scope="session")
def made(trained, tmp_path_factory):
    """What ``make run`` leaves, of few households: a store of champions and the list of the grocer."""
    from crm_ml import tracking
    from crm_ml.score.__main__ import main as score

    folder = tmp_path_factory.mktemp("made")
    with pytest.MonkeyPatch.context() as patch, third_party():
        trained.use(patch)
        for name in ("churn", "clv", "propensity", "recommend"):  # too few rows for the gates of some
            tracking.connect().set_registered_model_alias(name, "champion", "1")
        assert score(["--set", f"data.path={trained.households}", "--out", str(folder / "lists")]) == 0
    return trained.runs, folder / "lists"


@pytest.fixture
def champions(request):
    """Return a function that gives a project the champions and lists of ``make run``."""

    def give(project):
        runs, lists = request.getfixturevalue("made")
        (project / "runs").symlink_to(runs)
        (project / "data" / "lists").symlink_to(lists)

    return give


@pytest.mark.parametrize("page", list(pages_to_run()))
def test_a_page_runs_from_top_to_bottom_and_prints_what_it_says(page, reader, champions, capsys):
    found = [snippet for snippet in blocks.snippets(page) if is_run(snippet)]
    if any(map(needs_champions, found)):
        champions(reader)
    names: dict[str, object] = {"__name__": "__main__"}
    for snippet in found:
        if (needed := snippet.says.get("needs", "")) in FILES:
            (reader / needed).parent.mkdir(parents=True, exist_ok=True)
            FILES[needed](reader / needed)
        if path := snippet.says.get("file"):
            (reader / path).parent.mkdir(parents=True, exist_ok=True)
            (reader / path).write_text(snippet.text)
        elif snippet.language == "python":
            blocks.run_python(snippet, names)
        else:
            run_commands(snippet, capsys)


@pytest.mark.slow
@pytest.mark.xdist_group("store")
@pytest.mark.parametrize("page", ["docs/how_to/experiments.md", "docs/how_to/export_and_load.md"])
def test_champions_and_lists_are_found_from_notebooks_too(page, reader, champions, monkeypatch):
    champions(reader)
    monkeypatch.chdir(reader / "notebooks")
    names: dict[str, object] = {}
    for snippet in filter(needs_champions, blocks.snippets(PROJECT / page)):
        blocks.run_python(snippet, names)


def run_commands(snippet, capsys):
    """Run the commands of a block in this process, one after another."""
    capsys.readouterr()
    for words in blocks.commands_of(snippet.text):
        assert words[:2] == ["python", "-m"] or words[0] == "crm-ml", words
        code = blocks.parse(words)
        printed = capsys.readouterr()
        assert code == 0, (str(snippet), printed.err)
        if snippet.printed is not None:
            blocks.compare(snippet, printed.out)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_each_block_is_what_its_language_says(page):
    for snippet in blocks.snippets(page):
        if snippet.language == "python":
            ast.parse(snippet.text, str(snippet))
        elif snippet.language == "json":
            json.loads(snippet.text)
        elif snippet.language == "toml":
            tomllib.loads(snippet.text)
        elif snippet.language in ("yaml", "yml") and not {"not run", "file"} & snippet.says.keys():
            blocks.check_yaml(snippet)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_each_command_is_one_that_its_parser_takes(page, monkeypatch, capsys):
    parse_alone(monkeypatch)
    for pool in reproduce.POOLS:  # which a command sets for its own process
        monkeypatch.setenv(pool, "")
        monkeypatch.delenv(pool)
    shells = [snippet for snippet in blocks.snippets(page) if blocks.is_shell(snippet)]
    lines = [words for snippet in shells for words in blocks.commands_of(snippet.text)]
    wrong = []
    for words in [*lines, *blocks.inline_commands(page)]:
        try:
            assert not code_of(blocks.parse, words)
        except (AssertionError, ImportError) as error:
            wrong.append((words, repr(error), capsys.readouterr().err[-300:]))
    assert not wrong


def test_a_block_that_needs_champions_says_so_in_words():
    for page in PAGES:
        found = [snippet for snippet in blocks.snippets(page) if needs_champions(snippet)]
        assert not found or "make run" in page.read_text(encoding="utf-8").replace("needs: make run", "")


def test_what_needs_make_run_says_so_in_its_error_too(reader, template):
    from crm_ml import tracking
    from crm_ml.errors import InputError
    from crm_ml.lists import read_list

    (reader / "runs").mkdir()
    shutil.copy(template, reader / "runs" / "mlflow.db")
    for ask in (lambda: tracking.champion("churn"), lambda: read_list("data/lists/grocer")):
        with pytest.raises(InputError, match="make run"):
            ask()


def test_a_folder_of_lists_is_named_from_the_project_in_notebooks_too(reader, monkeypatch):
    from crm_ml.lists.read_list import locate

    (reader / "data/lists/shop/day").mkdir(parents=True)
    (reader / "data/lists/shop/day/manifest.json").touch()
    monkeypatch.chdir(reader / "notebooks")
    assert locate(Path("data/lists/shop/day")).samefile(reader / "data/lists/shop/day")


def test_a_wrong_result_is_found(tmp_path):
    page = tmp_path / "page.md"
    python = "```python\nx = 2\nprint(x)\nx + 1\n```\n\n```\n2\n3\n```\n"
    page.write_text(f"{python}\n<!-- run -->\n```sh\n$ make it\n```\n")
    first, second = blocks.snippets(page)
    assert (first.printed, second.says) == ("2\n3\n", {"run": ""})
    assert list(blocks.commands_of(second.text)) == [["make", "it"]]
    blocks.run_python(first, {})
    page.write_text(page.read_text().replace("\n3\n", "\n4\n"))
    monkeyed = blocks.snippets(page)[0]
    object.__setattr__(monkeyed, "page", PROJECT / "README.md")
    with pytest.raises(AssertionError, match="and the page says"):
        blocks.run_python(monkeyed, {})


def test_the_readme_is_a_page_and_a_half():
    assert len((PROJECT / "README.md").read_text(encoding="utf-8").splitlines()) <= 150
