"""Customers of the smallest draws, in one place: what a typical value is, and where prices start from."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from crm_ml.allocation.fixed_point import power_above
from crm_ml.allocation.lagrangian import Customers
from crm_ml.allocation.value_parts import Array, MemoryParts, ValuePart, ValueParts

SAMPLE = 200_000
_TYPICAL = 20_000
_ALL = 1 << 64


@dataclass(frozen=True, eq=False)
class Sample:
    """Customers whose draw is below a threshold.

    Parameters
    ----------
    part : ValuePart
    is_whole : bool
        Whether all customers are in it.
    """

    part: ValuePart
    is_whole: bool

    def customers(self, everyone: Customers, rows: int) -> Customers:
        """Return about so many of the sample, or the whole sample."""
        part = self.part.taken(below(self.part.draws, rows, everyone.n)) if rows < everyone.n else self.part
        return Customers(
            MemoryParts([part]), len(part.draws), everyone.largest, cost_scale=everyone.cost_scale
        )

    def typical(self, everyone: Customers) -> float:
        """Return the mean of the values above 0."""
        few = self.customers(everyone, _TYPICAL).parts
        part = few.parts[0] if isinstance(few, MemoryParts) else self.part
        values = np.asarray(part.values, dtype=np.float64)
        usable = np.isfinite(values) & (values > 0)
        if part.eligible is not None:
            usable &= part.eligible
        positive = values[usable].tolist()
        return math.fsum(positive) / len(positive) if positive else 1.0

    def typical_costs(self) -> list[float]:
        """Return the mean of the costs above 0 of each layer."""
        positive = [layer[layer > 0].astype(float).tolist() for layer in self.part.layers]
        return [math.fsum(costs) / len(costs) if costs else 1.0 for costs in positive]


def below(draws: Array, rows: int, n: int) -> npt.NDArray[np.intp]:
    """Return the places of about `rows` of n customers: those with a draw below a threshold."""
    if rows >= n:
        return np.arange(len(draws))
    return np.flatnonzero(draws < np.uint64(_ALL * rows // n))


def surveyed(parts: ValueParts, layers: int, signed: bool) -> tuple[Customers, Sample]:
    """Return what the amounts of all customers are measured by, and a sample of them, in one pass.

    Amounts below 0 count if `signed`, where they may be chosen to meet a minimum.
    """
    n = sum(parts.rows)
    results = parts.map(_Survey(n, signed))
    largest = max(found for found, _, _ in results)
    costs = np.max([greatest for _, greatest, _ in results], axis=0)
    scale = tuple(power_above(cost) for cost in costs.tolist()) if layers else ()
    return Customers(parts, n, largest, scale), Sample(_joined([few for *_, few in results]), n <= SAMPLE)


@dataclass(frozen=True)
class _Survey:
    n: int
    signed: bool

    def __call__(self, part: ValuePart) -> tuple[float, list[float], ValuePart]:
        from crm_ml.allocation import numba_kernels

        pieces = part.chunks([1.0] * len(part.layers))
        found = [
            (numba_kernels.largest(values, mask, self.signed), *costs.max(axis=(1, 2), initial=0.0))
            for _, values, mask, costs in pieces
        ]
        largest, *costs = np.max(found, axis=0).tolist() if found else [0.0, *(0.0 for _ in part.layers)]
        return largest, costs, part.taken(below(part.draws, SAMPLE, self.n))


def _joined(parts: list[ValuePart]) -> ValuePart:
    if len(parts) == 1:
        return parts[0]
    first = parts[0]
    eligible = None if first.eligible is None else np.concatenate([part.eligible for part in parts])
    layers = [np.concatenate(layer) for layer in zip(*(part.layers for part in parts), strict=True)]
    values = np.concatenate([part.values for part in parts])
    draws = np.concatenate([part.draws for part in parts])
    return ValuePart(0, values, draws, {}, eligible, layers)
