"""The drawn numbers of a chunk as Arrow columns of the customer tables."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from crm_ml.datasets._simulation.baskets import CATEGORIES, DEPARTMENTS, ITEMS, Baskets
from crm_ml.datasets._simulation.contacts import KINDS, MEDIA, PURPOSES, Contacts
from crm_ml.datasets._simulation.life import Lives
from crm_ml.datasets._simulation.trials import Trials
from crm_ml.datasets._simulation.world import (
    ARM_SHARES,
    ARMS,
    CHANNELS,
    DAY_S,
    START_S,
    WINDOW_DAYS,
    Floats,
    Ints,
    World,
    epoch_s,
)

if TYPE_CHECKING:
    import pyarrow as pa

Columns = dict[str, Any]
_MANY = 100_000
_BANDS = ("low", "middle", "high")
_BAND_NOISE = 0.15
_CHANNEL_OF_ARM = ("", "mail", "push")


class Names:
    """Ids as text, built once for a world and looked up by number."""

    def __init__(self) -> None:
        import pyarrow as pa

        self.numbers = pa.array([f"{number:04d}" for number in range(_MANY)])
        self.items = pa.array([f"i{number:04d}" for number in range(ITEMS)])
        self.cache: dict[Sequence[str], pa.Array] = {}

    def of(self, texts: tuple[str, ...], index: Ints) -> "pa.Array":
        """Return texts by their numbers; -1 is null."""
        import pyarrow as pa

        if texts not in self.cache:
            self.cache[texts] = pa.array(texts)
        return self.cache[texts].take(pa.array(index, mask=index < 0))


def customer_ids(first: int, count: int) -> "pa.Array":
    """Return the ids of customers by their number in the world, in ascending order."""
    import pyarrow as pa

    return pa.array([f"c{number:08d}" for number in range(first, first + count)])


def customers(ids: "pa.Array", lives: Lives, contacts: Contacts, names: Names, band: Ints) -> Columns:
    """Return the table of customers; they registered a minute before their first order."""
    import pyarrow as pa

    inviter = pa.array(contacts.inviter, mask=contacts.inviter < 0)
    return {
        "customer_id": ids,
        **_times("registered_at", epoch_s(lives.joined) - 60),
        "acquired_through": names.of(CHANNELS, lives.channel),
        "invited_by": ids.take(inviter),
        "price_band": names.of(_BANDS, band),
    }


def price_band(lives: Lives, rng: np.random.Generator) -> Ints:
    """Return the shop's noisy guess of price sensitivity: 0 low, 1 middle, 2 high."""
    seen = lives.sensitivity + _BAND_NOISE * rng.standard_normal(len(lives.sensitivity))
    return np.digitize(seen, [0.22, 0.42])


def order_lines(ids: "pa.Array", baskets: Baskets, names: Names) -> Columns:
    """Return the table of order lines."""
    import pyarrow as pa
    import pyarrow.compute as pc

    buyer = ids.take(pa.array(baskets.customer))
    order_id = pc.binary_join_element_wise(buyer, names.numbers.take(pa.array(baskets.number)), "-")
    order, rows = pa.array(baskets.order), len(baskets.order)
    seconds = epoch_s(baskets.day)[baskets.order]
    empty = pa.nulls(rows, pa.string())
    return {
        "customer_id": buyer.take(order),
        "order_id": order_id.take(order),
        "line_id": names.numbers.take(pa.array(baskets.line)),
        "item_id": names.items.take(pa.array(baskets.item)),
        **_times("ordered_at", seconds),
        "quantity": np.ones(rows, dtype=np.int64),
        "paid_cents": baskets.paid,
        "discount_cents": baskets.discount,
        "coupon_cents": baskets.coupon,
        "currency": empty,
        "refund_of": empty,
    }


def events(ids: "pa.Array", contacts: Contacts, names: Names) -> Columns:
    """Return the table of events."""
    import pyarrow as pa
    import pyarrow.compute as pc

    who = ids.take(pa.array(contacts.customer))
    first = np.append(True, contacts.customer[1:] != contacts.customer[:-1])[: len(contacts.customer)]
    position = np.arange(len(first)) - np.maximum.accumulate(np.where(first, np.arange(len(first)), 0))
    item = pa.array(contacts.item, mask=contacts.item < 0)
    return {
        "event_id": pc.binary_join_element_wise(who, names.numbers.take(pa.array(position)), "-e"),
        "customer_id": who,
        "kind": names.of(KINDS, contacts.kind),
        **_times("occurred_at", epoch_s(contacts.day)),
        "item_id": names.items.take(item),
        "channel": pa.nulls(len(first), pa.string()),
        **_no_times("ends_at", len(first)),
    }


def consents(ids: "pa.Array", contacts: Contacts, names: Names) -> Columns:
    """Return the table of consents: to analytics, and to marketing by each medium."""
    import pyarrow as pa

    return {
        "customer_id": ids.take(pa.array(contacts.agreed)),
        "purpose": names.of(PURPOSES, np.minimum(contacts.medium, 1)),
        "channel": names.of(MEDIA, contacts.medium - 1),
        "granted": contacts.granted,
        **_times("changed_at", epoch_s(contacts.changed)),
    }


def trial_tables(world: World, ids: "pa.Array", trials: Trials, names: Names) -> dict[str, Columns]:
    """Return assignments, touches and responses, and the true probabilities behind them."""
    import pyarrow as pa

    days = np.asarray(world.campaign_days, dtype=float)
    who, campaign = ids.take(pa.array(trials.customer)), campaign_names(world)
    drawn = days[trials.campaign] if len(days) else np.empty(0)
    sent, visits = np.flatnonzero(trials.arm > 0), np.flatnonzero(np.isfinite(trials.visited))
    answered = np.concatenate([visits, visits[trials.ordered[visits]]])
    kind = np.concatenate([np.ones(len(visits)), np.zeros(len(answered) - len(visits))]).astype(np.int64)
    answered, kind = (each[np.lexsort((kind, answered))] for each in (answered, kind))
    named = names.of(campaign, trials.campaign)
    return {
        "assignments": {
            "campaign_id": named, "customer_id": who, **_times("assigned_at", epoch_s(drawn)),
            "arm": names.of(ARMS, trials.arm), "probability": np.asarray(ARM_SHARES)[trials.arm],
        },
        "touches": {
            "campaign_id": named.take(pa.array(sent)), "customer_id": who.take(pa.array(sent)),
            **_times("sent_at", epoch_s(drawn[sent] + 0.375)),
            "channel": names.of(_CHANNEL_OF_ARM, trials.arm[sent]),
        },
        "responses": {
            "campaign_id": named.take(pa.array(answered)), "customer_id": who.take(pa.array(answered)),
            **_times("responded_at", epoch_s(trials.visited[answered])),
            "kind": names.of(("purchase", "visit"), kind), "offer_id": pa.nulls(len(answered), pa.string()),
        },
        "effects": {
            "campaign_id": named, "customer_id": who,
            **{f"p_{arm}": trials.p[:, number] for number, arm in enumerate(ARMS)},
        },
    }  # fmt: skip


def truth(ids: "pa.Array", lives: Lives, names: Names) -> Columns:
    """Return the true parameters of each customer, which no table has."""
    import pyarrow as pa

    dropped = np.isfinite(lives.ended)
    ended = epoch_s(np.where(dropped, lives.ended, 0.0))
    return {
        "customer_id": ids,
        "acquired_through": names.of(CHANNELS, lives.channel),
        "purchases_per_week": lives.rate,
        "p_dropout": lives.dropout,
        "dropped_out_at_epoch_s": pa.array(ended, mask=~dropped),
        "mean_spend_cents": 100 * lives.scale,
        "price_sensitivity": lives.sensitivity,
    }


def campaign_names(world: World) -> tuple[str, ...]:
    """Return the ids of the campaigns."""
    return tuple(f"trial_{number + 1:02d}" for number in range(world.campaigns))


def fixed_tables(world: World) -> Mapping[str, Columns]:
    """Return the tables that do not grow with the customers: items, campaigns, offers."""
    category = np.arange(ITEMS) // (ITEMS // CATEGORIES)
    items = [f"i{number:04d}" for number in range(ITEMS)]
    tables: dict[str, Columns] = {
        "items": {
            "item_id": items,
            "department": [f"department {number // (CATEGORIES // DEPARTMENTS)}" for number in category],
            "category": [f"category {number:02d}" for number in category],
            "product_type": [None] * ITEMS,
            "brand": [None] * ITEMS,
        }
    }
    names = campaign_names(world)
    days = np.asarray(world.campaign_days, dtype=float)
    tables["campaigns"] = {
        "campaign_id": list(names), "kind": ["trial"] * len(names), "channel": [None] * len(names),
        **_times("starts_at", epoch_s(days)), **_times("ends_at", epoch_s(days + WINDOW_DAYS)),
    }  # fmt: skip
    offers = [(name, f"{name}-{k}", items[(7 * i + 5 * k) % CATEGORIES * (ITEMS // CATEGORIES) + j])
              for i, name in enumerate(names) for k in range(3) for j in range(10)]  # fmt: skip
    tables["offers"] = {
        name: [row[place] for row in offers]
        for place, name in enumerate(("campaign_id", "offer_id", "item_id"))
    }
    return tables


def _times(name: str, seconds: Ints) -> Columns:
    import pyarrow as pa

    return {name: pa.array(seconds * 1_000_000, pa.timestamp("us")), f"{name}_epoch_s": seconds}


def _no_times(name: str, rows: int) -> Columns:
    import pyarrow as pa

    return {name: pa.nulls(rows, pa.timestamp("us")), f"{name}_epoch_s": pa.nulls(rows, pa.int64())}


def day_of(seconds: Floats) -> Floats:
    """Return the day, counted from the start, of a time in epoch seconds."""
    return np.asarray((seconds - START_S) / DAY_S)
