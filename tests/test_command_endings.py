"""How every command ends: one line and an exit code, and a report where nobody expected the error."""

import ast
import errno
import logging
import re
import subprocess
import sys
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


URL = "https://ada:s3cret@host"


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
    assert text.endswith("KeyError: 'aaa@aaaaaaa.aaa'\n")


def refuse_a_cell() -> None:
    try:
        int("Łucja")
    except ValueError as error:
        raise RuntimeError("row 7 of José:\nLine: Anna,1979-05-12") from error


def test_a_report_has_the_frames_of_all_errors_and_no_cell(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert commands.run(refuse_a_cell) == 70
    text = next(tmp_path.iterdir()).read_text("utf-8")
    assert "ValueError: invalid literal for int() with base 99: 'aaaaa'" in text
    assert text.count("in refuse_a_cell") == 2
    assert not any(cell in text.partition("RuntimeError:")[2] for cell in ("José", "Anna", "1979"))


def test_without_room_for_a_report_the_line_names_the_place(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "absent"))
    for name in ("CRM_ML_DATA", "CRM_ML_RUNS"):
        monkeypatch.setenv(name, str(tmp_path / "absent"))
    assert commands.run(fail, KeyError("ada@example.com")) == 70
    line = capsys.readouterr().err
    assert re.fullmatch(
        r"error: unexpected KeyError; commands line \d+; no report could be written\n", line
    ), line


def test_a_command_ends_with_70_where_its_work_does(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(load, "load", lambda *_: fail(RuntimeError("broken")))
    assert load.main([str(tmp_path), "--into", "postgres:"]) == 70


def test_ctrl_c_is_one_line_and_130(capsys):
    assert commands.run(fail, KeyboardInterrupt()) == 130
    assert capsys.readouterr().err == "error: stopped by Ctrl-C; run the command again\n"


def test_an_end_that_is_no_exception_is_unexpected_too(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    panic = type("PanicException", (BaseException,), {})
    assert commands.run(fail, panic("a row of the data")) == 70
    assert commands.run(fail, SystemExit("a library ends it")) == 70
    assert [line.split(";")[0] for line in capsys.readouterr().err.splitlines()] == [
        "error: unexpected PanicException",
        "error: unexpected SystemExit",
    ]


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (FileNotFoundError(errno.ENOENT, "", "a/b.json"), "a/b.json does not exist; correct the path"),
        (NotADirectoryError(errno.ENOTDIR, "", "a/b"), "a/b leads through a file that is no folder"),
        (IsADirectoryError(errno.EISDIR, "", "a"), "a is a folder, and a file is needed"),
        (PermissionError(errno.EACCES, "", "a"), "a may not be used by this user"),
        (OSError(errno.ELOOP, "", "a"), "a is a link that leads back to itself"),
        (OSError(errno.ENOSPC, "No space left on device"), "the disk is full; free some"),
        (OSError(errno.EFBIG, "File too large", "a"), "a file is larger than this process may write"),
        (ValueError("embedded null byte"), "a path has a NUL character"),
        (RuntimeError("Symlink loop from 'a'"), "a path is a link that leads back to itself"),
        (MemoryError(), "there is not enough memory"),
        (RuntimeError("database disk image is malformed"), "a database file is damaged"),
        (OSError(5, "Input/output error"), "a file or device can't be read or written"),
        (
            UnicodeEncodeError("utf-8", "a\udcff", 1, 2, "surrogates not allowed"),
            "a path or a text has half of",
        ),
    ],
)
def test_an_expected_error_of_the_system_is_one_clear_line(error, words, capsys):
    assert commands.run(fail, error) == 2
    line = capsys.readouterr().err
    assert line.startswith(f"error: {words}") and line.count("\n") == 1


def test_what_a_library_says_of_an_exception_on_standard_error_is_one_line(capsys):
    def work():
        try:
            fail(ValueError("a"))
        except ValueError:
            logging.getLogger("somewhere").warning("it failed at %s", URL, exc_info=True)
        sys.stderr.write(f"{URL}\n")

    assert commands.run(work) == 0
    assert "s3cret" not in capsys.readouterr().err


def test_every_environment_variable_that_is_wrong_is_named_at_once(tmp_path, monkeypatch, capsys):
    (tmp_path / "file").touch()
    wrong = {"CRM_ML_MEMORY": "1GB'; DROP", "CRM_ML_THREADS": "0", "OMP_NUM_THREADS": "two"}
    for name, value in {**wrong, "CRM_ML_DATA": str(tmp_path / "file")}.items():
        monkeypatch.setenv(name, value)
    assert load.main([str(tmp_path), "--into", "postgres:"]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "error: environment: 4 mistakes"
    assert [line.split()[0] for line in lines[1:]] == [
        "CRM_ML_THREADS",
        "CRM_ML_MEMORY",
        "CRM_ML_DATA",
        "OMP_NUM_THREADS",
    ]


def test_a_reader_that_goes_away_ends_it_quietly():
    text = "from crm_ml import commands; raise SystemExit(commands.run(print, 'word ' * 99_999))"
    with subprocess.Popen(
        [sys.executable, "-c", text], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as job:
        job.stdout.close()
        assert (job.stderr.read(), job.wait()) == (b"", 141)


def test_all_commands_share_the_boundary():
    assert {find_spec(module_of(name)).origin for name in NAMES} == {str(path) for path in COMMANDS}
    for path in [*COMMANDS, PROGRAM]:
        (main,) = (part for part in ast.parse(SOURCES[path]).body if getattr(part, "name", "") == "main")
        assert len(main.body) == 2, path  # its docstring, and the boundary around all else
        assert ast.unparse(main.body[1]).startswith("return commands.run("), path
    for path in COMMANDS:
        assert "commands.parser(" in SOURCES[path], path
    own = [path for path, text in SOURCES.items() if re.search(r"Parser\(prog", text)]
    assert [path.name for path in own] == ["commands.py"]


def test_a_message_controls_no_terminal(capsys):
    assert commands.run(fail, errors.InputError("column \x1b[2Ja\x01 of\r\n  é\tb\x9b")) == 2
    assert capsys.readouterr().err == "error: column \\x1b[2Ja\\x01 of\\r\n  é\tb\\x9b\n"


@pytest.mark.parametrize("start", [b"PAR1", b"no Parquet file", b""])
@pytest.mark.parametrize("room", ["duckdb", "pyarrow"])
def test_a_damaged_parquet_file_is_one_line(start, room, tmp_path, capsys):
    import duckdb
    import pyarrow.parquet

    (tmp_path / "list.parquet").write_bytes(start + b"\x15\x99" * 20 + (b"\x08\0\0\0PAR1" if start else b""))
    path = str(tmp_path / "list.parquet")
    read = {"duckdb": duckdb.read_parquet, "pyarrow": pyarrow.parquet.read_table}[room]
    assert commands.run(read, path) == 4
    assert capsys.readouterr().err.startswith("error: a Parquet file is damaged")


def test_a_word_of_the_command_line_controls_no_terminal(capsys):
    with pytest.raises(SystemExit):
        load.main(["list", "--into", "csv:x", "\x1b[31m"])
    assert "unrecognized arguments: \\x1b[31m" in capsys.readouterr().err
