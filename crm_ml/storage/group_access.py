"""A group of the machine that may read a published folder, such as that of a campaign tool.

What is published is private until it is whole, and is given to the group just before it gets its name.
"""

import functools
import logging
import os
import shlex
import stat
from dataclasses import dataclass
from pathlib import Path

from crm_ml.errors import ConfigError
from crm_ml.private_files import make_folder

log = logging.getLogger(__name__)
_READ, _LIST, _PASS = 0o640, 0o750, 0o710
_SHOWN = 5


@dataclass(frozen=True)
class Group:
    """A group that this process may give files to.

    Parameters
    ----------
    name : str
    gid : int
    """

    name: str
    gid: int

    def give(self, path: Path) -> None:
        """Let the group read a file, or list a folder and read all that is in it; links stay as they are."""
        for each in (*sorted(path.rglob("*")), path):
            if not each.is_symlink():
                self._open(each, _LIST if each.is_dir() else _READ)

    def make_folder(self, folder: Path) -> None:
        """Create a folder that the group may list, and its missing parents, which it may only pass through.

        Folders that exist stay as they are; a warning names those that the group can't pass.
        """
        missing = [path for path in (folder, *folder.parents) if not path.exists()]
        make_folder(folder)
        for path in missing:
            self._open(path, _LIST if path == folder else _PASS)
        _tell_closed(self, folder.resolve())

    def _open(self, path: Path, mode: int) -> None:
        os.chown(path, -1, self.gid)
        path.chmod(mode)


def group_of(name: str | None) -> Group | None:
    """Return the group of a name; None without one.

    Raises
    ------
    ConfigError
        If the machine has no groups or none of this name, or the user is no member of it.
    """
    if name is None:
        return None
    try:
        import grp
    except ImportError:
        raise ConfigError(f"group: this machine has no groups, so {name!r} can't be given a list") from None
    own = {os.getegid(), *os.getgroups()}
    try:
        group = Group(name, grp.getgrnam(name).gr_gid)
    except (KeyError, ValueError):  # ValueError: a NUL in the name
        raise ConfigError(f"group: this machine has no group {name!r}; {_yours(own)}") from None
    if os.geteuid() != 0 and group.gid not in own:
        raise ConfigError(
            f"group: you are no member of {name!r} and can't give it files; have yourself added and log in "
            f"again, or {_yours(own)}"
        )
    return group


@functools.cache
def _tell_closed(group: Group, folder: Path) -> None:
    """Warn of folders on the way to a folder, and itself, that a group can't pass by their modes."""
    closed = []
    for path in (folder, *folder.parents):
        status = path.stat()
        of_group = stat.S_IXGRP if status.st_gid == group.gid else stat.S_IXOTH
        if not status.st_mode & of_group:
            closed.append(path)
    if closed:
        paths = shlex.join(map(str, reversed(closed)))
        way = f"chgrp {shlex.quote(group.name)} {paths} && chmod g+x {paths}"
        log.warning("the group %s can't reach %s; open the way with: %s", group.name, folder, way)


def _yours(own: set[int]) -> str:
    import grp

    named = {entry.gr_gid: entry.gr_name for entry in grp.getgrall()}
    names = sorted(named[gid] for gid in own if gid in named)
    return f"name one of yours: {', '.join(names[:_SHOWN])}"
