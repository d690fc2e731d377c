"""Plant faults into an export of the clean shop, clean it, and count what became of them."""

import copy
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import faults_of_ids  # noqa: F401  (registers)
import faults_of_keys  # noqa: F401
import faults_of_money  # noqa: F401
import faults_of_times  # noqa: F401
import numpy as np
from clean_shop import CUSTOMERS, LINES, Sheet
from cleaning_judge import Cells, Judged, Outcome, has_word, judge, outcome
from faults import FAULTS, Fault, Planting, Rows
from shop_exports import DIALECTS, Dialect, local, write

from crm_ml.errors import InputError
from crm_ml.tables.cleaning import clean, open_sources
from crm_ml.tables.config_file import sources_of
from crm_ml.tables.mapping import parse_mapping

if TYPE_CHECKING:
    import pandas as pd

SHARE = 0.01
_JUDGED = (LINES, "events", CUSTOMERS)


@dataclass
class Result:
    """What became of one export.

    Parameters
    ----------
    refused : str
        First line of the refusal; empty where the tables were accepted.
    cells : Cells
        Of all judged tables.
    outcomes : dict of str to Outcome
        By fault.
    unplanted_aside : dict of str to int
        Rows set aside by reason that no fault was planted in.
    unplanted_wrong : int
        True rows with a wrong cell that no fault was planted in.
    """

    refused: str = ""
    cells: Cells = field(default_factory=Cells)
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    unplanted_aside: dict[str, int] = field(default_factory=dict)
    unplanted_wrong: int = 0

    def plain(self) -> dict[str, Any]:
        """Return the result ready for JSON."""
        return asdict(self)


class CleanExports:
    """Exports of one clean shop, made once a dialect and copied for each fault.

    Parameters
    ----------
    truth : dict of str to pandas.DataFrame
    seed : int
    """

    def __init__(self, truth: "dict[str, pd.DataFrame]", seed: int) -> None:
        self.truth, self.seed = truth, seed
        self._sheets: dict[str, dict[str, Sheet]] = {}

    def sheets(self, dialect: Dialect) -> dict[str, Sheet]:
        """Return the sheets of a dialect, for the caller to spoil."""
        if dialect.name not in self._sheets:
            self._sheets[dialect.name] = {
                name: _sheet(dialect, name, self.truth[name]) for name in dialect.known
            }
        return {name: Sheet(sheet.cells.copy(), sheet.truth.copy(), sheet.free.copy())
                for name, sheet in self._sheets[dialect.name].items()}  # fmt: skip

    def run(self, dialect: Dialect, names: Sequence[str]) -> Result:
        """Plant faults into one export, 1 % of the rows of their table each, and clean it.

        Parameters
        ----------
        dialect : Dialect
        names : sequence of str
            Of faults; no row has two of them.
        """
        sheets, mapping = self.sheets(dialect), dialect.mapping()
        planted: dict[str, Rows] = {}
        for name in names:
            fault = FAULTS[name]
            draw = np.random.default_rng([self.seed, *name.encode()])
            planted[name] = _plant(fault, sheets[fault.table], dialect, draw)
            _declare(mapping["tables"][fault.table], fault.declare)
        with TemporaryDirectory() as place:
            return _cleaned(dialect, sheets, mapping, planted, Path(place))


def _sheet(dialect: Dialect, table: str, truth: "pd.DataFrame") -> Sheet:
    if dialect.name == "typed" and table == CUSTOMERS:  # its file has days, which begin at midnight there
        days = local(truth["registered_at_epoch_s"].to_numpy()).normalize()
        truth = truth.assign(registered_at_epoch_s=[int(day.timestamp()) for day in days])
        cells = dialect.cells(table, truth.assign(registered_at_epoch_s=[
            int(day.tz_localize(None).timestamp()) for day in days]))  # fmt: skip
    else:
        cells = dialect.cells(table, truth)
    return Sheet(cells, truth.reset_index(drop=True).astype(object), np.ones(len(cells), dtype=bool))


def _plant(fault: Fault, sheet: Sheet, dialect: Dialect, draw: np.random.Generator) -> Rows:
    allowed = sheet.free.copy()
    if fault.table == LINES:
        allowed &= sheet.truth["refund_of"].notna().to_numpy() == fault.refunds
    places = np.flatnonzero(allowed)
    rows = np.sort(draw.permutation(places)[: max(round(len(sheet.free) * SHARE), 2)])
    sheet.free[rows] = False
    planted = fault.plant(Planting(sheet, dialect, rows, draw))
    return rows if planted is None else planted


def _declare(table: dict[str, Any], more: Mapping[str, Any]) -> None:
    for key, value in more.items():
        table[key] = table.get(key, {}) | value if isinstance(value, Mapping) else value


def _cleaned(
    dialect: Dialect,
    sheets: dict[str, Sheet],
    mapping: dict[str, Any],
    planted: Mapping[str, Rows],
    root: Path,
) -> Result:
    for name, sheet in sheets.items():
        write(dialect, sheet, name, root)
    try:
        report = clean_folder(mapping, root)
    except InputError as error:
        result = Result(refused=str(error).splitlines()[0])
        result.outcomes = {name: Outcome(planted=len(rows)) for name, rows in planted.items()}
        return result
    return _result(sheets, judged_tables(sheets, root), planted, report)


def clean_folder(mapping: Mapping[str, Any], root: Path) -> dict[str, Any]:
    """Clean the tables of a folder into its folder ``out`` and return the report.

    Raises
    ------
    InputError
        Where they are refused.
    """
    (root / "out").mkdir()
    declared = parse_mapping(copy.deepcopy(dict(mapping)), "the benchmark")
    opened = open_sources(sources_of(declared, root, root / "m.yaml"), declared.tables, root / "out")
    try:
        return clean(opened, declared, root / "out", root).to_dict()
    finally:
        opened.connection.close()


def judged_tables(sheets: Mapping[str, Sheet], root: Path) -> dict[str, Judged]:
    """Return the verdict of each table of a cleaned folder."""
    return {name: judge(sheet, name, root / "out") for name, sheet in sheets.items() if name in _JUDGED}


def _result(
    sheets: dict[str, Sheet],
    judged: dict[str, Judged],
    planted: Mapping[str, Rows],
    report: Mapping[str, Any],
) -> Result:
    result = Result()
    for table in judged.values():
        result.cells = result.cells + table.cells
    for name, rows in planted.items():
        fault = FAULTS[name]
        told = has_word(fault.told, report[fault.table])
        result.outcomes[name] = outcome(rows, sheets[fault.table], judged[fault.table], fault.reasons, told)
    for table, about in judged.items():
        mine = {int(row) for name, rows in planted.items() if FAULTS[name].table == table for row in rows}
        for row, reason in about.reasons.items():
            if row not in mine:
                result.unplanted_aside[reason] = result.unplanted_aside.get(reason, 0) + 1
        tags = set(sheets[table].truth["tag"].iloc[sorted(mine)])
        result.unplanted_wrong += len(about.wrong_tags - tags)
    return result


def names_of(dialect: str, classes: Iterable[str]) -> list[str]:
    """Return the faults of a dialect that are of one of the classes."""
    return [name for name, fault in FAULTS.items() if dialect in fault.dialects and fault.expected in classes]


def every_run() -> list[tuple[Dialect, str]]:
    """Return each fault in one of the dialects that can have it, by turns, so that all dialects have some."""
    turns = enumerate(FAULTS.values())
    return [(DIALECTS[fault.dialects[turn % len(fault.dialects)]], fault.name) for turn, fault in turns]
