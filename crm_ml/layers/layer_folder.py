"""Layers of a day as files: whole or absent, read back after their sums were checked."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crm_ml.errors import InputError
from crm_ml.layers.cuts import Edges
from crm_ml.storage import manifest, parquet
from crm_ml.storage.day_folders import newest_day
from crm_ml.storage.input_limits import MOST_JSON_BYTES
from crm_ml.storage.publish import read_pointer
from crm_ml.storage.regular_file import read_json

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

LAYERS_FILE, DOWN_FILE, FACTS_FILE, PAGE_FILE = (
    "layers.parquet",
    "moved_down.parquet",
    "layers.json",
    "page.html",
)
_COUNTS = ("layer_value_cents",)
_PROBABILITIES = ("layer_p_move", "layer_p_down")
_TEXTS = ("layer_name", "layer_before", "layer_move", "layer_tier", "layer_tier_before")


@dataclass(frozen=True, eq=False)
class LayerFolder:
    """Published layers of a day.

    Parameters
    ----------
    path : Path
    manifest : mapping
        Verified.
    """

    path: Path
    manifest: Mapping[str, Any]

    @classmethod
    def read(cls, path: Path, until: date | None = None) -> "LayerFolder":
        """Check the sums of a folder, or of one of a folder of all days.

        Parameters
        ----------
        path : Path
        until : date, optional
            Of all days the newest that is not after it; without it the one that was published last.

        Raises
        ------
        InputError
            If there is none.
        IntegrityError
            If a file has changed (exit code 4).
        """
        pointer = read_pointer(path)
        folder = path / pointer["folder"] if pointer else path
        if until is not None and pointer:
            folder = newest_day(path, until, "layers", "crm_ml.layers")
        if not (folder / manifest.MANIFEST).is_file():
            raise InputError(f"{path}: there are no layers; python -m crm_ml.layers writes them")
        return cls(folder, manifest.verify(folder))

    @property
    def as_of(self) -> date:
        """Day of the layers."""
        return date.fromisoformat(str(self.manifest["as_of"]))

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that rules may name."""
        return tuple(self.manifest["columns"])

    @cached_property
    def facts(self) -> dict[str, Any]:
        """What `FACTS_FILE` holds: edges, moves, verdicts."""
        content: dict[str, Any] = read_json(self.path / FACTS_FILE, MOST_JSON_BYTES)
        return content

    @property
    def edges(self) -> dict[str, Edges]:
        """Edges of the cuts."""
        return {name: Edges.of(facts) for name, facts in self.facts["edges"].items()}

    @property
    def tier_edges(self) -> Edges | None:
        """Edges of the tiers, where there are any."""
        facts = self.facts["tier_edges"]
        return None if facts is None else Edges.of(facts)

    def frame(self) -> "pd.DataFrame":
        """Return the layers, indexed by customer_id."""
        import pandas as pd

        return pd.read_parquet(self.path / LAYERS_FILE).set_index("customer_id")


def write_layers(
    folder: Path,
    layers: "pd.DataFrame",
    down: "pd.DataFrame",
    facts: Mapping[str, Any],
    page: str,
    **details: Any,
) -> None:
    """Write the files of a day and their manifest into a folder.

    Parameters
    ----------
    folder : Path
        Existing.
    layers : pandas.DataFrame
        Indexed by customer_id, in its order.
    down : pandas.DataFrame
        Of `crm_ml.layers.Moves`.
    facts : mapping
        Of `FACTS_FILE`, ready for JSON.
    page : str
    **details
        Further entries of the manifest.
    """
    _write(layers, folder / LAYERS_FILE)
    _write(down, folder / DOWN_FILE)
    text = json.dumps(facts, indent=1, sort_keys=True, allow_nan=False) + "\n"
    (folder / FACTS_FILE).write_text(text, encoding="utf-8")
    (folder / PAGE_FILE).write_text(page, encoding="utf-8", newline="\n")
    manifest.write_manifest(folder, columns=list(layers.columns), rows=len(layers), **details)


def _write(frame: "pd.DataFrame", path: Path) -> None:
    import pyarrow as pa

    rows = frame.rename_axis("customer_id").reset_index()
    schema = pa.schema([(name, _kind(name)) for name in rows.columns])
    parquet.write([pa.Table.from_pandas(rows, schema=schema, preserve_index=False)], schema, path)


def _kind(name: str) -> "pa.DataType":
    """Return the Arrow type of a column; levels are whole numbers."""
    import pyarrow as pa

    if name in _PROBABILITIES:
        return pa.float64()
    texts = ("customer_id", "before", "after", *_TEXTS)
    return pa.string() if name in texts else pa.int64()
