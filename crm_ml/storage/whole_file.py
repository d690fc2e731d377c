"""One file written whole or not at all, for its owner alone, in place of whatever stands at its path."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from crm_ml.errors import InputError
from crm_ml.private_files import make_folder, private_files
from crm_ml.storage.manifest import sync
from crm_ml.storage.paths import check_writable
from crm_ml.storage.workspace import new_workspace, remove_stale

_DEVICES = Path("/dev")


@contextlib.contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Yield a path of the same name in a folder of its own; the file moves to `path` when the block ends.

    A link at `path` is replaced and never followed, but below ``/dev``, such as ``/dev/stdout``, which is
    written as it stands. What a dead process left is removed.

    Raises
    ------
    InputError
        If it can't be written; what stood there stays.
    """
    if path.is_relative_to(_DEVICES) and not path.is_dir():
        yield path
        return
    try:
        make_folder(path.parent)
        remove_stale(path.parent, path.name)
        with private_files(), new_workspace(path.absolute()) as space:
            part = space / path.name
            yield part
            sync(part)
            part.replace(path)
            sync(path.absolute().parent)
    except OSError as error:
        raise InputError(f"{path}: can't be written ({error.strerror or error})") from error


def check_place(path: Path) -> None:
    """Refuse a file that `whole_file` could not write, before the work whose result it is to hold.

    Raises
    ------
    InputError
        If it is a folder, or its own folder can't be written or made.
    """
    if path.is_dir():
        raise InputError(f"{path}: is a folder, and a file is to be written; name a file")
    if not path.is_relative_to(_DEVICES):
        check_writable(path.parent)


def write_text(path: Path, text: str) -> None:
    """Write a text in UTF-8 as `whole_file` writes.

    Raises
    ------
    InputError
        If it can't be written.
    """
    with whole_file(path) as part:
        part.write_text(text, encoding="utf-8", newline="\n")
