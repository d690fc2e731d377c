"""The columns of a list's files, and the check that a file that is read has them."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from crm_ml.errors import IntegrityError

if TYPE_CHECKING:
    import pyarrow as pa


def of_list() -> "pa.Schema":
    """Return the columns of ``list.parquet`` with their Arrow types."""
    import pyarrow as pa

    text, real, cents = pa.string(), pa.float64(), pa.int64()
    moment, texts = pa.timestamp("us", tz="UTC"), pa.list_(pa.string())
    return pa.schema(
        {
            "list_id": text,
            "as_of": moment,
            "customer_id": text,
            "action_id": text,
            "channel": text,
            "slot": pa.int32(),
            "item_ids": texts,
            "item_p": pa.list_(real),
            "item_reasons": texts,
            "arm": text,
            "propensity": real,
            "expected_value_cents": cents,
            "cost_cents": cents,
            "priority": real,
            "p_response": real,
            "uplift": real,
            "clv_cents": cents,
            "p_churn": real,
            "reason_codes": texts,
            "runner_up_action": text,
            "price_paid": real,
            "consent_basis": text,
            "value_basis": text,
            "model_versions": texts,
            "policy_version": text,
            "expires_at": moment,
            "send_at": moment,
        }
    )


def of_not_selected() -> "pa.Schema":
    """Return the columns of ``others.parquet`` with their Arrow types."""
    import pyarrow as pa

    text, moment = pa.string(), pa.timestamp("us", tz="UTC")
    return pa.schema(
        {
            "list_id": text,
            "as_of": moment,
            "customer_id": text,
            "arm": text,
            "held_out": text,
            "action_id": text,
            "channel": text,
            "expected_value_cents": pa.int64(),
            "cost_cents": pa.int64(),
            "propensity": pa.float64(),
        }
    )


def check_columns(file: Path, expected: "pa.Schema", promised: Any = None) -> None:
    """Refuse a Parquet file whose columns are not those of a list, although its sums agree.

    Parameters
    ----------
    file : Path
    expected : pyarrow.Schema
        A column of one of these names must have its type.
    promised : list, optional
        Columns that must be there, by name or as ``{name, type}``: the entry ``schema`` of the manifest. A
        list of an earlier version may lack columns of `expected`.

    Raises
    ------
    IntegrityError
        With each column that is missing or of another type, or if the file is no Parquet.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        columns = pq.read_schema(file)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise IntegrityError(f"{file}: can't be read as Parquet; write the list again") from error
    there = columns.names
    mistakes = {name: "is missing" for name in _names(promised, file) if name not in there}
    mistakes |= {name: "stands twice" for name in there if there.count(name) > 1}
    for field in expected:
        if field.name in there and field.name not in mistakes:
            kind = columns.field(field.name).type
            if not kind.equals(field.type):
                mistakes[field.name] = f"is {kind}, not {field.type}"
    if mistakes:
        text = "; ".join(f"{name} {mistake}" for name, mistake in mistakes.items())
        raise IntegrityError(f"{file}: these are not the columns of a list: {text}; write the list again")


def _names(promised: Any, file: Path) -> list[str]:
    """Return the columns that a manifest promises."""
    try:
        return [column if isinstance(column, str) else str(column["name"]) for column in promised or ()]
    except (TypeError, KeyError) as error:
        raise IntegrityError(
            f"{file.parent}: the schema in the manifest is no list of columns; write the list again"
        ) from error
