"""Make the index of the decisions: ``python docs/index_decisions.py`` writes ``docs/decisions/README.md``."""

from pathlib import Path

FOLDER = Path(__file__).with_name("decisions")
HEADINGS = ("Context", "Decision", "Evidence", "Consequence")
HEAD = """# Decisions
One file each, oldest first: context, decision, evidence, consequence. A decision that no longer holds
stays and names the one that took its place. `python docs/index_decisions.py` makes this page.

| | date | decision |
|---|---|---|
"""


def decisions() -> list[Path]:
    """Return the files of all decisions, oldest first."""
    return sorted(FOLDER.glob("[0-9][0-9][0-9][0-9]-*.md"))


def index() -> str:
    """Return the page that names every decision with its date."""
    return HEAD + "".join(_row(path) for path in decisions())


def _row(path: Path) -> str:
    title, date = path.read_text(encoding="utf-8").splitlines()[:2]
    return f"| {path.name[:4]} | {date} | [{title.removeprefix('# ')}]({path.name}) |\n"


if __name__ == "__main__":
    (FOLDER / "README.md").write_text(index(), encoding="utf-8")
