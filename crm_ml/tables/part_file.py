"""Parts of a model's folder: JSON of a declared shape, and arrays without pickle, as large as their file.

Sums say that a file is the one that was written, not that a model can be made of it.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError, create_model

from crm_ml.errors import InputError, IntegrityError
from crm_ml.storage.input_limits import MOST_JSON_BYTES
from crm_ml.storage.regular_file import open_regular, read_bytes
from crm_ml.tables.strict import Strict

Part = TypeVar("Part", bound=Strict)
_MOST_SIGNS, _MOST_ARRAYS = 300, 100


class AnotherVersion(InputError):
    """A model that another version of the package, or a class that is not here, has written (exit code 2)."""


@contextmanager
def whole_part(where: Path | str) -> Iterator[None]:
    """Turn whatever a damaged part raises into one `IntegrityError` that names it."""
    try:
        yield
    except (IntegrityError, AnotherVersion):
        raise
    except Exception as error:  # a file can be wrong in ways that only its reader knows
        words = " ".join(str(error).split())[:_MOST_SIGNS] or type(error).__name__
        if isinstance(error, KeyError):
            words = f"it lacks {words}"
        raise IntegrityError(
            f"{where}: no model can be made of it: {words}; train it again or take it from its source"
        ) from error


def read_part(path: Path, shape: type[Part]) -> Part:
    """Return the content of a JSON file of a model's folder.

    Parameters
    ----------
    path : Path
    shape : type
        What the file must hold, with nothing else in it and each number finite.

    Raises
    ------
    IntegrityError
        If it is no regular file of at most 16 MiB, no JSON, or of another shape.
    """
    with whole_part(path):
        try:
            return shape.model_validate_json(read_bytes(path, MOST_JSON_BYTES))
        except ValidationError as error:
            breaches = error.errors(include_url=False, include_context=False, include_input=False)
            first = breaches[0]
            place = ".".join(map(str, first["loc"])) or "the file"
            raise IntegrityError(
                f"{path}: {len(breaches):,} of its values can't be used (first: {place[:80]}: "
                f"{first['msg']}); train the model again or take it from its source"
            ) from None


def read_options(path: Path, kind: type[Any]) -> dict[str, Any]:
    """Return the options of a dataclass that stand in a JSON file; absent ones keep their default.

    Raises as `read_part`.
    """
    declared: dict[str, Any] = {each.name: (each.type, None) for each in fields(kind) if each.init}
    shape: type[Strict] = create_model("Options", __base__=Strict, **declared)
    content = read_part(path, shape)
    return {name: getattr(content, name) for name in content.model_fields_set}


def read_arrays(path: Path) -> dict[str, Any]:
    """Return the arrays of an npz file, which is neither packed nor has objects.

    Raises
    ------
    IntegrityError
        If it is no such file, an array claims more than its entry holds, or a number is NaN.
    """
    import zipfile

    import numpy as np

    with whole_part(path), open_regular(path) as file, zipfile.ZipFile(file) as packed:
        entries = packed.infolist()
        stored, size = sum(entry.file_size for entry in entries), path.stat().st_size
        if len(entries) > _MOST_ARRAYS or len({entry.filename for entry in entries}) < len(entries):
            raise InputError(f"it has {len(entries):,} arrays, at most {_MOST_ARRAYS}, or one twice")
        if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries) or stored > size:
            raise InputError("its arrays are packed, and the package packs none")
        arrays = {}
        for entry in entries:
            with packed.open(entry) as content:
                arrays[entry.filename.removesuffix(".npy")] = _array(content, entry.file_size)
        if broken := [
            name for name, array in arrays.items() if array.dtype.kind == "f" and np.isnan(array).any()
        ]:
            raise InputError(f"{', '.join(broken)} has values that are no numbers")
        return arrays


def _array(content: Any, size: int) -> Any:
    """Return one array after its head was compared with the bytes that there are."""
    import math

    import numpy as np
    from numpy.lib import format as npy

    version = npy.read_magic(content)
    if version != (1, 0):
        raise InputError(f"an array has format {version}")
    shape, fortran, dtype = npy.read_array_header_1_0(content)
    if dtype.hasobject or dtype.kind not in "fiubU":
        raise InputError(f"an array is of {dtype}")
    if dtype.itemsize * math.prod(shape) != size - content.tell():
        raise InputError(f"an array of shape {shape} does not fit its entry")
    values = np.frombuffer(content.read(), dtype=dtype)
    return values.reshape(shape, order="F" if fortran else "C").copy(order="K")


def check_shapes(where: Path | str, arrays: Mapping[str, Any], shapes: Mapping[str, tuple[int, ...]]) -> None:
    """Refuse arrays that are not exactly those of some names and shapes, of finite numbers."""
    import numpy as np

    breaches = [f"{name} is missing" for name in sorted(set(shapes) - set(arrays))]
    breaches += [f"{name} is none of it" for name in sorted(set(arrays) - set(shapes))]
    for name in sorted(set(shapes) & set(arrays)):
        array = arrays[name]
        if array.shape != shapes[name] or array.dtype.kind not in "fiub" or not np.isfinite(array).all():
            breaches.append(
                f"{name} is {array.dtype} of shape {array.shape}, and finite {shapes[name]} is needed"
            )
    if breaches:
        raise IntegrityError(f"{where}: {'; '.join(breaches)[:_MOST_SIGNS]}; train the model again")
