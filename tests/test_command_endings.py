"""How every command ends: one line and an exit code, and a report where nobody expected the error."""

import re
from importlib.util import find_spec
from pathlib import Path

import pytest

import crm_ml
from crm_ml import commands, errors
from crm_ml.__main__ import COMMANDS as NAMES
from crm_ml.__main__ import module_of
from crm_ml.score import load

SOURCES = {path: path.read_text("utf-8") for path in sorted(Path(crm_ml.__path__[0]).rglob("*.py"))}
PROGRAM = Path(crm_ml.__path__[0]) / "__main__.py"  # crm-ml, which leads to the commands
COMMANDS = [path for path, text in SOURCES.items() if '__name__ == "__main__"' in text and path != PROGRAM]


def fail(error):
    raise error


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (errors.InputError, 2),
        (errors.ConfigError, 2),
        (errors.AlreadyPublished, 3),
        (errors.IntegrityError, 4),
        (errors.DriftLimit, 5),
        (errors.Stopped, 143),
    ],
)
def test_an_error_raised_on_purpose_is_one_line_and_its_code(kind, code, capsys):
    assert commands.run(fail, kind("what and where")) == code
    assert capsys.readouterr() == ("", "error: what and where\n")


def test_work_that_is_done_returns_0_or_its_own_code():
    assert commands.run(lambda: None) == 0
    assert commands.run(lambda code: code, 4) == 4


def test_an_unexpected_error_is_one_line_without_its_text_and_a_private_report(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert commands.run(fail, KeyError("ada@example.com")) == 70
    out, told = capsys.readouterr()
    (report,) = tmp_path.iterdir()
    assert (out, told) == ("", f"error: unexpected KeyError; what happened where is in {report}\n")
    assert report.stat().st_mode & 0o777 == 0o600
    text = report.read_text("utf-8")
    assert text.startswith(f"crm_ml {crm_ml.__version__}, Python 3.")
    assert "in fail" in text
    assert text.endswith("KeyError: 'ada@example.com'\n")


def test_without_room_for_a_report_it_stands_on_standard_error(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "absent"))
    assert commands.run(fail, KeyError("x")) == 70
    assert capsys.readouterr().err.endswith("KeyError: 'x'\n")


def test_a_command_ends_with_70_where_its_work_does(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(load, "load", lambda *_: fail(RuntimeError("broken")))
    assert load.main([str(tmp_path), "--into", "postgres:"]) == 70


def test_ctrl_c_is_not_taken_for_an_unexpected_error():
    with pytest.raises(KeyboardInterrupt):
        commands.run(fail, KeyboardInterrupt())


def test_all_commands_share_the_boundary():
    assert {find_spec(module_of(name)).origin for name in NAMES} == {str(path) for path in COMMANDS}
    for path in COMMANDS:
        assert "commands.run(" in SOURCES[path], path
        assert "commands.parser(" in SOURCES[path], path
    own = [path for path, text in SOURCES.items() if re.search(r"ArgumentParser\(prog", text)]
    assert [path.name for path in own] == ["commands.py"]
