"""Further files beside that of orders: events, customers or items, told by the ids that they share."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from crm_ml.errors import InputError
from crm_ml.tables.guess.column_facts import ColumnFacts, facts_of
from crm_ml.tables.guess.encoding_doubt import doubt_of, error_with_doubt
from crm_ml.tables.guess.file_guess import FileGuess, guess_file
from crm_ml.tables.guess.read_sample import read_sample
from crm_ml.tables.guess.sample import Sample

_KNOWN: Final = 0.99
_ROLES: Final = {"customers": "customer", "items": "item"}


@dataclass(frozen=True)
class IdFile:
    """A file with one row for each customer or item.

    Parameters
    ----------
    table : {"customers", "items"}
    sample : Sample
    paths : tuple of Path
    key : ColumnFacts
        Column of the ids.
    registered : ColumnFacts, optional
        Of customers: a column of times, where there is one alone.
    """

    table: str
    sample: Sample
    paths: tuple[Path, ...]
    key: ColumnFacts
    registered: ColumnFacts | None = None


@dataclass(frozen=True)
class FilesGuess:
    """What several files are: orders, and what belongs to them.

    Parameters
    ----------
    orders : FileGuess
    paths : tuple of Path
        Files of orders.
    events : FileGuess, optional
        Of a file of events alone.
    event_paths : tuple of Path
    ids : tuple of IdFile
    doubts : tuple of str
        A sentence for each file whose bytes do not tell its encoding.
    """

    orders: FileGuess
    paths: tuple[Path, ...]
    events: FileGuess | None = None
    event_paths: tuple[Path, ...] = ()
    ids: tuple[IdFile, ...] = ()
    doubts: tuple[str, ...] = ()


def guess_files(files: Sequence[Path], encoding: str | None = None) -> FilesGuess:
    """Return what files are taken for; those with the same columns are one table.

    Parameters
    ----------
    files : sequence of Path
    encoding : str, optional
        Of all CSV files; found from the bytes of each by default.

    Raises
    ------
    InputError
        If none has orders, or one is neither of orders nor of what belongs to them. Files whose encoding is
        in doubt are named behind it.
    """
    samples = {path: read_sample(path, encoding) for path in files}
    try:
        guess = _guess_samples(samples)
    except InputError as error:
        raise InputError(error_with_doubt(error, samples.values())) from None
    return replace(guess, doubts=tuple(filter(None, map(doubt_of, samples.values()))))


def _guess_samples(samples: dict[Path, Sample]) -> FilesGuess:
    groups: dict[tuple[str, ...], list[Path]] = {}
    for path, sample in samples.items():
        groups.setdefault(sample.names, []).append(path)
    guesses: dict[tuple[str, ...], FileGuess] = {}
    faults = []
    for names, paths in groups.items():
        try:
            guesses[names] = guess_file(paths[0], samples[paths[0]])
        except InputError as error:
            faults.append(str(error))
    of_orders = [names for names, guess in guesses.items() if guess.has_money]
    if not of_orders:
        raise InputError(
            "\n".join(faults) or f"{next(iter(samples)).name} has no column of money; orders need one"
        )
    best = max(of_orders, key=lambda names: len(guesses[names].columns))
    others = {names: paths for names, paths in groups.items() if names != best}
    return _with_others(guesses, groups[best], guesses[best], others, samples)


def _with_others(
    guesses: dict[tuple[str, ...], FileGuess],
    paths: list[Path],
    orders: FileGuess,
    others: dict[tuple[str, ...], list[Path]],
    samples: dict[Path, Sample],
) -> FilesGuess:
    ids: list[IdFile] = []
    events: FileGuess | None = None
    event_paths: tuple[Path, ...] = ()
    for names, files in others.items():
        of_ids = _id_file(orders, samples[files[0]], tuple(files))
        guess = guesses.get(names)
        if of_ids is not None:
            ids.append(of_ids)
        elif guess is not None and guess.is_events and events is None:
            events, event_paths = guess, tuple(files)
        else:
            raise InputError(
                f"{files[0].name} is neither of orders nor of events, and has no column with all customers "
                f"or items of {orders.sample.path.name}; leave it out, or map it by hand"
            )
    return FilesGuess(orders, tuple(paths), events, event_paths, tuple(ids))


def _id_file(orders: FileGuess, sample: Sample, paths: tuple[Path, ...]) -> IdFile | None:
    """Return a file as one of customers or items, if a column differs in all rows and has all their ids."""
    facts = facts_of(sample)
    for table, role in _ROLES.items():
        wanted = orders.column(role)
        needed = {cell for cell in wanted.cells if cell is not None} if wanted is not None else set()
        for column in facts.values():
            shared = len(needed.intersection(filter(None, column.cells)))
            if needed and column.differ == sample.rows and shared >= _KNOWN * len(needed):
                times = [c for c in facts.values() if c.time is not None and c.time.epoch is None]
                registered = times[0] if table == "customers" and len(times) == 1 else None
                return IdFile(table, sample, paths, column, registered)
    return None
