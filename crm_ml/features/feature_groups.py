"""The feature groups: those of the package, of entry points, and one's own by their module or class."""

import contextlib
import importlib
import pkgutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from types import ModuleType
from typing import TYPE_CHECKING, Any

from crm_ml.errors import ConfigError
from crm_ml.features.group_sums import GroupSums
from crm_ml.features.past import Past
from crm_ml.plugins import imported, installed, is_own

if TYPE_CHECKING:
    import narwhals as nw

ENTRY_POINTS = "crm_ml.features"
_FUNCTIONS = ("sums_each", "compute_each", "compute")
Groups = Sequence[str] | Mapping[str, Mapping[str, Any]]


@cache
def groups() -> dict[str, ModuleType]:
    """Return the feature groups by name, in the order of their columns.

    Every module of this package that is a group, in ascending order, then the modules that entry points of
    the group ``crm_ml.features`` name. A group has ``COLUMNS`` and one of three functions: ``sums_each``
    returns what it adds up in rows that other groups read too, see `crm_ml.features.group_sums.GroupSums`;
    ``compute_each`` computes its columns at several snapshots in one pass (see `crm_ml.features.past.Past`);
    ``compute`` computes them at one. Wherever the name of a group stands, one's own may be named as
    ``acme.groups.loyalty`` or ``acme.groups:loyalty``: a module, or a class in a module with ``COLUMNS`` and
    such a static method, whose matrices are not stored.

    Raises
    ------
    ConfigError
        If the module of an entry point can't be imported or is no group, or its name is taken.
    """
    package = importlib.import_module("crm_ml.features")
    names = sorted(info.name for info in pkgutil.iter_modules(package.__path__))
    modules = {name: importlib.import_module(f"crm_ml.features.{name}") for name in names}
    own = {name: module for name, module in modules.items() if not _lacking(module)}
    for name, point in installed(ENTRY_POINTS).items():
        if name in own:
            raise ConfigError(f"features: the entry point {name} has the name of a group of crm_ml")
        own[name] = _own_group(point.value, f"entry point {name} of {ENTRY_POINTS}")
    return own


def check_groups(wanted: Groups) -> None:
    """Refuse names and options of groups that do not exist; no data is needed to know it.

    Raises
    ------
    ConfigError
        If a group or an option of one does not exist, or a module of one's own is no group.
    """
    for name, options in groups_with_options(wanted).items():
        known = _options_of(group_of(name))
        unknown = sorted(set(options) - set(known))
        if unknown:
            raise ConfigError(
                f"features: {name} has no option {', '.join(unknown)}; it has {', '.join(known) or 'none'}"
            )


def groups_with_options(wanted: Groups | None) -> Mapping[str, Mapping[str, Any]]:
    """Return groups with their options; without any all that need no options to mean something.

    A group with ``OPT_IN``, such as ``event_rhythm``, is computed only where it is named.

    Raises
    ------
    ConfigError
        If a group does not exist, or a module of one's own is no group.
    """
    if wanted is None:
        return {name: {} for name, group in groups().items() if not getattr(group, "OPT_IN", False)}
    options = wanted if isinstance(wanted, Mapping) else {name: {} for name in wanted}
    for name in options:
        group_of(name)
    return options


def group_of(name: str) -> ModuleType:
    """Return the group of a name.

    Raises
    ------
    ConfigError
        If there is none, or a module of one's own is no group.
    """
    if "." in name or is_own(name):
        return _own_group(name, f"features: {name}")
    if name not in groups():
        raise ConfigError(f"features: {name!r} is no group; there are {', '.join(groups())}")
    return groups()[name]


def in_one_pass(name: str) -> bool:
    """Return whether a group computes several snapshots in one pass."""
    return _function(group_of(name)) != "compute"


def shares_sums(name: str) -> bool:
    """Return whether a group says what it adds up, so that it shares passes with other groups."""
    return _function(group_of(name)) == "sums_each"


def sums_of(name: str, past: Past, options: Mapping[str, Any]) -> GroupSums | None:
    """Return the sums and columns of a group that `shares_sums`; None where the tables lack what it takes."""
    sums: GroupSums | None = group_of(name).sums_each(past, **options)
    return sums


def computed(name: str, past: Past, options: Mapping[str, Any]) -> "nw.LazyFrame[Any] | None":
    """Return the columns of a group without shared sums, keyed by ``row``; None where the tables lack them.

    Parameters
    ----------
    name : str
    past : Past
        Of one snapshot, unless the group is `in_one_pass`.
    options : mapping
    """
    frame: nw.LazyFrame[Any] | None
    if in_one_pass(name):
        frame = group_of(name).compute_each(past, **options)
        return frame
    (snapshot,) = past.snapshots
    frame = group_of(name).compute(past.tables, snapshot, **options)
    return None if frame is None else past.by_row(frame)


@contextlib.contextmanager
def naming_group(name: str, past: Past) -> Iterator[None]:
    """Let an error of a column that is not there name the group that asks for it, and the columns there are.

    Raises
    ------
    ConfigError
        In place of the engine's error.
    """
    try:
        yield
    except Exception as error:
        of_engine = isinstance(error, KeyError) or type(error).__name__ == "BinderException"
        if not of_engine or "column" not in str(error).lower():
            raise
        asked = str(error).strip("'\n").splitlines()[0].partition(";")[0].rstrip("!")
        raise ConfigError(
            "\n  ".join([f"features: {name}: {asked}; there are", *_there(name, past)])
        ) from error


def _there(name: str, past: Past) -> list[str]:
    """Return the columns of each frame that a group may read, a line a frame."""
    if in_one_pass(name):
        frames = {"past.orders": past.orders, "past.known_lines()": past.known_lines()}
    else:
        frames = {table: past.tables.frame(table) for table in ("orders", *past.tables.names)}
    return [f"{title}: {', '.join(frame.collect_schema().names())}" for title, frame in frames.items()]


def code_of(groups: Groups) -> list[str]:
    """Return the modules that groups are written in, each once, as far as they lie in files."""
    written = [group_of(name) for name in groups_with_options(groups)]
    homes = {getattr(group, "__module__", None) or group.__name__ for group in written}
    return sorted(home for home in homes if getattr(sys.modules.get(home), "__file__", None))


def _options_of(group: ModuleType) -> Mapping[str, Any]:
    return getattr(group, _function(group)).__kwdefaults__ or {}


def _function(group: ModuleType) -> str:
    return next(name for name in _FUNCTIONS if hasattr(group, name))


def _own_group(name: str, where: str) -> ModuleType:
    module, _, inner = name.partition(":")
    group = imported(module, where)
    if inner:
        group = getattr(group, inner, None) or imported(f"{module}.{inner}", where)
    if _lacking(group):
        raise ConfigError(f"{where}: it is no group: it lacks {', '.join(_lacking(group))}")
    return group


def _lacking(module: ModuleType) -> list[str]:
    lacking = [] if hasattr(module, "COLUMNS") else ["COLUMNS"]
    return lacking if any(hasattr(module, name) for name in _FUNCTIONS) else [*lacking, "compute"]
