"""Values and limits of allocations at random: lognormal values, caps of actions and channels, a budget."""

from typing import Any

import numpy as np

Array = np.ndarray[tuple[int, int], np.dtype[np.float64]]
VARIANTS: dict[str, dict[str, Any]] = {
    "plain": {},
    "ties": {"ties": True},
    "70 % ineligible": {"ineligible": 0.7},
    "tight caps": {"tight": True},
}


def lognormal(n: int, m: int = 20, seed: int = 0, ties: bool = False, ineligible: float = 0.0) -> Array:
    """Return values, shape (n, m): rounded to a tenth for ties, NaN where not eligible."""
    rng = np.random.default_rng(seed)
    values = rng.lognormal(0.0, 1.0, (n, m)) * rng.lognormal(0.0, 0.5, m) - 0.3
    if ties:
        values = np.round(values, 1)
    if ineligible:
        values[rng.random((n, m)) < ineligible] = np.nan
    return values


def limits(n: int, m: int = 20, seed: int = 0, tight: bool = False) -> dict[str, Any]:
    """Return costs, caps, channels and a budget that all bind somewhere."""
    rng = np.random.default_rng(seed + 1)
    share = 0.02 if tight else 0.06
    return {
        "costs": np.round(rng.uniform(0.2, 3.0, m), 2),
        "action_caps": np.floor(n * rng.uniform(0.3, 1.5, m) * share).tolist(),
        "channels": [f"ch{action % 4}" for action in range(m)],
        "channel_caps": {f"ch{k}": float(np.floor(n * share * rng.uniform(1.0, 3.0))) for k in range(4)},
        "budgets": float(np.round(n * share * 6.0, 2)),
    }


def case(n: int, seed: int, variant: str) -> tuple[Array, dict[str, Any]]:
    """Return values and limits of a variant."""
    options = dict(VARIANTS[variant])
    tight = options.pop("tight", False)
    return lognormal(n, seed=seed, **options), limits(n, seed=seed, tight=tight)
