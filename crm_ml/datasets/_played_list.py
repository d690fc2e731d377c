"""What the customers of a simulated shop do after a list, and its effect, which only a simulator knows."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from crm_ml.datasets._simulation.columns import day_of
from crm_ml.datasets._simulation.life import Lives
from crm_ml.datasets._simulation.trials import ORDER_SHARE, visit_probability
from crm_ml.datasets._simulation.world import (
    ARMS,
    CHANNELS,
    SPEND,
    WINDOW_DAYS,
    Floats,
    Ints,
    World,
    epoch_s,
)
from crm_ml.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

CAMPAIGN = "played"
_CHANNEL = ("", "mail", "push")


@dataclass(frozen=True, eq=False)
class Aftermath:
    """What follows a list within 14 days.

    Parameters
    ----------
    tables : mapping of str to pandas.DataFrame
        Further rows of order_lines, campaigns, touches and responses.
    effects : pandas.DataFrame
        Indexed by customer_id, for all who were contacted: arm, visit_effect (what the arm changes of the
        probability of a visit) and paid_cents_effect (of the mean that is paid).
    """

    tables: "dict[str, pd.DataFrame]"
    effects: "pd.DataFrame"


def play(world: World, people: "pd.DataFrame", contacted: "pd.DataFrame", seed: int) -> Aftermath:
    """Draw purchases, visits and the orders of visits of all customers after the last day of a world.

    Purchases go on by BG/NBD at the mean speed of the year. Who is contacted visits with the probability of
    the arm, all others with that of the control, and 35 % of the visits lead to an order, as in the campaigns
    of `crm_ml.datasets.simulated`.

    Parameters
    ----------
    world : World
    people : pandas.DataFrame
        ``Truth.customers``.
    contacted : pandas.DataFrame
        customer_id and arm (coupon or reminder), each customer once.
    seed : int

    Raises
    ------
    InputError
        If a customer is unknown or stands twice, or an arm is none.
    """
    arm = _arms(people, contacted)
    rng = np.random.default_rng([world.seed, seed, len(people)])
    lives, day = _lives(people), float(world.days)
    buyer, bought = _purchases(lives, day, rng)
    chance = visit_probability(lives, np.arange(len(people)), day)
    visits = np.flatnonzero(rng.random(len(people)) < chance[np.arange(len(people)), arm])
    moment = day + rng.uniform(0.4, WINDOW_DAYS - 0.1, len(visits))
    led = rng.random(len(visits)) < ORDER_SHARE
    customer, when = np.append(buyer, visits[led]), np.append(bought, moment[led])
    spent = rng.gamma(SPEND["p"], 1.0, len(customer)) * lives.scale[customer] / SPEND["p"]
    ids = people.index.to_numpy(dtype=str)
    touched = np.flatnonzero(arm > 0)
    tables = {
        "order_lines": _order_lines(
            ids[customer], when, np.maximum(np.round(100 * spent), 1).astype(np.int64)
        ),
        "campaigns": _campaigns(day),
        "touches": _touches(ids[touched], arm[touched], day),
        "responses": _responses(ids[visits], moment),
    }
    return Aftermath(tables, _effects(people, arm, chance))


def _arms(people: "pd.DataFrame", contacted: "pd.DataFrame") -> Ints:
    """Return the number of the arm of each customer, 0 for who is not contacted."""
    unknown = ~contacted["customer_id"].isin(people.index)
    breaches = {
        "customers that the shop does not have": int(unknown.sum()),
        "customers that stand twice": int(contacted["customer_id"].duplicated().sum()),
        f"rows whose arm is none of {', '.join(ARMS[1:])}": int((~contacted["arm"].isin(ARMS[1:])).sum()),
    }
    wrong = [f"{count:,} {what}" for what, count in breaches.items() if count]
    if wrong:
        raise InputError(f"the list can't be played out: it has {', '.join(wrong)}")
    arm_of = dict(zip(contacted["customer_id"], map(ARMS.index, contacted["arm"]), strict=True))
    return np.array([arm_of.get(customer, 0) for customer in people.index], dtype=np.int64)


def _lives(people: "pd.DataFrame") -> Lives:
    dropped = people["dropped_out_at_epoch_s"]
    ended = np.where(dropped.isna(), np.inf, day_of(dropped.fillna(0).to_numpy(dtype=float)))
    empty = np.empty(0)
    return Lives(
        channel=people["acquired_through"].astype(str).map(CHANNELS.index).to_numpy(dtype=np.int64),
        joined=np.zeros(len(people)),
        ended=ended,
        rate=people["purchases_per_week"].to_numpy(dtype=float),
        dropout=people["p_dropout"].to_numpy(dtype=float),
        scale=people["mean_spend_cents"].to_numpy(dtype=float) / 100,
        sensitivity=people["price_sensitivity"].to_numpy(dtype=float),
        buyer=empty.astype(np.int64),
        bought=empty,
    )


def _purchases(lives: Lives, day: float, rng: np.random.Generator) -> tuple[Ints, Floats]:
    """Return customer and day of each purchase within the window of who had not dropped out before."""
    alive = np.flatnonzero(lives.ended > day)
    now = np.full(len(lives.rate), day)
    buyers, times = [], []
    while len(alive):
        now[alive] += rng.exponential(7.0, len(alive)) / np.maximum(lives.rate[alive], 1e-12)
        alive = alive[now[alive] < day + WINDOW_DAYS]
        buyers.append(alive)
        times.append(now[alive])
        alive = alive[rng.random(len(alive)) >= lives.dropout[alive]]
    return np.concatenate([*buyers, np.empty(0, np.int64)]), np.concatenate([*times, np.empty(0)])


def _effects(people: "pd.DataFrame", arm: Ints, chance: Floats) -> "pd.DataFrame":
    import pandas as pd

    touched = np.flatnonzero(arm > 0)
    change = chance[touched, arm[touched]] - chance[touched, 0]
    paid = ORDER_SHARE * change * people["mean_spend_cents"].to_numpy(dtype=float)[touched]
    columns = {"arm": np.asarray(ARMS)[arm[touched]], "visit_effect": change, "paid_cents_effect": paid}
    return pd.DataFrame(columns, index=people.index[touched])


def _order_lines(ids: "np.ndarray[Any, Any]", when: Floats, paid: Ints) -> "pd.DataFrame":
    import pandas as pd

    numbers = [f"{customer}-{CAMPAIGN}{number}" for number, customer in enumerate(ids)]
    columns = {"customer_id": ids, "order_id": numbers, "line_id": "0001", "item_id": "i0000"}
    lines = pd.DataFrame({**columns, **_times("ordered_at", when), "quantity": 1, "paid_cents": paid})
    return lines.assign(discount_cents=0, coupon_cents=0)


def _campaigns(day: float) -> "pd.DataFrame":
    import pandas as pd

    ends = {**_times("starts_at", np.array([day])), **_times("ends_at", np.array([day + WINDOW_DAYS]))}
    return pd.DataFrame({"campaign_id": [CAMPAIGN], "kind": ["list"], **ends})


def _touches(ids: "np.ndarray[Any, Any]", arm: Ints, day: float) -> "pd.DataFrame":
    import pandas as pd

    sent = _times("sent_at", np.full(len(ids), day + 0.375))
    return pd.DataFrame(
        {"campaign_id": CAMPAIGN, "customer_id": ids, **sent, "channel": np.asarray(_CHANNEL)[arm]}
    )


def _responses(ids: "np.ndarray[Any, Any]", when: Floats) -> "pd.DataFrame":
    import pandas as pd

    visits = {"campaign_id": CAMPAIGN, "customer_id": ids, **_times("responded_at", when)}
    return pd.DataFrame({**visits, "kind": "visit"})


def _times(name: str, day: Floats) -> dict[str, Any]:
    seconds = epoch_s(day)
    return {name: (seconds * 1_000_000).astype("datetime64[us]"), f"{name}_epoch_s": seconds}


def write(aftermath: Aftermath, folder: Path) -> dict[str, Path]:
    """Write the further rows of each table with the columns of its contract; return the files."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from crm_ml.datasets._simulation.generate import schemas

    folder.mkdir(parents=True, exist_ok=True)
    files = {}
    for name, rows in aftermath.tables.items():
        schema = schemas()[name]
        whole = rows.reindex(columns=schema.names)
        files[name] = folder / f"{name}.parquet"
        pq.write_table(pa.Table.from_pandas(whole, schema=schema, preserve_index=False), files[name])
    return files
