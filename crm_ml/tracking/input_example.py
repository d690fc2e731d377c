"""An example of a model's input, made up from its schema: no cell of it is of a customer."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

EXAMPLE, SERVED = "input_example.json", "serving_input_example.json"
INFO = {"artifact_path": EXAMPLE, "serving_input_path": SERVED, "type": "dataframe", "pandas_orient": "split"}
_VALUES = {"double": 1.0, "string": "example"}


def made_up_row(inputs: Mapping[str, str]) -> dict[str, Any]:
    """Return a row that fits a schema: 1.0 for a number, ``"example"`` for a text.

    Examples
    --------
    >>> made_up_row({"rfm_orders": "double", "lifecycle_stage": "string"})
    {'rfm_orders': 1.0, 'lifecycle_stage': 'example'}
    """
    return {name: _VALUES[kind] for name, kind in inputs.items()}


def write_example(inputs: Mapping[str, str], folder: Path) -> None:
    """Write the files of an example into a folder of MLflow's, whose ``MLmodel`` has `INFO`.

    MLflow would write them itself when it is given an example, but runs the model on it in a second process
    then, which takes nine seconds.

    Parameters
    ----------
    inputs : mapping of str to str
        Column to MLflow type.
    folder : Path
    """
    row = made_up_row(inputs)
    table = {"columns": list(row), "data": [list(row.values())]}
    (folder / EXAMPLE).write_text(json.dumps(table), encoding="utf-8")
    (folder / SERVED).write_text(json.dumps({"inputs": [row]}, indent=2), encoding="utf-8")
