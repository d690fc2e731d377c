"""Guess what files are and write a first mapping of them."""

import re
from collections.abc import Sequence
from pathlib import Path

from crm_ml.errors import InputError
from crm_ml.private_files import write_usual
from crm_ml.tables.config_file import usual_root
from crm_ml.tables.guess.mapping_text import mapping_text
from crm_ml.tables.guess.other_files import FilesGuess, guess_files


def write_guess(
    files: Sequence[Path], out: Path, root: Path | None = None, encoding: str | None = None
) -> FilesGuess:
    """Write a first mapping of a file of orders, or of several files.

    Parameters
    ----------
    files : sequence of Path
        Those that have the same columns are one table; others are events, customers or items of the orders.
    out : Path
        The mapping, such as ``configs/data/mine.yaml``; its folder is made if absent.
    root : Path, optional
        Folder that paths are relative to; by default the one that the mapping would have, if the files lie in
        it, else their own.
    encoding : str, optional
        Of all CSV files; found from the bytes of each by default.

    Returns
    -------
    FilesGuess

    Raises
    ------
    InputError
        If `out` exists, a file can't be read, none has orders, or one does not belong to them.
    """
    if out.exists():
        raise InputError(f"{out} exists; name another file by --out, or remove it")
    guess = guess_files(files, encoding)
    folder = (root or usual_root(out)).resolve()
    if root is None and not all(file.resolve().is_relative_to(folder) for file in files):
        folder = root = files[0].resolve().parent
    if not all(file.resolve().is_relative_to(folder) for file in files):
        raise InputError(f"{folder} does not hold all files; name a folder that does by --root")
    places = {file: file.resolve().relative_to(folder).as_posix() for file in files}
    text = mapping_text(_name(out), root and folder, places, guess)
    write_usual(out, text)
    return guess


def _name(out: Path) -> str:
    return re.sub(r"[^A-Za-z0-9_-]+", "_", out.stem).strip("_-")[:64] or "mine"
