"""Check that the arrays of a recommender's folder are of its customers and items."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from crm_ml.errors import IntegrityError

_HISTORY = ("history_count", "history_last", "history_first")


def check_sizes(folder: Path, arrays: Mapping[str, Any]) -> None:
    """Refuse matrices of other customers or items than the model has, by the shape of each.

    Raises
    ------
    IntegrityError
        Also where an id stands twice, or factors do not fit each other.
    """
    customers, items = len(arrays["customers"]), len(arrays["items"])
    counts = arrays.get("counts_")
    shapes = {
        **dict.fromkeys(("seen", "own_", "frequency_", "probability_", *_HISTORY), (customers, items)),
        "popularity": (items,),
        "similar_": (items, items),
        "inverse_": (min(customers, items),) * 2,
        "segment_": (customers,),
        "counts_": (max(len(counts), 1) if counts is not None and counts.ndim else 1, items),
    }
    for name in ("customers", "items"):
        if arrays[name].ndim != 1 or len(set(arrays[name].tolist())) < len(arrays[name]):
            raise IntegrityError(f"{folder}: {name} are no list, or one stands twice; train the model again")
    factors = [arrays[name] for name in ("customer_factors_", "item_factors_") if name in arrays]
    if factors and [f.shape for f in factors] != [(n, *factors[0].shape[1:]) for n in (customers, items)]:
        raise IntegrityError(f"{folder}: the factors do not fit each other; train the model again")
    for name, shape in shapes.items():
        array = arrays.get(name)
        if array is not None and (array.shape != shape or array.dtype.kind not in "fiub"):
            raise IntegrityError(
                f"{folder}: {name} is {array.dtype} of shape {array.shape} for {customers:,} customers and "
                f"{items:,} items; train the model again"
            )
