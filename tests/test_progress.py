"""Progress off a terminal: lines by a clock that the test turns, none of what is quick."""

import io
import sys

import pytest
from rich.console import Console

from crm_ml import progress
from crm_ml.progress import ProgressLines, Stage, shown, status


class Clock:
    """Seconds that a test turns on."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def lines(clock):
    return ProgressLines(clock=clock, peak_mb=lambda: 300)


def test_a_line_every_thirty_seconds_with_stage_steps_memory_and_time(clock, lines):
    told = {}
    for second in range(1, 100):
        clock.now = float(second)
        told[second] = lines.due([Stage("features", second // 20, 8, second)])
    assert told[20] == ["features: may take about 2 min 40 s"]
    assert {second for second, texts in told.items() if texts} == {20, 30, 60, 90}
    assert told[60] == ["features: 3 of 8, about 1 min 40 s left; peak memory 300 MB; 1 min in all"]


def test_the_first_of_many_steps_foretells_nothing_since_it_may_do_the_work_of_all(clock, lines):
    clock.now = 20.0
    assert lines.due([Stage("features", 1, 36, 20.0)]) == []
    clock.now = 50.0
    assert lines.due([Stage("features", 5, 36, 50.0)])[0] == "features: may take about 6 min"


def test_nothing_is_told_of_what_takes_less_than_thirty_seconds(clock, lines):
    for second in range(30):
        clock.now = float(second)
        assert lines.due([Stage("features", second, 29, second)]) == []


def test_the_innermost_stage_is_told_and_none_without_stages(clock, lines):
    clock.now = 31.0
    assert lines.due([]) == []
    stages = [Stage("leak gate", 0, 4, 31), Stage("models", 0, None, 12)]
    assert lines.due(stages) == ["models; peak memory 300 MB; 31 s in all"]


def test_the_stages_of_a_bar_reach_standard_error(monkeypatch, capsys):
    monkeypatch.setattr(progress, "_LOOK_S", 0.005)
    monkeypatch.setattr(progress, "EVERY_S", 0.0)
    with shown(Console(file=io.StringIO())) as bar:
        task = bar.add_task("trials", total=10)
        bar.advance(task)
        while "trials: 1 of 10" not in (told := capsys.readouterr().err):
            assert told == "" or told.startswith("trials")
    assert "peak memory" in told


def test_on_a_terminal_there_are_no_lines(monkeypatch, capsys):
    monkeypatch.setattr(progress, "_lines", lambda _: pytest.fail("no lines"))
    with shown(Console(file=io.StringIO(), force_terminal=True)) as bar:
        bar.add_task("trials", total=1)
    assert capsys.readouterr().err == ""


def test_a_work_without_steps_names_its_stage(monkeypatch, capsys):
    monkeypatch.setattr(progress, "_LOOK_S", 0.005)
    monkeypatch.setattr(progress, "EVERY_S", 0.0)
    told = ""
    with status("opening the sources") as tell:
        tell("order_lines")
        while "order_lines; peak memory" not in told:
            told += capsys.readouterr().err
    assert sys.platform == "win32" or progress.peak_memory_mb() > 0
