"""Frames and labels from outside: of pandas, Polars or Arrow, labels in the order of the rows."""

from typing import TYPE_CHECKING, Any

from crm_ml.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

CUSTOMER = "customer_id"


def as_pandas(frame: Any, what: str = "features") -> "pd.DataFrame":
    """Return a frame of pandas as it is, and one of Polars or Arrow as one of pandas.

    Raises
    ------
    InputError
        If it is no frame in memory, or one of Arrow in which names of columns repeat.

    Examples
    --------
    >>> as_pandas([[1, 2]])
    Traceback (most recent call last):
    ...
    crm_ml.errors.InputError: features: list is no frame; give one of pandas, Polars (collected) or Arrow
    """
    import pandas as pd

    if isinstance(frame, pd.DataFrame):
        return frame
    import narwhals as nw

    try:
        table: pd.DataFrame = nw.from_native(frame, eager_only=True).to_pandas()
    except TypeError:
        raise InputError(
            f"{what}: {type(frame).__name__} is no frame; give one of pandas, Polars (collected) or Arrow"
        ) from None
    except nw.exceptions.DuplicateError:
        raise InputError(f"{what}: names of columns repeat; give each column once") from None
    return table


def as_features(frame: Any, what: str = "features") -> "pd.DataFrame":
    """Return a frame as `as_pandas`; where the kind has no index, the column customer_id becomes it."""
    table = as_pandas(frame, what)
    if table is frame or CUSTOMER not in table.columns:
        return table
    return table.set_index(CUSTOMER)


def aligned(values: Any, index: "pd.Index[Any]", name: str) -> Any:
    """Return labels in the order of the rows.

    A Series or frame of pandas with the labels of `index` in another order is put into its order. Arrays and
    lists are taken by position, whoever checks their length.

    Parameters
    ----------
    values : array-like, pandas.Series or pandas.DataFrame
    index : pandas.Index
        Of the features.
    name : str
        What the values are, for the message.

    Raises
    ------
    InputError
        If labels of a Series or frame of this length are not those of `index`, or repeat in another order.

    Examples
    --------
    >>> import pandas as pd
    >>> aligned(pd.Series([1, 0], index=["b", "a"]), pd.Index(["a", "b"]), "y").tolist()
    [0, 1]
    """
    import pandas as pd

    if not isinstance(values, pd.Series | pd.DataFrame) or len(values) != len(index):
        return values
    if values.index.equals(index):
        return values
    same_levels = values.index.nlevels == index.nlevels
    absent = int((~index.isin(values.index)).sum()) if same_levels else len(index)
    repeated = int(values.index.duplicated().sum()) or int(index.duplicated().sum())
    if absent or repeated:
        raise InputError(
            f"{name}: its index is not that of the features: it lacks {absent:,} of {len(index):,} rows, and "
            f"{repeated:,} labels repeat; give it the index of the features, or an array in their order"
        )
    return values.reindex(index)
