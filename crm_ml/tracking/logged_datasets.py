"""What a run has read, as MLflow's datasets: name, digest, schema, source and counts, and no row."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from crm_ml.masking import masked_file

_TYPES = {
    "BIGINT": "long", "INTEGER": "integer", "SMALLINT": "integer", "TINYINT": "integer",
    "UTINYINT": "integer", "DOUBLE": "double", "FLOAT": "float", "BOOLEAN": "boolean", "DATE": "datetime",
}  # fmt: skip
_LONGEST_NAME, _LONGEST_DIGEST = 500, 36


@dataclass(frozen=True)
class LoggedDataset:
    """A part of the data of a run.

    Parameters
    ----------
    name : str
    digest : str
        Equal for equal content; at most 36 characters.
    context : {"training", "validation", "test"}
    source : str
        Where the data come from; no path of a machine.
    schema : mapping of str to str
        Types of DuckDB by ``table.column``.
    profile : mapping of str to value
        Counts and days, ready for JSON.
    """

    name: str
    digest: str
    context: str
    source: str
    schema: Mapping[str, str] = field(default_factory=dict)
    profile: Mapping[str, Any] = field(default_factory=dict)


def dataset_inputs(datasets: Sequence[LoggedDataset]) -> list[Any]:
    """Return datasets as MLflow logs them."""
    from mlflow.entities import Dataset, DatasetInput, InputTag

    return [
        DatasetInput(
            Dataset(
                name=each.name[:_LONGEST_NAME],
                digest=each.digest[:_LONGEST_DIGEST],
                source_type="local",
                source=masked_file(json.dumps({"uri": each.source})),
                schema=json.dumps({"mlflow_colspec": _columns(each.schema)}),
                profile=json.dumps(each.profile),
            ),
            [InputTag("mlflow.data.context", each.context)],
        )
        for each in datasets
    ]


def _columns(schema: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return columns as MLflow describes them; a required one would have no empty cell."""
    return [{"name": name, "type": _type(kind), "required": False} for name, kind in schema.items()]


def _type(kind: str) -> str:
    return "datetime" if kind.startswith("TIMESTAMP") else _TYPES.get(kind, "string")
