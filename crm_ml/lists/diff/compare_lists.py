"""Two lists compared row by row on DuckDB, out of memory where they are large."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crm_ml.errors import InputError
from crm_ml.lists.diff.change_reasons import KINDS
from crm_ml.lists.diff.list_difference import ChangeExample, ChangeGroup, Difference, ListSummary
from crm_ml.lists.diff.query import CHANGES, EXAMPLE, prepare
from crm_ml.lists.read_list import locate, verify_list
from crm_ml.storage import parquet
from crm_ml.storage.whole_file import whole_file
from crm_ml.tables.engine import connect

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

EXAMPLES = 3
_SHOWN = 12
Pair = tuple[str, str]
Key = tuple[str | None, str | None]


@dataclass(frozen=True)
class VerifiedList:
    """A list whose files agree with its manifest."""

    folder: Path
    manifest: Mapping[str, Any]

    @property
    def summary(self) -> ListSummary:
        """Return its name, id, day and rows."""
        made_of = self.manifest["ingredients"]
        name = str(self.manifest.get("name") or self.folder.resolve().parent.name)
        rows = int(self.manifest.get("rows") or 0)
        return ListSummary(name, str(self.manifest["list_id"]), str(made_of.get("as_of") or ""), rows)


def difference(
    old: Path | str, new: Path | str, out: Path | None = None, examples: int = EXAMPLES
) -> Difference:
    """Compare two lists: what changed, and why.

    Rows belong together that have the same customer, action and channel; the other rows of a
    customer are paired in the order of slots, and have moved. Lists may have different names.

    Parameters
    ----------
    old, new : Path or str
        Folder of one list, or the folder of all lists of a name, whose newest is taken.
    out : Path, optional
        Parquet of all changed rows, ordered by customer_id; replaced whole or not at all.
    examples : int
        The most examples of each kind and reason.

    Raises
    ------
    InputError
        If a list is not there, a customer has one action and channel twice, or `out` can't be written or
        lies inside a list.
    IntegrityError
        If a file does not agree with its manifest (exit code 4).
    """
    before, after = (_verified(Path(folder)) for folder in (old, new))
    if out is not None:
        refuse_inside(out, (before.folder, after.folder))
    connection = connect()
    try:
        prepare(connection, before.folder, after.folder, before.manifest, after.manifest)
        changes = _difference(connection, before, after, examples)
        if out is not None:
            _write(connection, out)
    finally:
        connection.close()
    return changes


def ingredients_in_words(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Return the ingredients of two lists that differ, in words.

    Examples
    --------
    >>> ingredients_in_words({"models": {"churn": "ab"}, "data": "x"}, {"models": {"clv": "cd"}, "data": "y"})
    ['data: x, now y', 'model churn: no longer used', 'model clv: newly used, cd']
    """
    differing = []
    for name in sorted({*old, *new} - {"models"}):
        if old.get(name) != new.get(name):
            differing.append(f"{name}: {_short(old.get(name))}, now {_short(new.get(name))}")
    was, now = old.get("models") or {}, new.get("models") or {}
    for name in sorted({*was, *now}):
        if name not in now:
            differing.append(f"model {name}: no longer used")
        elif name not in was:
            differing.append(f"model {name}: newly used, {_short(now[name])}")
        elif was[name] != now[name]:
            differing.append(f"model {name}: {_short(was[name])}, now {_short(now[name])}")
    return differing


def _short(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return f"{len(value)} ({', '.join(str(part)[:_SHOWN] for part in value[:3])})" if value else "none"
    text = str(value)
    return text if value is None or text[4:5] == "-" else text[:_SHOWN]


def _verified(folder: Path) -> VerifiedList:
    located = locate(folder)
    return VerifiedList(located, verify_list(located))


def _difference(
    connection: "duckdb.DuckDBPyConnection", before: VerifiedList, after: VerifiedList, examples: int
) -> Difference:
    counted = connection.sql(
        "SELECT kind, reason, count(*), sum(coalesce(old_value, 0)), sum(coalesce(new_value, 0)), "
        "count(*) FILTER (expired AND kind <> 'changed') FROM explained GROUP BY kind, reason"
    ).fetchall()
    groups = [ChangeGroup(kind, why, rows, int(old), int(new)) for kind, why, rows, old, new, _ in counted]
    groups.sort(key=lambda group: (KINDS.index(group.kind), -group.rows, group.reason))
    keys, currency = _keys(connection), _currency(before, after)
    unchanged, moves = _moves(connection, keys)
    return Difference(
        old=before.summary,
        new=after.summary,
        ingredients=ingredients_in_words(before.manifest["ingredients"], after.manifest["ingredients"]),
        unchanged=unchanged,
        expired=sum(expired for *_, expired in counted),
        groups=groups,
        moves=moves,
        examples=[
            replace(example, currency=currency)
            for group in groups
            for example in _examples(connection, group, keys, examples)
        ],
        currency=currency,
    )


def _currency(before: VerifiedList, after: VerifiedList) -> str:
    """Return the currency of both lists, and refuse two of different ones."""
    codes = [str(side.manifest.get("currency") or "") for side in (before, after)]
    if all(codes) and codes[0] != codes[1]:
        raise InputError(
            f"the old list is in {codes[0]} and the new one in {codes[1]}; compare lists of one currency"
        )
    return codes[1] or codes[0]


def _keys(connection: "duckdb.DuckDBPyConnection") -> dict[Pair, str]:
    """Return the key of each action by channel: the action alone where both lists have it on one channel."""
    pairs = connection.sql("SELECT action_id, channel FROM action_channels").fetchall()
    channels = Counter(action for action, _ in pairs)
    return {(action, by): f"{action}/{by}" if channels[action] > 1 else action for action, by in pairs}


def _moves(connection: "duckdb.DuckDBPyConnection", keys: Mapping[Pair, str]) -> tuple[int, dict[Key, int]]:
    """Return the number of unchanged rows, and all rows by the key of their action before and after."""
    moves: Counter[Key] = Counter()
    rest: dict[str, Counter[str]] = {"old": Counter(), "new": Counter()}
    for side, left in rest.items():
        for *pair, rows in connection.sql(
            f"SELECT action_id, channel, count(*) FROM {side} GROUP BY ALL"
        ).fetchall():
            left[keys[pair[0], pair[1]]] += rows
    grouped = connection.sql(
        "SELECT old_action, old_channel, new_action, new_channel, count(*) FROM explained GROUP BY ALL"
    ).fetchall()
    for was, was_by, now, now_by, rows in grouped:
        old, new = keys.get((was, was_by)), keys.get((now, now_by))
        moves[old, new] += rows
        for side, key in (("old", old), ("new", new)):
            if key is not None:
                rest[side][key] -= rows
    if +rest["old"] != +rest["new"] or min([0, *rest["old"].values(), *rest["new"].values()]) < 0:
        raise InputError("a customer has the same action and channel twice; make the lists again")
    for key, rows in (+rest["old"]).items():
        moves[key, key] += rows
    order = sorted(moves.items(), key=lambda move: tuple((name is None, name or "") for name in move[0]))
    return sum(rest["old"].values()), dict(order)


def _examples(
    connection: "duckdb.DuckDBPyConnection", group: ChangeGroup, keys: Mapping[Pair, str], most: int
) -> Iterator[ChangeExample]:
    rows = connection.execute(
        f"SELECT {EXAMPLE} FROM explained WHERE kind = ? AND reason = ? "
        "ORDER BY abs(coalesce(new_value, 0) - coalesce(old_value, 0)) DESC, customer_id, old_action, "
        f"old_channel, new_action, new_channel LIMIT {most}",
        [group.kind, group.reason],
    ).fetchall()
    for customer, was, was_by, now, now_by, old_value, new_value, *prices in rows:
        old, new = keys.get((was, was_by)), keys.get((now, now_by))
        of_new = group.kind == "added" or group.reason == "price_fell"
        shown = prices[2:] if of_new else prices[:2]
        amounts = (old_value, new_value, new if of_new else old, *shown)
        yield ChangeExample(customer, group.kind, group.reason, old, new, *amounts)


def refuse_inside(out: Path, folders: tuple[Path, ...]) -> None:
    """Refuse to write into a folder of a list, whose files would not agree with its manifest any more.

    Raises
    ------
    InputError
    """
    for folder in folders:
        if out.resolve().is_relative_to(folder.resolve()):
            raise InputError(f"{out} lies inside the list {folder}, which would be damaged; write elsewhere")


def _write(connection: "duckdb.DuckDBPyConnection", out: Path) -> None:
    """Write all changed rows, whole or not at all."""
    reader = connection.sql(CHANGES).to_arrow_reader(parquet.ROWS_A_GROUP)

    def tables() -> "Iterator[pa.Table]":
        import pyarrow as pa

        for batch in reader:
            yield pa.Table.from_batches([batch])

    with whole_file(out) as part:
        parquet.write(tables(), reader.schema, part)
