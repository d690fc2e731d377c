"""Cuts of a feature into levels: by declared numbers, or by data with edges that stay."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import narwhals as nw
import numpy as np
import numpy.typing as npt

from crm_ml.errors import ConfigError, InputError
from crm_ml.layers.settings import Cut
from crm_ml.rules.compiled_rule import compile_rule

if TYPE_CHECKING:
    import pandas as pd

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Edges:
    """Edges of a cut, and how many customers lay between them when they were learned.

    Parameters
    ----------
    values : tuple of float
        Ascending, in the unit of the feature.
    shares : tuple of float
        Of the customers in each level, the lowest values first, on the day `since`; empty for declared edges.
    since : str
        Day on which they were learned; empty for declared edges.
    """

    values: tuple[float, ...]
    shares: tuple[float, ...] = ()
    since: str = ""

    def facts(self) -> dict[str, Any]:
        """Return the edges as JSON."""
        return {
            name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()
        }

    @classmethod
    def of(cls, facts: Mapping[str, Any]) -> "Edges":
        """Return the edges of `facts`."""
        return cls(tuple(facts["values"]), tuple(facts["shares"]), str(facts["since"]))


def levels(values: "pd.Series[float]", edges: Sequence[float], best: str = "high") -> Floats:
    """Return the level of each value, 1 for the worst; NaN where the value is.

    Parameters
    ----------
    values : pandas.Series of float, shape (n,)
    edges : sequence of float
        Ascending; a value at an edge lies above it.
    best : {"high", "low"}

    Examples
    --------
    >>> import pandas as pd
    >>> levels(pd.Series([3.0, 10.0, None]), [10.0]).tolist()
    [1.0, 2.0, nan]
    """
    numbers = values.to_numpy(dtype=np.float64, na_value=np.nan)
    level = np.searchsorted(np.asarray(edges, dtype=np.float64), numbers, side="right") + 1.0
    if best == "low":
        level = len(edges) + 2.0 - level
    return np.where(np.isnan(numbers), np.nan, level)


def learn_edges(features: "pd.DataFrame", cuts: Mapping[str, Cut], day: str) -> dict[str, Edges]:
    """Return the edges of each cut: those declared, or those that divide the customers of a day evenly.

    Parameters
    ----------
    features : pandas.DataFrame
        Of all customers of the day.
    cuts : mapping of str to Cut
    day : str
        Noted in the edges.

    Raises
    ------
    ConfigError
        If a column is absent or no number, or a rule does not fit; the message has a line for each.
    InputError
        If the customers can't be divided, since too many have the same value.
    """
    _check(features, cuts)
    return {
        name: Edges(cut.edges) if cut.edges is not None else _by_data(features, name, cut, day)
        for name, cut in cuts.items()
    }


def keep_edges(
    features: "pd.DataFrame", cuts: Mapping[str, Cut], kept: Mapping[str, Edges], tolerance: float, day: str
) -> tuple[dict[str, Edges], list[str]]:
    """Return the edges of a later day: those kept, except where the customers have moved away from them.

    Parameters
    ----------
    features, cuts, day
        As `learn_edges` takes them.
    kept : mapping of str to Edges
        Of an earlier day. A cut that is not there is learned; declared edges are always those declared.
    tolerance : float
        Largest difference of the share of a level from that of the day on which the edges were learned.

    Returns
    -------
    dict of str to Edges, list of str
        And a sentence for each cut whose edges were learned again.

    Raises
    ------
    ConfigError, InputError
        As `learn_edges`.
    """
    _check(features, cuts)
    edges, notes = {}, []
    for name, cut in cuts.items():
        before = kept.get(name)
        if cut.edges is not None:
            edges[name] = Edges(cut.edges)
        elif before is None or len(before.values) + 1 != cut.parts:
            edges[name] = _by_data(features, name, cut, day)
        else:
            furthest = distance(_among(features, cut), before)
            stays = furthest <= tolerance
            edges[name] = before if stays else _by_data(features, name, cut, day)
            if not stays:
                notes.append(
                    f"{name}: the share of a level is {furthest:.3f} from that of {before.since}, more than "
                    f"{tolerance:g}; its edges were learned again"
                )
    return edges, notes


def even_edges(values: Floats, shares_below: Sequence[float]) -> tuple[float, ...]:
    """Return values below which nearest to some shares of all values lie.

    Parameters
    ----------
    values : numpy.ndarray of float, shape (n,)
        Without NaN.
    shares_below : sequence of float
        Ascending, within 0 and 1. Of values that many customers have the edge lies above or below all of
        them, whichever is nearer to the share.

    Examples
    --------
    >>> even_edges(np.array([0.0, 0.0, 0.0, 1.0, 2.0, 5.0]), [1 / 3, 2 / 3])
    (1.0, 2.0)
    """
    distinct, counts = np.unique(values, return_counts=True)
    below = np.concatenate([[0], np.cumsum(counts)[:-1]]) / max(len(values), 1)
    return tuple(
        float(distinct[1:][np.argmin(np.abs(below[1:] - share))])
        for share in shares_below
        if len(distinct) > 1
    )


def shares_between(values: Floats, edges: Sequence[float]) -> tuple[float, ...]:
    """Return the share of the values in each level, the lowest values first."""
    level = np.searchsorted(np.asarray(edges), values, side="right")
    counts = np.bincount(level, minlength=len(edges) + 1)
    return tuple(float(count) / max(len(values), 1) for count in counts)


def distance(values: Floats, kept: Edges) -> float:
    """Return the largest difference of the share of a level from that when its edges were learned."""
    today = shares_between(values, kept.values)
    return max(abs(now - then) for now, then in zip(today, kept.shares, strict=True))


def _by_data(features: "pd.DataFrame", name: str, cut: Cut, day: str) -> Edges:
    assert cut.parts is not None
    values = _among(features, cut)
    edges = even_edges(values, [part / cut.parts for part in range(1, cut.parts)])
    if len(set(edges)) != cut.parts - 1:
        common, count = _commonest(values)
        raise InputError(
            f"cut {name}: {len(values):,} customers can't make {cut.parts} levels by {cut.column}; "
            f"{count:,} have the value {common:g}; declare edges, take fewer parts, or say among whom they "
            "are learned"
        )
    return Edges(edges, shares_between(values, edges), day)


def _among(features: "pd.DataFrame", cut: Cut) -> Floats:
    """Return the known values of those of whom edges are learned."""
    values = np.asarray(features[cut.column].to_numpy(dtype=np.float64, na_value=np.nan))
    keep = ~np.isnan(values)
    if cut.among:
        frame = nw.from_native(features)
        keep &= frame.select(_=compile_rule(cut.among, frame.schema))["_"].to_numpy().astype(bool)
    known: Floats = values[keep]
    return known


def _commonest(values: Floats) -> tuple[float, int]:
    if not len(values):
        return float("nan"), 0
    distinct, counts = np.unique(values, return_counts=True)
    return float(distinct[counts.argmax()]), int(counts.max())


def _check(features: "pd.DataFrame", cuts: Mapping[str, Cut]) -> None:
    """Refuse cuts of columns that are not there or no numbers, and rules that do not fit."""
    from pandas.api.types import is_numeric_dtype

    schema, breaches = nw.from_native(features).schema, []
    for name, cut in cuts.items():
        if cut.column not in features:
            breaches.append(f"  cut {name}: there is no feature {cut.column!r}; name one of its groups")
        elif not is_numeric_dtype(features[cut.column]):
            breaches.append(f"  cut {name}: {cut.column!r} is no number; rules can name it as it is")
        try:
            if cut.among:
                compile_rule(cut.among, schema)
        except ConfigError as error:
            breaches.append(f"  cut {name}, among: {error}")
    if breaches:
        raise ConfigError("cuts do not fit the features\n" + "\n".join(breaches))
