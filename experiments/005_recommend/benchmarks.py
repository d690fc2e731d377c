"""Public benchmarks of histories without dates: items in their order, or baskets in theirs.

They are read as events, not tables: a basket counts as a day, and all customers' last baskets lie on the
same day, so that ages count baskets. The package does not carry the files; give their path.

References
----------
Zhou et al. (2020). S3-Rec: self-supervised learning for sequential recommendation with mutual information
maximization. CIKM (Amazon Beauty and Toys, five-core). Hsu, Chung and Huang (2004). Mining skewed and sparse
transaction data for personalized shopping recommendation. Machine Learning 57 (Ta-Feng).
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from crm_ml.errors import InputError
from crm_ml.snapshots import DAY_S

if TYPE_CHECKING:
    import pandas as pd

_LAST_DAY = 20_000


def sequences(path: Path) -> "pd.DataFrame":
    """Read one customer a line: its id, then its items in their order, with spaces between.

    Returns
    -------
    pandas.DataFrame
        customer_id, item_id, occurred_at (seconds).

    Raises
    ------
    InputError
        If there is no such file, it has no line, or a line has no item; the message says which.
    """
    lines = [line.split() for line in _text(path).splitlines() if line.strip()]
    short = [str(number) for number, line in enumerate(lines, 1) if len(line) < 2]
    if not lines or short:
        fault = f"lines without an item: {', '.join(short[:5])}" if lines else "no line"
        raise InputError(f"{path.name}: {fault}; a line is a customer's id and its items")
    return _events((line[0], [[item] for item in line[1:]]) for line in lines)


def two_shops(folder: Path) -> "pd.DataFrame":
    """Read Beauty and Toys as one shop; a customer or an item of one is none of the other."""
    import pandas as pd

    frames = [sequences(folder / name) for name in ("Beauty.txt", "Toys_and_Games.txt")]
    for name in ("customer_id", "item_id"):
        for sign, frame in zip("ab", frames, strict=True):
            frame[name] = sign + frame[name]
    return pd.concat(frames, ignore_index=True)


def ta_feng(history: Path, future: Path) -> "pd.DataFrame":
    """Read baskets by customer, as JSON, and the basket that came next as their last one.

    Returns
    -------
    pandas.DataFrame
        As `sequences`; items of a basket share a day.

    Raises
    ------
    InputError
        If a file is missing or no JSON of that form, or customers differ between them.
    """
    past, later = _baskets(history), _baskets(future)
    if past.keys() != later.keys():
        apart = len(past.keys() ^ later.keys())
        raise InputError(f"{history.name} and {future.name}: {apart:,} customers stand in one of them alone")
    return _events((customer, [*past[customer], *later[customer]]) for customer in past)


def _baskets(path: Path) -> Mapping[str, Sequence[Sequence[str]]]:
    try:
        read = json.loads(_text(path))
        return {
            customer: [[str(item) for item in basket] for basket in baskets if basket != [-1]]
            for customer, baskets in read.items()
        }
    except (ValueError, AttributeError, TypeError) as error:
        raise InputError(f"{path.name}: no JSON of baskets by customer ({error})") from error


def _events(pasts: "Iterable[tuple[str, Sequence[Sequence[str]]]]") -> "pd.DataFrame":
    import pandas as pd

    rows = [
        (customer, item, (_LAST_DAY - len(baskets) + number) * DAY_S)
        for customer, baskets in pasts
        for number, basket in enumerate(baskets, 1)
        for item in basket
    ]
    return pd.DataFrame(rows, columns=["customer_id", "item_id", "occurred_at"])


def _text(path: Path) -> str:
    if not path.is_file():
        raise InputError(f"no file {path.name} in {path.parent}; see the dataset's source for it")
    return path.read_text(encoding="utf-8")
