"""Activity beside purchases: visits, views and carts, invitations, and consents."""

from dataclasses import dataclass

import numpy as np

from crm_ml.datasets._simulation.baskets import CATEGORIES, FAVOURITES, ITEMS
from crm_ml.datasets._simulation.life import Lives
from crm_ml.datasets._simulation.world import CHANNELS, Floats, Ints, World

KINDS = ("cart", "invite", "view", "visit")
# analytics, of no channel; marketing by mail and by push
PURPOSES, MEDIA = ("analytics", "marketing"), ("mail", "push")
_KIND_SHARES = (0.15, 0.0, 0.45, 0.4)
_GRANTED = (0.97, 0.85, 0.75)
_WITHDRAWN = 0.08
_REFERRAL = CHANNELS.index("referral")


@dataclass(frozen=True, eq=False)
class Contacts:
    """Events, invitations and consents of a chunk.

    Parameters
    ----------
    customer, kind, item : numpy.ndarray of int, shape (e,)
        Of each event, in the order of customer and day; item is -1 for none.
    day : numpy.ndarray, shape (e,)
    inviter : numpy.ndarray of int, shape (n,)
        Who invited each customer, -1 for nobody.
    agreed : numpy.ndarray of int, shape (c,)
    medium : numpy.ndarray of int, shape (c,)
        0 = analytics, then marketing by each medium.
    granted : numpy.ndarray of bool, shape (c,)
    changed : numpy.ndarray, shape (c,)
        Customer, medium, whether it was allowed, and day of each change of consent.
    """

    customer: Ints
    kind: Ints
    item: Ints
    day: Floats
    inviter: Ints
    agreed: Ints
    medium: Ints
    granted: "np.ndarray[tuple[int], np.dtype[np.bool_]]"
    changed: Floats


def meet(world: World, lives: Lives, taste: Ints, rng: np.random.Generator) -> Contacts:
    """Draw events until the dropout, who was invited by whom, and consents."""
    count = len(lives.joined)
    last = np.minimum(lives.ended, world.days - 0.01)
    customer = np.repeat(np.arange(count), rng.poisson(world.events_per_customer, count))
    day = rng.uniform(lives.joined[customer], np.maximum(last, lives.joined)[customer])
    kind = rng.choice(len(KINDS), len(customer), p=_KIND_SHARES)
    seen = taste[customer, rng.integers(0, FAVOURITES, len(customer))] * (ITEMS // CATEGORIES)
    item = np.where(kind == KINDS.index("visit"), -1, seen + rng.integers(0, 5, len(customer)))
    inviter = np.where(lives.channel == _REFERRAL, np.floor(rng.random(count) * np.arange(count)), -1)
    inviter[:1] = -1
    invited = np.flatnonzero(inviter >= 0)
    customer = np.concatenate([customer, inviter[invited].astype(np.int64)])
    day = np.concatenate([day, lives.joined[invited] - 1e-3])
    kind = np.concatenate([kind, np.full(len(invited), KINDS.index("invite"))])
    item = np.concatenate([item, np.full(len(invited), -1)])
    sequence = np.lexsort((day, customer))
    agreed, medium, granted, changed = _consents(lives, last, rng)
    return Contacts(
        customer=customer[sequence],
        kind=kind[sequence].astype(np.int64),
        item=item[sequence],
        day=day[sequence],
        inviter=inviter.astype(np.int64),
        agreed=agreed,
        medium=medium,
        granted=granted,
        changed=changed,
    )


def _consents(
    lives: Lives, last: Floats, rng: np.random.Generator
) -> "tuple[Ints, Ints, np.ndarray[tuple[int], np.dtype[np.bool_]], Floats]":
    count, media = len(lives.joined), len(_GRANTED)
    agreed, medium = np.repeat(np.arange(count), media), np.tile(np.arange(media), count)
    granted = rng.random(len(agreed)) < np.asarray(_GRANTED)[medium]
    changed = lives.joined[agreed]
    back = np.flatnonzero(granted & (rng.random(len(agreed)) < _WITHDRAWN))
    later = rng.uniform(changed[back] + 0.01, np.maximum(last[agreed[back]], changed[back] + 0.02))
    agreed, medium = np.concatenate([agreed, agreed[back]]), np.concatenate([medium, medium[back]])
    granted = np.concatenate([granted, np.zeros(len(back), dtype=bool)])
    changed = np.concatenate([changed, later])
    sequence = np.lexsort((changed, medium, agreed))
    return agreed[sequence], medium[sequence], granted[sequence], changed[sequence]
