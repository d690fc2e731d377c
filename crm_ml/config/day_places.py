"""Where the days of a config come from, so that an error which refuses one can say it."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from crm_ml.errors import CrmError


def places_of(content: Any, file: str, overrides: Sequence[str] = ()) -> dict[str, str]:
    """Return each day of a config with its key and file, or the option of the command that gave it.

    Parameters
    ----------
    content : plain YAML types
    file : str
        Such as ``"configs/churn/mine.yaml"``.
    overrides : sequence of str
        ``key=value``, as the command line gave them.

    Examples
    --------
    >>> places_of({"split": {"test": [date(2024, 3, 1)]}}, "configs/churn/mine.yaml")
    {'2024-03-01': 'split.test of configs/churn/mine.yaml'}
    >>> places_of({"as_of": date(2024, 3, 1)}, "configs/score/mine.yaml", ["as_of=2024-03-01"])
    {'2024-03-01': 'as_of, as --set or --as-of gave it'}
    """
    given = {text.partition("=")[0] for text in overrides}
    places: dict[str, str] = {}
    for key, day in _days("", content):
        stated = any(key == name or key.startswith(f"{name}.") for name in given)
        place = f"{key}, as --set or --as-of gave it" if stated else f"{key} of {file}"
        places.setdefault(day.isoformat(), place)
    return places


@contextlib.contextmanager
def naming_days(places: Mapping[str, str]) -> Iterator[None]:
    """Let an error of the block that names a day of `places` say where that day comes from.

    Examples
    --------
    >>> with naming_days({"2024-03-01": "as_of of configs/score/mine.yaml"}):
    ...     raise CrmError("no list of 2024-03-01")
    Traceback (most recent call last):
    ...
    crm_ml.errors.CrmError: no list of 2024-03-01 (2024-03-01 is as_of of configs/score/mine.yaml)
    """
    try:
        yield
    except CrmError as error:
        named = [f"{day} is {place}" for day, place in places.items() if day in str(error)]
        if named:
            error.args = (f"{error} ({'; '.join(named)})",)
        raise


def _days(key: str, content: Any) -> Iterator[tuple[str, date]]:
    if isinstance(content, Mapping):
        for name, value in content.items():
            yield from _days(f"{key}.{name}".lstrip("."), value)
    elif isinstance(content, list | tuple):
        for value in content:
            yield from _days(key, value)
    elif isinstance(content, date):
        yield key, content
