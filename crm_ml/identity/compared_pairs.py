"""Pairs of profiles that share a block, and how alike they are; done in DuckDB."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from crm_ml.errors import ConfigError
from crm_ml.identity.comparison import Comparison
from crm_ml.tables.engine import connect
from crm_ml.tables.sql import ident

if TYPE_CHECKING:
    import duckdb
    import pandas as pd

SAMPLE: Final = 2_000  # rows of which all pairs are compared: two million
_PART = re.compile(r"(\w+)(?:\[:(\d+)\])?")


@dataclass(frozen=True, eq=False)
class ComparedPairs:
    """Pairs of rows that share a block, and what pairs in general are like.

    Parameters
    ----------
    left, right : numpy.ndarray of int, shape (m,)
        Rows, in order of both.
    levels : numpy.ndarray of int, shape (m, comparisons)
        Of each comparison; -1 where a value is absent.
    shares : numpy.ndarray of float, shape (m, comparisons)
        Share of rows that have the value in which both are equal; 1 elsewhere.
    all_pairs : tuple of numpy.ndarray of float
        For each comparison the number of all pairs of rows at each level, counted or estimated.
    rows : int
    """

    left: npt.NDArray[np.int64]
    right: npt.NDArray[np.int64]
    levels: npt.NDArray[np.int8]
    shares: npt.NDArray[np.float64]
    all_pairs: tuple[npt.NDArray[np.float64], ...]
    rows: int


def compared_pairs(
    profiles: "pd.DataFrame",
    comparisons: Sequence[Comparison],
    blocks: Sequence[str],
    block_cap: int,
    seed: int,
) -> ComparedPairs:
    """Compare the profiles that share a block.

    Parameters
    ----------
    profiles : pandas.DataFrame
    comparisons : sequence of Comparison
    blocks : sequence of str
        Such as ``"surname[:4] + birth_date"``: columns, or their first letters, that are equal.
    block_cap : int
        Most profiles of a block; larger ones are left out.
    seed : int
        Of the sample of rows by which all pairs are estimated.
    """
    with connect() as connection:
        connection.register("profiles", profiles[list(_columns(comparisons, blocks))].astype("str"))
        columns = ", ".join(f"{one.value()} AS value{place}" for place, one in enumerate(comparisons))
        keys = ", ".join(f"{_key(block)} AS key{place}" for place, block in enumerate(blocks))
        connection.execute(
            f"CREATE TABLE own AS SELECT CAST(row_number() OVER () - 1 AS BIGINT) AS n, {columns}, {keys} "
            "FROM profiles"
        )
        pairs = _pairs(connection, comparisons, len(blocks), block_cap)
        totals = tuple(
            _all_pairs(connection, one, f"value{place}", len(profiles), seed)
            for place, one in enumerate(comparisons)
        )
    levels = np.column_stack([pairs[f"level{place}"] for place in range(len(comparisons))]).astype(np.int8)
    shares = np.column_stack([pairs[f"share{place}"] for place in range(len(comparisons))]).astype(np.float64)
    return ComparedPairs(
        pairs["l"].astype(np.int64), pairs["r"].astype(np.int64), levels, shares, totals, len(profiles)
    )


def _columns(comparisons: Sequence[Comparison], blocks: Sequence[str]) -> dict[str, None]:
    names = [one.column for one in comparisons]
    return dict.fromkeys([*names, *(name for block in blocks for name, _ in block_parts(block))])


def block_parts(block: str) -> list[tuple[str, int | None]]:
    """Return the columns of a block and how many first letters of each count.

    Raises
    ------
    ConfigError
        If the text is none.

    Examples
    --------
    >>> block_parts("surname[:4] + birth_date")
    [('surname', 4), ('birth_date', None)]
    """
    parts = [_PART.fullmatch(part.strip()) for part in block.split("+")]
    if not all(parts):
        raise ConfigError(f"block {block!r}: write columns as name or name[:4], with + between them")
    return [(part[1], int(part[2]) if part[2] else None) for part in parts if part]


def _key(block: str) -> str:
    """Return the SQL of the key of a block; null where a part is absent."""
    parts = []
    for name, letters in block_parts(block):
        text = f"nullif(lower(trim({ident(name)})), '')"
        parts.append(text if letters is None else f"left({text}, {letters})")
    return " || chr(31) || ".join(parts)


def _pairs(
    connection: "duckdb.DuckDBPyConnection", comparisons: Sequence[Comparison], blocks: int, cap: int
) -> "dict[str, npt.NDArray[np.int64]]":
    """Return pairs of rows, their levels and the shares of equal values, in order."""
    for place in range(blocks):
        connection.execute(
            f"CREATE TABLE block{place} AS SELECT n, key{place} AS key FROM own WHERE key{place} IN "
            f"(SELECT key{place} FROM own GROUP BY key{place} HAVING count(*) BETWEEN 2 AND {cap})"
        )
    union = " UNION ".join(
        f"SELECT a.n AS l, b.n AS r FROM block{place} a JOIN block{place} b ON a.key = b.key AND a.n < b.n"
        for place in range(blocks)
    )
    levels = ", ".join(
        f"{one.level(f'value{place}')} AS level{place}" for place, one in enumerate(comparisons)
    )
    shares, joins = [], []
    for place, one in enumerate(comparisons):
        if not one.frequency:
            shares.append(f"1.0 AS share{place}")
            continue
        name = f"value{place}"
        joins.append(
            f"LEFT JOIN (SELECT {name} AS value, count(*) / sum(count(*)) OVER () AS share FROM own "
            f"WHERE {name} IS NOT NULL GROUP BY {name}) f{place} "
            f"ON l.{name} = r.{name} AND f{place}.value = l.{name}"
        )
        shares.append(f"coalesce(f{place}.share, 1.0) AS share{place}")
    found: dict[str, npt.NDArray[np.int64]] = connection.sql(
        f"SELECT p.l, p.r, {levels}, {', '.join(shares)} FROM ({union}) p JOIN own l ON l.n = p.l "
        f"JOIN own r ON r.n = p.r {' '.join(joins)} ORDER BY p.l, p.r"
    ).fetchnumpy()
    return found


def _all_pairs(
    connection: "duckdb.DuckDBPyConnection", comparison: Comparison, name: str, rows: int, seed: int
) -> npt.NDArray[np.float64]:
    """Return the number of all pairs at each level: equality counted, the others by pairs of a sample."""
    import pandas as pd

    known, equal = connection.sql(
        f"SELECT sum(c), sum(c * (c - 1) / 2) FROM (SELECT count(*) AS c FROM own WHERE {name} IS NOT NULL "
        f"GROUP BY {name})"
    ).fetchall()[0]
    drawn = np.sort(np.random.default_rng(seed).permutation(rows)[:SAMPLE])
    connection.register("drawn", pd.DataFrame({"n": drawn}))
    found = connection.sql(
        f"WITH drawn_values AS (SELECT {name}, count(*) AS times FROM own WHERE {name} IS NOT NULL "
        f"AND n IN (SELECT n FROM drawn) GROUP BY {name}) "
        f"SELECT {comparison.level(name)} AS level, sum(l.times * r.times) AS pairs "
        f"FROM drawn_values l JOIN drawn_values r ON l.{name} < r.{name} GROUP BY level"
    ).fetchall()
    counts = np.zeros(comparison.levels)
    for level, pairs in found:
        if level > 0:
            counts[level] = pairs
    every = float(known or 0) * (float(known or 0) - 1) / 2
    counts *= max(every - float(equal or 0), 0.0) / max(counts.sum(), 1.0)
    counts[0] = float(equal or 0)
    return counts
