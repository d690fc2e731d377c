"""What a column holds, by its declared type: numbers or categories, and the names of their levels."""

import math
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from crm_ml.errors import InputError
from crm_ml.tables.cell_shape import type_name

if TYPE_CHECKING:
    import pandas as pd

Floats = npt.NDArray[np.float64]
_TEXTS = ("string", "categorical")
_NUMBERS = ("boolean", "integer", "floating", "mixed-integer-float", "decimal")


def is_category(values: "pd.Series[Any]", name: object) -> bool:
    """Return whether a column holds categories, else numbers; a column without any value holds numbers.

    Texts are categories, and so is what is declared as such (`pandas.Categorical`, a dictionary of Arrow, an
    Enum of Polars), whatever its levels are. Numbers are integers, floats, decimals and booleans.

    Raises
    ------
    InputError
        If it is neither, such as times or a mixture; the message has the kind and no value.
    """
    import pandas as pd

    kind = values.dtype
    if _is_declared(kind):
        return True
    if pd.api.types.is_numeric_dtype(kind) and not pd.api.types.is_complex_dtype(kind):
        return False
    if isinstance(kind, pd.StringDtype):
        return bool(values.notna().any())
    content = pd.api.types.infer_dtype(values, skipna=True)
    if content in _TEXTS or content in _NUMBERS or content == "empty":
        return content in _TEXTS
    raise InputError(f"{name} holds {content} values; numbers, texts or declared categories are wanted")


def _is_declared(kind: Any) -> bool:
    import pandas as pd

    return isinstance(kind, pd.CategoricalDtype) or str(kind).startswith("dictionary<")


def numbers(values: Any, name: str) -> Floats:
    """Return numbers of any type as floats, missing ones as NaN; categories of numbers count as these.

    Raises
    ------
    InputError
        If they are no numbers; the message has the type and no value.
    """
    import pandas as pd

    if not isinstance(values, pd.Series):
        values = np.asarray(values)
        if values.dtype.kind in "biuf" or values.ndim != 1:
            return _floats(values, name)
        values = pd.Series(values)
    kind = values.dtype
    if _is_declared(kind):
        values = pd.Series(values.to_numpy(dtype=object)).infer_objects()
    if values.notna().any() and is_category(values, name):
        raise InputError(f"{name} holds texts ({type_name(kind)}) in {len(values):,} rows; give numbers")
    return floats_of(values)


def floats_of(values: "pd.Series[Any]") -> Floats:
    """Return a column that is known to hold numbers as floats, missing ones as NaN."""
    return np.asarray(values.to_numpy(dtype=np.float64, na_value=np.nan))


def level_name(level: object) -> str:
    """Return the name of a level: the same however it is stored.

    A whole number has no decimals, a boolean is ``True`` or ``False``, an interval shows its ends, and a text
    is itself.

    Examples
    --------
    >>> import pandas as pd
    >>> [level_name(level) for level in (3, np.float32(3), Decimal("0.50"), np.bool_(True), "3")]
    ['3', '3', '0.5', 'True', '3']
    >>> level_name(pd.Interval(0, 2.5)), level_name(pd.Interval(0.0, 2.5))
    ('(0, 2.5]', '(0, 2.5]')
    """
    if isinstance(level, str):
        return str(level)
    if isinstance(level, bool | np.bool_):
        return str(bool(level))
    if isinstance(level, int | float | np.integer | np.floating | Decimal):
        whole = math.isfinite(level) and level == int(level)
        return str(int(level)) if whole else str(level.normalize() if isinstance(level, Decimal) else level)
    if hasattr(level, "closed_left"):
        ends = f"{level_name(level.left)}, {level_name(level.right)}"  # type: ignore[attr-defined]
        closed_right = level.closed_right  # type: ignore[attr-defined]
        return f"{'[' if level.closed_left else '('}{ends}{']' if closed_right else ')'}"
    return str(level)


def named_levels(values: Any) -> tuple[npt.NDArray[np.int64], list[str]]:
    """Return the place of each value among the distinct levels (-1 for missing), and the levels' names."""
    import pandas as pd

    place, levels = pd.factorize(values)
    return place, [level_name(level) for level in levels]


def names_of(values: Any) -> npt.NDArray[np.object_]:
    """Return the name of the level of each value, None for a missing one."""
    place, names = named_levels(values)
    return np.array([*names, None], dtype=object)[place]


def plain_values(values: "pd.Series[Any]") -> npt.NDArray[Any]:
    """Return the numbers of a column as floats, or the names of its levels; a kind of neither has names."""
    import pandas as pd

    try:
        named = is_category(values, values.name)
    except InputError:
        named = True
    unknown = not pd.api.types.is_numeric_dtype(values.dtype) and bool(values.isna().all())
    return names_of(values) if named or unknown else floats_of(values)


def as_ids(values: Any) -> npt.NDArray[np.object_]:
    """Return ids as texts, a missing one as None; 7, 7.0 and "7" are one id."""
    return names_of(np.asarray(values, dtype=object).ravel())


def _floats(values: npt.NDArray[Any], name: str) -> Floats:
    try:
        return values.astype(np.float64)
    except (TypeError, ValueError):
        raise InputError(
            f"{name} holds no numbers ({type_name(values.dtype)}, shape {values.shape})"
        ) from None
