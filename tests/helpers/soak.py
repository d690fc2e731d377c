"""How much of what could go on for ever is played, and by which seed.

``CRM_ML_TESTS`` is ``quick`` (``make test``), ``all`` (``make test-all``: a sample) or ``soak`` (``make
soak``: the whole); kills, replays and random examples are counted by it. Those that are drawn anew each time
follow from ``CRM_ML_TEST_SEED``, which is printed, so that a failure can be run again.
"""

import os
import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings

from crm_ml.errors import InputError

if TYPE_CHECKING:
    from _pytest.mark import ParameterSet

LEVELS = ("quick", "all", "soak")
LEVEL = os.environ.get("CRM_ML_TESTS", "quick")
if LEVEL not in LEVELS:
    raise InputError(f"CRM_ML_TESTS is {LEVEL!r}; write one of {', '.join(LEVELS)}")
SOAK = LEVEL == "soak"
SEED = int(os.environ.setdefault("CRM_ML_TEST_SEED", str(random.SystemRandom().randrange(10**6))))
TABLE = Path(__file__).parents[1] / "soak.md"
HEAD = """# What `make soak` has played

The whole of what `make test-all` plays a sample of; each line is of the last time that its test passed.

| test | played | times | on | version |
|---|---|---:|---|---|
"""
EXAMPLES = {"quick": 0.4, "all": 0.6, "soak": 100.0}


def size(quick: int, sample: int, whole: int) -> int:
    """Return how many are played: in ``make test``, in ``make test-all`` and in ``make soak``."""
    return {"quick": quick, "all": sample, "soak": whole}[LEVEL]


def generator(name: str) -> random.Random:
    """Return a generator that follows from the seed of this session and the name of what it draws."""
    return random.Random(f"{SEED} {name}")


def drawn(name: str, values: Sequence[Any], count: int) -> list[Any]:
    """Return so many of the values in their order, drawn by the seed of this session; all in a soak."""
    if SOAK:
        return list(values)
    places = generator(name).sample(range(len(values)), count)
    return [values[place] for place in sorted(places)]


def sample(name: str, values: Sequence[Any], count: int) -> list["ParameterSet"]:
    """Return slow parameters of a test: so many of them, drawn by the seed of this session; all in a soak."""
    marks = [pytest.mark.slow, pytest.mark.soak(name, 1)]
    return [pytest.param(value, marks=marks) for value in drawn(name, values, count)]


def left_out(items: Iterable[pytest.Item]) -> list[pytest.Item]:
    """Return the tests that ``make test-all`` leaves to another time: of each rota all but those drawn."""
    if LEVEL != "all":
        return []
    rotas: dict[tuple[str, int], list[pytest.Item]] = {}
    for item in items:
        for mark in item.iter_markers("rota"):
            rotas.setdefault(mark.args, []).append(item)
    stay = {
        test.nodeid
        for (name, count), tests in rotas.items()
        for test in drawn(name, sorted(tests, key=lambda test: test.nodeid), min(count, len(tests)))
    }
    return [test for tests in rotas.values() for test in tests if test.nodeid not in stay]


def register_profiles() -> None:
    """Register what all tests over random examples share, and load what this session needs."""
    settings.register_profile("default", deadline=None, derandomize=True)
    settings.register_profile("soak", deadline=None, derandomize=False, print_blob=True)
    settings.load_profile("soak" if SOAK else "default")


def examples(sample: int, **more: object) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Let a test have a share of so many random examples, by `EXAMPLES`; 100-fold in a soak."""
    times = max(3, round(sample * EXAMPLES[LEVEL]))

    def decorate(test: Callable[..., None]) -> Callable[..., None]:
        return pytest.mark.soak("random examples", times)(settings(max_examples=times, **more)(test))

    return decorate


def played_by(report: pytest.TestReport) -> Iterator[tuple[str, str, int]]:
    """Yield what a test that passed has played: its name without parameters, what, and how often."""
    if report.when == "call" and report.passed:
        path, _, name = report.location
        for key, value in report.user_properties:
            if key == "soak":
                yield f"{path}::{name.partition('[')[0]}", *value


def write_table(played: Iterable[tuple[str, str, int]], version: str, path: Path = TABLE) -> None:
    """Write what was played into the table; lines of tests that did not run stay as they are.

    Parameters
    ----------
    played : iterable of (test, what, times)
        Of each test that passed; of one test with several parameters the times are added up.
    version : str
        Version of the package.
    """
    text = path.read_text(encoding="utf-8") if path.exists() else HEAD
    lines = {line.split("`")[1]: line for line in text.splitlines() if line.startswith("| `")}
    sums: Counter[tuple[str, str]] = Counter()
    for test, what, times in played:
        sums[test, what] += times
    for (test, what), times in sums.items():
        lines[test] = f"| `{test}` | {what} | {times:,} | {date.today()} | {version} |"
    path.write_text(HEAD + "".join(f"{line}\n" for _, line in sorted(lines.items())), encoding="utf-8")
