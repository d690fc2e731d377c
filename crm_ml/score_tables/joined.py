"""The feature table and the score tables of a day, made or found whole, and joined for the decision."""

import logging
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import narwhals as nw

from crm_ml.score_tables.columns import LISTED
from crm_ml.score_tables.score_rows import Progress
from crm_ml.score_tables.source import Output, ScoringDay, Source, scan
from crm_ml.storage.code_version import code_version
from crm_ml.storage.identity import identity
from crm_ml.storage.stage_cache import stage
from crm_ml.tables.sql import ident, parquet_rows

if TYPE_CHECKING:
    import duckdb

    from crm_ml.actions.catalog import Action

log = logging.getLogger(__name__)
_KINDS = {"float64": nw.Float64, "int64": nw.Int64}


@dataclass(frozen=True, eq=False)
class ScoreTable:
    """One score table of a day.

    Parameters
    ----------
    source : Source
    path : Path
        Parquet with a row a customer.
    number : int, optional
        Of the action-channel that it is about.
    action : Action, optional
        That action on its channel.
    """

    source: Source
    path: Path
    number: int | None = None
    action: "Action | None" = None

    @property
    def group(self) -> str:
        """Group of scores in the profile that it belongs to."""
        return "" if self.action is None else self.source.group_of(self.action)

    def joined_columns(self) -> dict[str, str]:
        """Return the columns that rules and values read: name in the join to name in the file."""
        suffix = "" if self.number is None else f"_{self.number}"
        return {f"{name}{suffix}": name for name in self.source.columns}


@dataclass(frozen=True, eq=False)
class ScoreTables:
    """The tables of a day.

    Parameters
    ----------
    features : Path
        All known customers.
    tables : sequence of ScoreTable
    """

    features: Path
    tables: Sequence[ScoreTable] = ()

    def of(self, source: Source) -> list[ScoreTable]:
        """Return the tables of a source."""
        return [table for table in self.tables if table.source is source]

    def stages(self) -> dict[str, Any]:
        """Return the names of the stages by family, of those with a table an action by action."""
        names: dict[str, Any] = {"features": self.features.parent.name}
        for table in self.tables:
            stage_name = table.path.parent.name
            if table.action is None:
                names[table.source.family] = stage_name
            else:
                names.setdefault(table.source.family, {})[table.action.action_id] = stage_name
        return names

    def base(self, connection: "duckdb.DuckDBPyConnection") -> "nw.LazyFrame[Any]":
        """Join all scores to the features of all known customers, as `open_actions.weigh` takes them."""
        files: dict[Path, dict[str, str]] = {}  # once for all channels of an action
        for table in self.tables:
            files.setdefault(table.path, {}).update(table.joined_columns())
        columns, joined_files = ["day.*"], ""
        for number, (path, names) in enumerate(files.items()):
            columns += [f"s{number}.{ident(own)} AS {ident(name)}" for name, own in names.items()]
            joined_files += (
                f" LEFT JOIN {parquet_rows(path)} s{number} ON s{number}.customer_id = day.customer_id"
            )
        rows = connection.sql(
            f"SELECT {', '.join(columns)} FROM {parquet_rows(self.features)} day{joined_files}"
        )
        joined: nw.LazyFrame[Any] = nw.from_native(rows)
        present = joined.collect_schema().names()
        missing = {name: kind for name, kind in LISTED.items() if name not in present}
        nulls = {name: nw.lit(None, dtype=_KINDS[kind]) for name, kind in missing.items()}
        return joined.with_columns(**nulls) if nulls else joined

    def with_features(
        self, connection: "duckdb.DuckDBPyConnection", decided: "nw.LazyFrame[Any]"
    ) -> "nw.LazyFrame[Any]":
        """Put the features of customer and action beside decided rows, in the order of customers."""
        joined = decided.join(scan(connection, self.features), on="customer_id", how="inner")
        by_family: dict[str, list[nw.LazyFrame[Any]]] = {}
        for table in self.tables:
            if table.number is not None:
                rows = scan(connection, table.path).select("customer_id", *table.source.beside)
                numbered = rows.with_columns(action=nw.lit(table.number, dtype=nw.Int32))
                by_family.setdefault(table.source.family, []).append(numbered)
        for frames in by_family.values():
            joined = joined.join(nw.concat(frames), on=["customer_id", "action"], how="left")
        return joined.sort("customer_id")


def score_day(
    work: Path,
    day: ScoringDay,
    sources: Sequence[Source],
    actions: "Sequence[Action]",
    progress: Progress | None = None,
) -> ScoreTables:
    """Make the score tables of all sources, or find them whole.

    Parameters
    ----------
    work : Path
        Folder of all stages.
    day : ScoringDay
    sources : sequence of Source
    actions : sequence of Action
        Each on one channel, in the order of their numbers.
    progress : callable, optional
        Called with customers scored and customers in all.
    """
    paths = []
    for source in sources:
        code = code_version(Source.__module__, type(source).__module__, *source.modules)
        paths += [_made(work, day, source, action, code, progress) for _, action in _asking(source, actions)]
    return joined_tables(day.features, paths, sources, actions)


def joined_tables(
    features: Path, paths: Sequence[Path], sources: Sequence[Source], actions: "Sequence[Action]"
) -> ScoreTables:
    """Put the files of `score_day` beside what they are about.

    Parameters
    ----------
    features : Path
    paths : sequence of Path
        In the order in which `score_day` makes them.
    sources, actions
        As `score_day` takes them.
    """
    asked = [(source, *about) for source in sources for about in _asking(source, actions)]
    tables = [
        ScoreTable(source, path, number, action)
        for (source, number, action), path in zip(asked, paths, strict=True)
    ]
    return ScoreTables(features, tables)


def _asking(source: Source, actions: "Sequence[Action]") -> "Iterator[tuple[int | None, Action | None]]":
    """Give the actions that get a table of their own, with their numbers; none for a table about all."""
    if not source.per_action:
        yield None, None
        return
    yield from ((number, action) for number, action in enumerate(actions) if source.asks(action))


def _made(
    work: Path,
    day: ScoringDay,
    source: Source,
    action: "Action | None",
    code: str,
    progress: Progress | None,
) -> Path:
    """Return one score table, made now, gone on with, or found whole."""
    name = source.name if action is None else f"{source.name}-{action.action_id}"
    ingredients = {**source.ingredients(day, action), "code": code, "model": source.sums}
    of_part = "" if day.part.is_whole else f"-{day.part.label}"
    parts = day.part.folder(work) / f"parts-{name}-{identity(ingredients)[:16]}{of_part}"

    def fill(path: Path) -> None:
        rows = source.write(day, action, Output(path, parts, progress))
        log.info("%s: scores of %s customers", name, f"{rows:,}")

    path = stage(work, name, ingredients, fill, day.part)
    shutil.rmtree(parts, ignore_errors=True)
    return path
