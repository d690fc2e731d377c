"""Executed notebooks: each is run once for one state of the code, and its outputs are kept below ``data/``.

``python docs/site_pages/notebooks.py NOTEBOOK ...`` runs those whose outputs are not there.
"""

import contextlib
import hashlib
import io
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[2]
NOTEBOOKS = tuple(sorted((PROJECT / "notebooks").glob("*.py")))
KEPT = PROJECT / "data" / "notebooks"


def execute(path: Path) -> tuple[Any, dict[str, Any]]:
    """Run a notebook in this process and return it with its outputs, and its variables.

    Parameters
    ----------
    path : Path
        A percent script.

    Raises
    ------
    Exception
        What a cell raises.
    """
    import jupytext

    notebook = jupytext.read(path, fmt="py:percent")
    with _shell() as shell:
        for cell in notebook.cells:
            if cell.cell_type == "code":
                shell.outputs.clear()
                _run(shell, cell.source)
                cell.outputs = [*shell.outputs]
        return notebook, dict(shell.user_ns)


def keep(path: Path, notebook: Any) -> None:
    """Keep the outputs of a notebook for the documentation, in place of older ones."""
    import jupytext

    KEPT.mkdir(parents=True, exist_ok=True)
    for old in KEPT.glob(f"{path.stem}-*.ipynb"):
        old.unlink()
    jupytext.write(notebook, _kept(path), fmt="ipynb")


def executed(path: Path) -> Any:
    """Return a notebook with its outputs: those that are kept, else of a run in a process of its own."""
    import nbformat

    if not _kept(path).is_file():
        subprocess.run([sys.executable, __file__, str(path)], check=True)
    return nbformat.read(_kept(path), as_version=4)


def _kept(path: Path) -> Path:
    return KEPT / f"{path.stem}-{_state(path)}.ipynb"


def _state(path: Path) -> str:
    """Return the hash of all that the outputs follow from."""
    texts = (path.read_bytes(), Path(__file__).read_bytes(), _package_version().encode())
    return hashlib.sha256(b"\0".join(texts)).hexdigest()[:16]


@cache
def _package_version() -> str:
    from crm_ml.storage.code_version import code_version

    return code_version("crm_ml")


@contextlib.contextmanager
def _shell() -> Iterator[Any]:
    """Give a shell that collects what cells show, as a kernel would send it."""
    import matplotlib as mpl
    from IPython.core.displayhook import DisplayHook
    from IPython.core.displaypub import DisplayPublisher
    from IPython.core.interactiveshell import InteractiveShell
    from IPython.core.pylabtools import select_figure_formats
    from nbformat.v4 import new_output
    from traitlets import Type
    from traitlets.config import Config

    outputs: list[Any] = []

    class Publisher(DisplayPublisher):
        def publish(self, data: dict[str, Any], metadata: Any = None, **_: Any) -> None:
            outputs.append(new_output("display_data", _plain(data), metadata=metadata or {}))

    class Hook(DisplayHook):
        def __call__(self, result: object = None) -> None:
            if result is not None and not self.shell.shown_source.rstrip().endswith(";"):
                data, _ = self.shell.display_formatter.format(result)
                outputs.append(new_output("execute_result", _plain(data), execution_count=None))

    class Shell(InteractiveShell):
        displayhook_class, display_pub_class = Type(Hook), Type(Publisher)
        shown_source = ""

        def enable_gui(self, gui: str | None = None) -> None:
            """Open no window."""

    InteractiveShell.clear_instance()
    with tempfile.TemporaryDirectory() as home:
        config = Config({"HistoryManager": {"enabled": False}, "InteractiveShell": {"ipython_dir": home}})
        shell, backend, hook = Shell.instance(config=config), mpl.get_backend(), sys.excepthook
        shell.outputs = outputs
        mpl.use("agg")
        select_figure_formats(shell, {"png"}, bbox_inches="tight")
        try:
            yield shell
        finally:
            mpl.use(backend)
            sys.excepthook = hook
            Shell.clear_instance()


def _plain(data: dict[str, Any]) -> dict[str, Any]:
    """Return a MIME bundle that can be written as JSON."""
    import base64

    return {
        kind: base64.b64encode(value).decode() if isinstance(value, bytes) else value
        for kind, value in data.items()
    }


def _run(shell: Any, source: str) -> None:
    """Run one cell, and show what it prints and the figures that it leaves open."""
    import matplotlib.pyplot as plt
    from IPython.display import display
    from nbformat.v4 import new_output

    shell.shown_source = source
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        result = shell.run_cell(source, store_history=False)
    if printed.getvalue():
        shell.outputs.insert(0, new_output("stream", text=printed.getvalue()))
    result.raise_error()
    for number in plt.get_fignums():
        display(plt.figure(number))
    plt.close("all")


def main(paths: list[str]) -> None:
    """Run notebooks from their folder, with runs of their own, and keep the outputs."""
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    for path in map(Path, paths):
        with tempfile.TemporaryDirectory() as runs:
            os.environ["CRM_ML_RUNS"] = runs
            os.chdir(PROJECT / "notebooks")
            keep(path, execute(path)[0])


if __name__ == "__main__":
    main(sys.argv[1:])
