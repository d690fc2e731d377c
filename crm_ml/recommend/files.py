"""Files of a recommender: parameters as JSON, arrays as npz (sparse ones by parts), texts; no pickle."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from crm_ml.errors import IntegrityError
from crm_ml.models.booster_lines import MOST_SIGNS
from crm_ml.storage.regular_file import read_text
from crm_ml.tables.part_file import read_arrays, read_options

_PARAMETERS, _ARRAYS = "parameters.json", "arrays.npz"
_TEXT = ".txt"
_PARTS = ("data", "indices", "indptr", "shape")


def write(folder: Path, parameters: Mapping[str, Any], arrays: Mapping[str, Any]) -> None:
    """Write a model's parameters, arrays and texts; the same content gives the same bytes."""
    from scipy.sparse import issparse

    text = json.dumps(dict(parameters), indent=1, sort_keys=True)
    (folder / _PARAMETERS).write_text(text + "\n", encoding="utf-8")
    flat: dict[str, Any] = {}
    for name, value in sorted(arrays.items()):
        if isinstance(value, str):
            (folder / f"{name}{_TEXT}").write_text(value, encoding="utf-8")
        elif issparse(value):
            flat |= {f"{name}.{part}": np.asarray(getattr(value, part)) for part in _PARTS}
        else:
            array = np.asarray(value)
            flat[name] = array.astype(str) if array.dtype == object else array
    with (folder / _ARRAYS).open("wb") as file:
        np.savez(file, **flat)  # without a clock in its entries, unlike the compressed form of some versions


def read(folder: Path, kind: type[Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Read what `write` wrote of a model of some class; check the manifest before."""
    from scipy.sparse import csr_array

    flat = read_arrays(folder / _ARRAYS)
    arrays: dict[str, Any] = {
        path.stem: read_text(path, MOST_SIGNS) for path in sorted(folder.glob(f"*{_TEXT}"))
    }
    for name, value in flat.items():
        base, _, part = name.partition(".")
        if not part:
            arrays[name] = value.astype(object) if value.dtype.kind == "U" else value
        elif part == "data":
            parts = {key: flat[f"{base}.{key}"] for key in _PARTS}
            if parts["data"].dtype.kind not in "fiub" or not np.isfinite(parts["data"]).all():
                raise IntegrityError(f"{folder}: {base} has numbers that are not finite; train it again")
            arrays[base] = csr_array(
                (parts["data"], parts["indices"], parts["indptr"]), shape=tuple(parts["shape"])
            )
            arrays[base].check_format(full_check=True)
    return read_options(folder / _PARAMETERS, kind), arrays
