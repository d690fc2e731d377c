"""``crm-ml``: every command under one name, with the folder of the project on the path."""

import subprocess
import sys
import textwrap
from importlib import import_module
from pathlib import Path

import pytest

from crm_ml import __version__
from crm_ml.__main__ import COMMANDS, main, module_of

PACKAGE = Path(__file__).resolve().parents[1] / "crm_ml"
HEAVY = {"argparse", "pandas", "numpy", "yaml", "rich", "mlflow", "pydantic"}


def test_every_command_of_the_package_is_one_and_has_a_line(capsys):
    files = [path for path in PACKAGE.rglob("*.py") if "commands.parser(" in path.read_text("utf-8")]
    modules = {".".join(("crm_ml", *path.relative_to(PACKAGE).with_suffix("").parts)) for path in files}
    assert {module_of(name) for name in COMMANDS} == modules
    assert all(callable(import_module(module).main) for module in modules)
    assert main(["--help"]) == 0
    told = capsys.readouterr().out
    assert all(f"  {name} " in told and line in told for name, line in COMMANDS.items())


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["--version"], 0, f"crm-ml {__version__}\n"),
        ([], 2, "usage: crm-ml COMMAND"),
        (["trian"], 2, "there is no command 'trian'; did you mean train? crm-ml --help lists them"),
        (["score", "score/none_of_this_name"], 2, "score/none_of_this_name: no list of that name"),
        (["train", "compare"], 2, "error: "),
    ],
)
def test_the_exit_code_of_a_command_is_passed_on(words, code, told, project, capsys):
    assert project.is_dir()
    try:
        assert main(words) == code
    except SystemExit as end:  # of argparse
        assert end.code == code
    shown = capsys.readouterr()
    assert told in shown.out + shown.err


def test_the_script_imports_little_and_knows_the_modules_of_the_working_folder(tmp_path):
    (tmp_path / "acme_models.py").write_text("KNOWN = 1\n", encoding="utf-8")
    program = f"""
        import sys
        sys.path = [folder for folder in sys.path if folder]
        sys.argv = ["/usr/bin/crm-ml", "--version"]
        from crm_ml.__main__ import main
        main()
        assert not {HEAVY!r} & set(sys.modules), {HEAVY!r} & set(sys.modules)
        sys.argv = ["/usr/bin/crm-ml", "train", "promote", "--help"]
        try:
            main()
        finally:
            import acme_models
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        cwd=tmp_path,
        env={"PYTHONPATH": str(PACKAGE.parent)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "usage: crm-ml train promote [-h]" in done.stdout
