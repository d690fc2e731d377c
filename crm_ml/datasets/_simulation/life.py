"""Customers with their purchases and dropout: BG/NBD in operational time."""

from dataclasses import dataclass

import numpy as np

from crm_ml.datasets._simulation.rhythm import Clock
from crm_ml.datasets._simulation.world import (
    CHANNEL_DROPOUT,
    CHANNEL_RATE,
    CHANNEL_SHARES,
    PURCHASES,
    SPEND,
    Floats,
    Ints,
    World,
)

_JOIN_SHARE = 0.75  # customers come in the first three quarters of the days
_SENSITIVITY = (1.5, 3.0)


@dataclass(frozen=True, eq=False)
class Lives:
    """Customers of a chunk, in the order in which they joined, and their purchases.

    Parameters
    ----------
    channel : numpy.ndarray of int, shape (n,)
    joined, ended : numpy.ndarray, shape (n,)
        Day of the first purchase, and of the dropout (infinite where there was none within the days).
    rate, dropout, scale, sensitivity : numpy.ndarray, shape (n,)
        Purchases a week, probability of dropping out after each, mean of a purchase in the major unit, and
        how much prices matter (0 to 1).
    buyer : numpy.ndarray of int, shape (m,)
    bought : numpy.ndarray, shape (m,)
        Customer and day of each purchase.
    """

    channel: Ints
    joined: Floats
    ended: Floats
    rate: Floats
    dropout: Floats
    scale: Floats
    sensitivity: Floats
    buyer: Ints
    bought: Floats


def live(world: World, clock: Clock, count: int, rng: np.random.Generator) -> Lives:
    """Draw customers and their purchases."""
    joined = np.sort(rng.uniform(0, _JOIN_SHARE * world.days, count))
    channel = rng.choice(len(CHANNEL_SHARES), count, p=CHANNEL_SHARES)
    quality = world.channel_quality
    faster = np.asarray(CHANNEL_RATE)[channel] ** quality
    rate = rng.gamma(PURCHASES["r"], 1 / PURCHASES["alpha"], count) * faster
    leaving = PURCHASES["a"] * np.asarray(CHANNEL_DROPOUT)[channel] ** quality
    dropout = rng.beta(leaving, PURCHASES["b"])
    scale = SPEND["p"] / rng.gamma(SPEND["q"], 1 / SPEND["v"], count)
    sensitivity = rng.beta(*_SENSITIVITY, size=count)
    start = clock.operational(joined)
    buyer, time, stopped = _purchases(start, rate / 7, dropout, clock.ends[-1], rng)
    return Lives(
        channel=channel.astype(np.int64),
        joined=clock.calendar(start),
        ended=np.where(np.isfinite(stopped), clock.calendar(np.minimum(stopped, clock.ends[-1])), np.inf),
        rate=rate,
        dropout=dropout,
        scale=scale,
        sensitivity=sensitivity,
        buyer=buyer,
        bought=clock.calendar(time),
    )


def _purchases(
    start: Floats, rate: Floats, dropout: Floats, end: float, rng: np.random.Generator
) -> tuple[Ints, Floats, Floats]:
    """Return customer and operational time of each purchase, and when each customer dropped out."""
    now, stopped = start.copy(), np.full(len(start), np.inf)
    alive = np.arange(len(start))
    buyers, times = [alive], [start]
    while len(alive):
        then = now[alive] + rng.exponential(1.0, len(alive)) / np.maximum(rate[alive], 1e-12)
        within = then < end
        alive = alive[within]
        now[alive] = then[within]
        buyers.append(alive)
        times.append(now[alive])
        leaves = rng.random(len(alive)) < dropout[alive]
        stopped[alive[leaves]] = now[alive[leaves]]
        alive = alive[~leaves]
    return np.concatenate(buyers), np.concatenate(times), stopped
