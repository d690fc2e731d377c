"""The list: its columns, its identity and its files.

One row for each customer and slot, ordered by customer_id and slot, with what to do, why, at what expected
value and cost, and what is needed to learn from it later. p_churn, p_response, uplift and clv_cents are null
without a model of them, uplift also where its arm is not verified. arm is treat (allocated) or explore
(drawn at random), propensity the probability with which the customer got this action on this channel;
priority is what the allocation maximised, price_paid what the caps and budgets that the row uses would be
worth to another row. The files depend on the models, the policy, the data, earlier lists and as_of alone: no
clock, run id or version number of a registry goes into them.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crm_ml.actions.catalog import Action
from crm_ml.decision.open_actions import OF_ACTION, SCORES
from crm_ml.lists.list_columns import of_list
from crm_ml.lists.merged_rows import merged_rows
from crm_ml.lists.page.list_page import write_page
from crm_ml.lists.read_list import LIST_FILE
from crm_ml.lists.row_reasons import reason_codes
from crm_ml.score_tables.columns import OF_ITEMS
from crm_ml.score_tables.score_rows import Reasons
from crm_ml.storage import manifest, parquet
from crm_ml.storage.identity import identity

if TYPE_CHECKING:
    import pyarrow as pa

CHUNK_ROWS = 32_768  # rows that are explained together


@dataclass(frozen=True)
class ListHeader:
    """What all rows of a list share.

    Parameters
    ----------
    as_of : datetime
    models : mapping of str to str
        Name to the hash of the model's files.
    policy : str
        Hash of the catalogue and the settings that decide.
    data : str
        Fingerprint of the tables.
    consent_basis : str
    actions : sequence of Action
        The open actions at `as_of`, one for each channel, in the order of their numbers.
    value_bases : sequence of str
        What the expected value of each action rests on.
    earlier : sequence of str
        Ids of the earlier lists and of their evaluation that this list was made from.
    """

    as_of: datetime
    models: Mapping[str, str]
    policy: str
    data: str
    consent_basis: str
    actions: Sequence[Action]
    value_bases: Sequence[str]
    earlier: Sequence[str] = ()

    @property
    def ingredients(self) -> dict[str, Any]:
        """What the list id is the hash of."""
        return {
            "as_of": self.as_of.isoformat(),
            "data": self.data,
            "earlier": list(self.earlier),
            "models": dict(self.models),
            "policy": self.policy,
        }

    @cached_property
    def list_id(self) -> str:
        """Hash of the ingredients, 32 hexadecimal digits."""
        return identity(self.ingredients)

    @property
    def folder(self) -> str:
        """Name of the list's folder: its day and the start of its id."""
        return f"{self.as_of:%Y-%m-%d}-{self.list_id[:16]}"

    @property
    def model_versions(self) -> list[str]:
        """Each model as ``<name>@<start of its hash>``."""
        return [f"{name}@{sums[:12]}" for name, sums in sorted(self.models.items())]


def write_rows(decided: Path, header: ListHeader, reasons: Mapping[str, Reasons], path: Path) -> int:
    """Write the rows of some customers, ordered by customer_id and slot, and return their number.

    Parameters
    ----------
    decided : Path
        Parquet with the columns `DECISION`, send_at_epoch_s and the features of the rows, ordered by
        customer_id.
    header : ListHeader
    reasons : mapping of str to callable
        For each score, a function from a frame of features (indexed by customer_id) to the reason codes of
        each row. It is called for the rows of the list whose value rests on this score. The reason of a row
        whose value rests on an uplift is the uplift, on items the number that are expected to be bought, and
        of all others the rule of their action.
    path : Path
    """
    return parquet.write(_rows(decided, header, reasons), of_list(), path)


def write_files(
    parts: Sequence[Path],
    header: ListHeader,
    folder: Path,
    facts: Mapping[str, Any] | None = None,
    evaluation: dict[str, Any] | None = None,
) -> int:
    """Write ``list.parquet``, its page and ``manifest.json`` into a folder and return the number of rows.

    Parameters
    ----------
    parts : sequence of Path
        Files of `write_rows`, no two with a customer in common; how the customers were dealt to them changes
        no byte.
    header : ListHeader
    folder : Path
    facts : mapping, optional
        Further entries of the manifest, ready for JSON.
    evaluation : dict, optional
        What an earlier list has earned, for the page.
    """
    rows = parquet.write(merged_rows(parts, of_list()), of_list(), folder / LIST_FILE)
    columns = [{"name": field.name, "type": str(field.type)} for field in of_list()]
    content = {"list_id": header.list_id, "ingredients": header.ingredients, "rows": rows, "schema": columns}
    content |= facts or {}
    write_page(folder, content, evaluation)
    manifest.write_manifest(folder, **content)
    return rows


def _rows(decided: Path, header: ListHeader, reasons: Mapping[str, Reasons]) -> "Iterator[pa.Table]":
    import pyarrow as pa
    import pyarrow.parquet as pq

    with pq.ParquetFile(decided) as file:
        for batch in file.iter_batches(batch_size=CHUNK_ROWS):
            table = pa.Table.from_batches([batch])
            yield _chunk(table, header, reason_codes(table, header.actions, reasons))


def _chunk(table: "pa.Table", header: ListHeader, codes: list[list[str]]) -> "pa.Table":
    """Build list rows of a chunk: constants of the list, of its actions, and what was decided."""
    import pyarrow as pa
    import pyarrow.compute as pc

    types, number = of_list(), table["action"]
    moment = types.field("send_at").type
    constants = {
        "list_id": header.list_id,
        "as_of": header.as_of,
        "slot": 1,
        "consent_basis": header.consent_basis,
        "model_versions": header.model_versions,
        "policy_version": header.policy[:12],
    }
    columns: dict[str, Any] = {
        name: pa.repeat(pa.scalar(value, types.field(name).type), len(table))
        for name, value in constants.items()
    }
    for name, values in _by_action(header).items():
        columns[name] = pa.array(values, types.field(name).type).take(number)
    keys = pa.array([action.key for action in header.actions], pa.string())
    columns["runner_up_action"] = keys.take(table["runner_up"])
    decided = ("customer_id", "expected_value_cents", "priority", "price_paid", "arm", "propensity")
    for name in (*decided, *SCORES, *OF_ACTION):
        columns[name] = pc.cast(table[name], types.field(name).type)
    columns["send_at"] = pc.cast(pc.cast(table["send_at_epoch_s"], pa.timestamp("s", "UTC")), moment)
    for name in OF_ITEMS:
        columns[name] = _items(table, name, columns.get(name), types.field(name).type)
    columns["reason_codes"] = pa.array(codes, types.field("reason_codes").type)
    return pa.table({name: columns[name] for name in types.names}, schema=types)


def _items(table: "pa.Table", name: str, of_action: Any, kind: "pa.DataType") -> Any:
    """Return a column of the customer's own items, else of the action's, else empty lists."""
    import pyarrow as pa
    import pyarrow.compute as pc

    default = pa.repeat(pa.scalar([], kind), len(table)) if of_action is None else of_action
    return pc.coalesce(pc.cast(table[name], kind), default) if name in table.column_names else default


def _by_action(header: ListHeader) -> dict[str, list[Any]]:
    actions = header.actions
    return {
        "action_id": [action.action_id for action in actions],
        "channel": [action.channel for action in actions],
        "item_ids": [list(action.identity.item_ids) for action in actions],
        "cost_cents": [action.value.cost_cents for action in actions],
        "value_basis": list(header.value_bases),
        "expires_at": [action.limits.expires_at(header.as_of) for action in actions],
    }
