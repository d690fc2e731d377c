"""experiments/performance/runs.py: stages of a command, each charged its own time, and the tables of them."""

import json
import shutil
import sys

import pytest
import scripts
from small_data import few_households
from small_runs import DEFAULT, home, settings


@pytest.fixture
def script(monkeypatch):
    return scripts.load("performance/runs.py", monkeypatch)


@pytest.fixture
def stages(monkeypatch):
    return scripts.load("performance/stages.py", monkeypatch)


def test_a_stage_is_charged_what_no_stage_inside_it_takes(stages, monkeypatch):
    clock = [0.0]
    monkeypatch.setattr(stages, "now", lambda: (clock[0], 2 * clock[0]))

    def wait(seconds):
        clock[0] += seconds

    meter = stages.Meter("command")
    inner = meter.within("inner", wait)

    def outer_work(_folder, _name):
        wait(1.0)
        inner(5.0)
        wait(2.0)

    outer = meter.within("stage {1}", outer_work)
    section = meter.begins(lambda _: (outer("folder", "features"), inner(0.5), wait(0.25)))
    wait(8.0)
    section("churn/lightgbm")
    wait(1.0)
    spent = meter.result()["stages"]
    walls = {name: {stage: part["wall_s"] for stage, part in parts.items()} for name, parts in spent.items()}
    assert walls == {
        "command": {"start": 9.0},
        "churn/lightgbm": {"stage features": 3.0, "inner": 5.5, "the rest": 0.25},
    }
    assert spent["churn/lightgbm"]["inner"]["cpu_s"] == 11.0


def test_a_failure_is_charged_and_closes_its_stage(stages):
    meter = stages.Meter("command")
    with pytest.raises(ZeroDivisionError):
        meter.within("inner", lambda: 1 / 0)()
    assert meter.open == [stages.START] and "inner" in meter.result()["stages"]["command"]


def test_every_stage_and_section_is_a_function_of_today(stages):
    import importlib

    for place in [*stages.STAGES, *stages.SECTIONS]:
        module, _, name = place.partition(":")
        assert callable(getattr(importlib.import_module(module), name)), place


@pytest.mark.rota("scripts of experiments", 1)
@pytest.mark.slow
def test_a_command_is_measured_from_start_to_end(script, tmp_path, template):
    (tmp_path / "runs").mkdir()
    shutil.copy(template, tmp_path / "runs" / "mlflow.db")
    with home(tmp_path):
        overrides = settings("churn/lightgbm", few_households(tmp_path / "few", 60))
        measured = script.command(["crm_ml.train", "churn/lightgbm", *script.sets(overrides)], str(tmp_path))
    parts = measured["stages"]["churn/lightgbm"]
    assert set(parts) == {"tables", "features", "boosters", "bootstrap of metrics", "tracking", "the rest"}
    assert all(part["cpu_s"] > 0 for part in parts.values())
    inside = sum(part["wall_s"] for section in measured["stages"].values() for part in section.values())
    assert 0.8 * measured["process"]["wall_s"] < inside < measured["process"]["wall_s"]
    assert 0.1 < measured["peak_gb"]["churn/lightgbm"] <= 1.1 * measured["process"]["peak_gb"]


def section(cpu):
    return {name: {"cpu_s": cpu, "wall_s": cpu / 2} for name in ("tracking", "features")}


def measured(names, cpu):
    sections = {name: section(cpu) for name in names}
    process = {"cpu_s": 2 * cpu * len(names), "wall_s": cpu * len(names), "peak_gb": 1.0}
    return {"stages": sections, "peak_gb": dict.fromkeys(names, 0.5), "process": process}


def test_the_tables_name_shares_targets_and_what_is_missed(script, tmp_path, monkeypatch, capsys):
    commands = []

    def command(arguments, folder):
        commands.append((arguments, folder))
        if arguments[0].startswith("crm_ml.score"):
            return measured([" ".join([arguments[0].removeprefix("crm_ml."), *arguments[1:]])], 5.0)
        return measured(arguments[1:2] or list(script.SMALL), 20.0)

    text = "".join(f"<!-- {name} -->\n<!-- end of {name} -->\n" for name in ("make run", "runs"))
    (tmp_path / "README.md").write_text(text, encoding="utf-8")
    monkeypatch.setattr(script, "command", command)
    monkeypatch.setattr(script, "seconds", lambda _: 0.5)
    monkeypatch.setattr(sys, "argv", ["runs.py", "--folder", str(tmp_path)])
    script.main()
    run = len(script.COMMANDS)
    assert [arguments for arguments, _ in commands[:run]] == [list(parts) for parts in script.COMMANDS]
    assert commands[run][1] == commands[0][1] != commands[run + 1][1]  # the backtest computes its features
    written = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert "| make run |  | 290.0 | 100% | 145.0 | 0.50 | 360, wall 240 | met |" in written
    assert "| clv/bg_nbd |  | 40.0 | 14% | 20.0 | 0.50 | 35 | **missed** |" in written
    assert "|  | tracking | 20.0 | 7% | 10.0 |  |  |  |" in written
    assert "| `import crm_ml` | 0.50 | 0.3 | **missed** |" in written
    assert "| tracking of churn/lightgbm, s of 20 | 10.00 | 2.0 | **missed** |" in written
    assert json.loads((tmp_path / "runs.json").read_text(encoding="utf-8"))["make_run"]["cpu_s"] == 290.0
    assert "make run" in capsys.readouterr().out


def test_small_runs_stand_beside_the_committed_total(script, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(script, "command", lambda arguments, _: measured(arguments[1:2], 3.0))
    monkeypatch.setattr(script, "reference_cpu_s", lambda: 5.0)
    monkeypatch.setattr(sys, "argv", ["runs.py", "--small", "--write", "--folder", str(tmp_path)])
    script.main()
    monkeypatch.setattr(script, "reference_cpu_s", lambda: 10.0)
    count = len(script.SMALL)
    for drawn in ([], ["2"]):
        monkeypatch.setattr(sys, "argv", ["runs.py", "--small", *drawn, "--folder", str(tmp_path)])
        script.main()
        line = capsys.readouterr().out.splitlines()[-1]
        cpu = 6 * (int(drawn[0]) if drawn else count)
        assert (
            f": {cpu} CPU s, {cpu / 10} times the reference; committed: {cpu} CPU s, {cpu / 5} times" in line
        )
    assert json.loads((tmp_path / "runs_small.json").read_text(encoding="utf-8"))["reference_cpu_s"] == 5.0


@pytest.mark.slow
def test_the_reference_is_work_of_other_libraries_alone(script):
    assert script.reference_cpu_s(rows=2_000) > 0.01


def test_small_runs_are_runs_of_all_default_families(script):
    from crm_ml.config import load_run

    assert list(script.SMALL) == list(DEFAULT)
    assert all(load_run(name, overrides).family for name, overrides in script.SMALL.items())
