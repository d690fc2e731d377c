"""Fenced blocks of the documentation: found, run, parsed and compared with what they print.

Comments of Markdown on the lines before a block say what it needs:

- ``<!-- needs: make run -->``: the champions and lists of the default runs; ``<!-- needs: orders.csv -->``:
  a file that the test makes (`FILES`).
- ``<!-- file: configs/churn/mine.yaml -->``: the block is the content of that file of the project.
- ``<!-- part of: configs/churn/tuned.yaml -->``: YAML that stands in such a file, at its top or below a
  dotted place (``configs/data/own_tables.yaml tables.order_lines``).
- ``<!-- run -->``: commands that are run and not only parsed.
- ``<!-- not run: reason -->``: nothing but its form is looked at.
"""

import ast
import contextlib
import doctest
import importlib
import io
import re
import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[2]
_FENCE = re.compile(r"^(?P<indent> *)```(?P<language>[\w-]*)(?: .*)?$")
_COMMENT = re.compile(r"^ *<!-- (?P<key>needs|file|part of|run|not run)(?:: (?P<value>.*?))? -->$")
_SHOWN = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
SHELLS = {"", "sh", "bash", "console", "shell"}
USED = {"python", "crm-ml", "make", "pip", "mlflow", "pre-commit", "docker", "cd", "export", "git", "source"}


@dataclass(frozen=True)
class Snippet:
    """One fenced block."""

    page: Path
    line: int
    language: str
    text: str
    says: dict[str, str] = field(default_factory=dict)
    printed: str | None = None

    def __str__(self) -> str:
        return f"{self.page.relative_to(PROJECT).as_posix()}:{self.line}"


def pages() -> list[Path]:
    """Return the pages a reader has: the README and the documentation without decisions."""
    documents = sorted((PROJECT / "docs").rglob("*.md"))
    return [PROJECT / "README.md", *(path for path in documents if "decisions" not in path.parts)]


def snippets(page: Path) -> list[Snippet]:
    """Return the blocks of a page; one without a language right after another is what that one prints."""
    blocks: list[Snippet] = []
    for line, language, text, says, follows in _blocks(page.read_text(encoding="utf-8").splitlines()):
        if blocks and follows and not language and not says and (blocks[-1].printed is None):
            last = blocks.pop()
            blocks.append(Snippet(page, last.line, last.language, last.text, last.says, text))
        else:
            blocks.append(Snippet(page, line, language, text, says))
    return blocks


def _blocks(lines: list[str]) -> Iterator[tuple[int, str, str, dict[str, str], bool]]:
    """Give line, language, text and comments of each block, and whether it stands right after the last."""
    says: dict[str, str] = {}
    follows, place = False, 0
    while place < len(lines):
        opened = _FENCE.match(lines[place])
        if opened is None:
            comment = _COMMENT.match(lines[place])
            if comment:
                says[comment["key"]] = comment["value"] or ""
            elif lines[place].strip():
                says, follows = {}, False
            place += 1
            continue
        indent, start = len(opened["indent"]), place + 1
        end = next(at for at in range(start, len(lines)) if lines[at].strip() == "```")
        text = "\n".join(line[indent:] for line in lines[start:end]) + "\n"
        yield start + 1, opened["language"], text, says, follows
        says, follows, place = {}, True, end + 1


def run_python(snippet: Snippet, names: dict[str, Any]) -> None:
    """Run a block in the namespace of its page, and compare what it prints; its last value is shown too."""
    tree = ast.parse("\n" * (snippet.line - 1) + snippet.text, str(snippet.page))
    shown = ast.Expression(tree.body.pop().value) if isinstance(tree.body[-1], ast.Expr) else None
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        try:
            exec(compile(tree, str(snippet.page), "exec"), names)
            value = eval(compile(shown, str(snippet.page), "eval"), names) if shown else None
        except Exception as error:
            if snippet.printed is None or "Error: " not in snippet.printed:
                raise
            output.write(f"{type(error).__module__}.{type(error).__qualname__}: {error}\n")
            value = None
        if value is not None:
            output.write(f"{value!r}\n")
    if snippet.printed is not None:
        compare(snippet, output.getvalue())


def compare(snippet: Snippet, printed: str) -> None:
    """Refuse a result that is not the one that stands below the block; ``...`` stands for anything."""
    wanted = snippet.printed or ""
    if not doctest.OutputChecker().check_output(wanted, printed, _SHOWN):
        raise AssertionError(f"{snippet} prints\n{printed}\nand the page says\n{wanted}")


def commands_of(text: str) -> Iterator[list[str]]:
    """Give the words of each command of a shell block, without prompts, comments and variables before it."""
    for line in text.replace("\\\n", " ").splitlines():
        words = shlex.split(line.strip().removeprefix("$ "), comments=True)
        while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
            words.pop(0)
        words = [word for word in words if word not in ("|", "&&")]
        if words:
            yield words


def is_shell(snippet: Snippet) -> bool:
    """Say whether a block has commands; one without a language has them where each line begins with one."""
    if snippet.language:
        return snippet.language in SHELLS
    first = [words[0] for words in _leniently(snippet.text)]
    return bool(first) and first[0] in {"python", "crm-ml", "make"}


def _leniently(text: str) -> list[list[str]]:
    with contextlib.suppress(ValueError):
        return list(commands_of(text))
    return []


def inline_commands(page: Path) -> Iterator[list[str]]:
    """Give the words of commands within text, without forms such as ``[RUN ...]``."""
    prose = re.sub(r"^ *```.*?^ *```$", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    for text in re.findall(r"`((?:python -m crm_ml|crm-ml)\b[^`]*)`", prose):
        words = shlex.split(text)
        if not re.search(r"[\[|…]|\.\.\.", text) and words[3 if words[0] == "python" else 2 :]:
            yield words  # one without arguments may be the name of the command


def parse(words: list[str]) -> int | None:
    """Let the parser of a command of the package read its words; the caller has made the work of all nothing.

    Raises
    ------
    AssertionError
        If there is no such command, target of make, script or option.
    """
    if words[0] == "make":
        targets = set(re.findall(r"^([a-z-]+):", (PROJECT / "Makefile").read_text(), flags=re.MULTILINE))
        assert {word for word in words[1:] if "=" not in word and word != "-n"} <= targets, words
        return None
    if words[:2] == ["python", "-m"]:
        main, rest = main_of(words[2]), words[3:]
    elif words[0] == "crm-ml":
        main, rest = importlib.import_module("crm_ml.__main__").main, words[1:]
    else:
        assert words[0] in USED, words
        return None
    if main is None:
        return None
    try:
        return main(rest)
    except SystemExit as ended:
        assert not ended.code, (words, ended.code)
        return 0


def main_of(module: str) -> Callable[[list[str]], int] | None:
    """Return the function behind ``python -m module``; of a module of others there is none."""
    if not module.startswith("crm_ml"):
        return None
    found = importlib.import_module(module)
    if hasattr(found, "__path__"):
        found = importlib.import_module(f"{module}.__main__")
    return found.main


def check_yaml(snippet: Snippet) -> None:
    """Validate YAML by the class that it belongs to.

    Raises
    ------
    ConfigError
        Listing every breach.
    AssertionError
        If it is not known where it stands.
    """
    from crm_ml.tables.safe_yaml import parse_yaml, read_yaml

    content, where = parse_yaml(snippet.text, str(snippet)), snippet.says.get("part of")
    if where is None:
        _validate(content, str(snippet))
        return
    path, _, place = where.partition(" ")
    base = read_yaml(PROJECT / path)
    holder = base
    for key in filter(None, place.split(".")):
        holder = holder[key]
    if isinstance(holder, list):
        holder += content
    else:
        _merge(holder, content)
    _validate(base, str(snippet))


def _merge(base: dict[str, Any], more: dict[str, Any]) -> None:
    for key, value in more.items():
        if isinstance(value, dict) and isinstance(base.get(key), dict):
            _merge(base[key], value)
        else:
            base[key] = value


def _validate(content: Any, where: str) -> None:
    from crm_ml.actions.catalog import Catalog
    from crm_ml.config import run_classes
    from crm_ml.identity.settings import IdentitySettings
    from crm_ml.layers.settings import LayerSettings
    from crm_ml.membership.membership_run import Membership
    from crm_ml.score.settings import ScoreSettings
    from crm_ml.tables.mapping import parse_mapping
    from crm_ml.tables.strict import validate
    from crm_ml.tags.tag_run import TagRun

    if "family" in content:
        validate(content, run_classes()[content["family"]], where)
    elif "tables" in content:
        parse_mapping(content, where)
    elif isinstance(content.get("actions"), list):
        validate(content, Catalog, where)
    elif "models" in content:
        validate(content, ScoreSettings, where)
    elif "otherwise" in content:
        validate(content, LayerSettings, where)
    elif isinstance(content.get("tiers"), list):
        validate(content, Membership, where)
    elif isinstance(content.get("tags"), dict):
        validate(content, TagRun, where)
    elif "profiles" in content:
        validate(content, IdentitySettings, where)
    else:
        raise AssertionError(f"{where}: say by <!-- part of: ... --> where this YAML stands")
