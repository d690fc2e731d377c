"""Decisions have one form, and their index is what the script makes of them."""

import re
from datetime import date

from index_decisions import FOLDER, HEADINGS, decisions, index


def test_each_decision_has_its_number_date_and_headings():
    breaches = []
    days = []
    for number, path in enumerate(decisions(), start=1):
        title, day, empty, *_ = path.read_text(encoding="utf-8").splitlines()
        days.append(date.fromisoformat(day))
        headings = tuple(re.findall(r"^## (.*)$", path.read_text(encoding="utf-8"), flags=re.MULTILINE))
        if path.name[:4] != f"{number:04}" or not title.startswith("# ") or empty or headings != HEADINGS:
            breaches.append(path.name)
    assert not breaches
    assert days == sorted(days)
    assert len(days) > 60


def test_no_heading_of_a_decision_is_empty_and_each_is_short():
    texts = {path.name: path.read_text(encoding="utf-8") for path in decisions()}
    sections = {name: re.split(r"^## .*$", text, flags=re.MULTILINE)[1:] for name, text in texts.items()}
    assert not [name for name, parts in sections.items() if not all(part.strip() for part in parts)]
    assert not [name for name, text in texts.items() if len(text) > 3500]


def test_the_index_names_every_decision():
    assert (FOLDER / "README.md").read_text(encoding="utf-8") == index(), "run python docs/index_decisions.py"
