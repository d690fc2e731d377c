"""Files that hosts of repositories read: they parse, and agree with the package and with each other."""

import re
import tomllib
from itertools import pairwise
from pathlib import Path

import pytest
import yaml

PROJECT = Path(__file__).parents[2]
SECTIONS = ("Added", "Changed", "Deprecated", "Removed", "Fixed", "Security")
FORMS = sorted((PROJECT / ".github/ISSUE_TEMPLATE").glob("*.yml"))
INPUTS = {"markdown", "textarea", "input", "dropdown", "checkboxes"}


def read(name):
    return (PROJECT / name).read_text(encoding="utf-8")


def version():
    return tomllib.loads(read("pyproject.toml"))["project"]["version"]


def releases():
    """Version and day of each heading of the changelog, newest first."""
    return re.findall(r"^## \[(\d+\.\d+\.\d+)\] - (\d{4}-\d\d-\d\d)$", read("CHANGELOG.md"), re.M)


def test_the_changelog_has_the_form_of_keep_a_changelog():
    text = read("CHANGELOG.md")
    headings = re.findall(r"^## (.*)$", text, re.M)
    assert headings[0] == "[Unreleased]" and len(headings) == 1 + len(releases())
    assert set(re.findall(r"^### (.*)$", text, re.M)) <= set(SECTIONS)
    for part in text.split("\n## ")[1:]:
        sections = re.findall(r"^### (.*)$", part, re.M)
        assert sections == [name for name in SECTIONS if name in sections]
    for (newer, day), (older, before) in pairwise(releases()):
        assert [*map(int, newer.split("."))] > [*map(int, older.split("."))] and day >= before


def test_the_citation_is_of_the_version_that_is_released_last():
    content = yaml.safe_load(read("CITATION.cff"))
    assert {"cff-version", "message", "title", "authors"} <= set(content)
    assert content["authors"] == tomllib.loads(read("pyproject.toml"))["project"]["authors"]
    assert content["license"] == tomllib.loads(read("pyproject.toml"))["project"]["license"]
    assert (str(content["version"]), str(content["date-released"])) == releases()[0]
    assert content["version"] == version()


@pytest.mark.parametrize("form", FORMS, ids=lambda path: path.stem)
def test_an_issue_form_has_what_a_host_asks_for(form):
    content = yaml.safe_load(form.read_text(encoding="utf-8"))
    if form.stem == "config":
        assert set(content) <= {"blank_issues_enabled", "contact_links"}
        return
    assert {"name", "description", "body"} <= set(content)
    ids = [part["id"] for part in content["body"] if part["type"] != "markdown"]
    assert len(ids) == len(set(ids)) > 0
    for part in content["body"]:
        assert part["type"] in INPUTS
        assert part["attributes"]["value" if part["type"] == "markdown" else "label"]


def test_hooks_are_those_of_make_lint_and_fetch_nothing():
    repositories = yaml.safe_load(read(".pre-commit-config.yaml"))["repos"]
    assert [each["repo"] for each in repositories] == ["local"]
    lint = read("Makefile").partition("\nlint:")[2].partition("\n\n")[0]
    tools = set(re.findall(r"\$\(BIN\)/([\w-]+)", lint))
    hooks = repositories[0]["hooks"]
    assert {hook["language"] for hook in hooks} == {"system"}
    assert {hook["entry"].split()[0].removeprefix(".venv/bin/") for hook in hooks} == tools


@pytest.mark.parametrize(
    "name", ["SECURITY.md", "CODE_OF_CONDUCT.md", "CONTRIBUTING.md", ".github/pull_request_template.md"]
)
def test_a_file_for_people_names_no_address_of_one(name):
    assert not re.search(r"[\w.]+@[\w-]+\.\w", read(name))
    for other in re.findall(r"`([A-Z_]+\.(?:md|cff))`", read(name)):
        assert (PROJECT / other).is_file()
