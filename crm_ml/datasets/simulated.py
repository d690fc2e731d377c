"""A simulated shop whose true purchase rates, dropout and effects of actions are known.

Tables of any size, streamed to Parquet; the same settings give the same bytes. All of it is made up.

- **Purchases** follow BG/NBD [1]_: customer i buys at the rate lambda_i ~ Gamma(r, alpha) a week and drops
  out after each repeat purchase with p_i ~ Beta(a, b); r = .7, alpha = 8, a = .7, b = 2.6. Customers join
  over the first three quarters of the days, with a first order each.
- **Rhythm**: the process runs in operational time, which goes faster on Fridays and Saturdays and before
  Christmas. With ``rhythm=0`` every day is alike and the process is BG/NBD in calendar time.
- **Channels of acquisition** (referral, search, social, store) multiply lambda by 1.5, 1, .7, 1.2 and a by
  .6, 1, 1.5, .8; with ``channel_quality=0`` they do not matter. Customers by referral were invited by an
  earlier one.
- **Spend** of an order is Gamma-Gamma [2]_ (p = 6.25, q = 3.74, v = 15.44 in the major unit), split over
  lines of favourite categories to the cent. Customers to whom prices matter use coupons and discounts more
  often.
- **Campaigns** draw four in ten known customers into the arms ``control`` (1/2), ``coupon`` and ``reminder``
  (1/4 each). The outcome is a visit within 14 days (response ``visit``), of which 35 % lead to an order
  beside the purchase process (response ``purchase``); responses of the control group stand in the table as
  well. What an arm does to the log-odds of a visit follows from the customer
  (`_simulation.trials.visit_probability`): coupons move those to whom prices matter and repel the others,
  reminders move those who buy seldom and repel those of a store.
- Events end with the dropout; consents, to analytics and to marketing by mail and by push, are
  given or refused at registration, and some withdrawn later.

References
----------
.. [1] Fader, Hardie and Lee (2005). "Counting your customers" the easy way. Marketing Science 24, section 3.
.. [2] Fader and Hardie (2013). The Gamma-Gamma model of monetary value, equations 1 to 3.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crm_ml.datasets._simulation.generate import Progress, generate
from crm_ml.datasets._simulation.world import World
from crm_ml.errors import AlreadyPublished
from crm_ml.storage import manifest
from crm_ml.storage.paths import data_folder
from crm_ml.tables.bundle import Tables
from crm_ml.tables.contract import contracts
from crm_ml.tables.engine import connect
from crm_ml.tables.sql import parquet_rows
from crm_ml.tables.thread_cursors import ThreadCursors

if TYPE_CHECKING:
    import pandas as pd

    from crm_ml.datasets._channel_profiles import ChannelProfiles


@dataclass(frozen=True, eq=False)
class Truth:
    """The truth behind the tables.

    Parameters
    ----------
    customers : pandas.DataFrame
        Indexed by customer_id: acquired_through, purchases_per_week (in operational time), p_dropout,
        dropped_out_at_epoch_s (null for who had not), mean_spend_cents, price_sensitivity.
    effects : pandas.DataFrame
        Indexed by campaign_id and customer_id, for all who were drawn: p_control, p_coupon and p_reminder,
        the probability of a visit under each arm.
    """

    customers: "pd.DataFrame"
    effects: "pd.DataFrame"


def load(
    path: Path | None = None,
    customers: int = 20_000,
    seed: int = 0,
    days: int = 728,
    lines_per_order: float = 5.0,
    rhythm: float = 1.0,
    channel_quality: float = 1.0,
    campaigns: int = 8,
    events_per_customer: float = 3.0,
    progress: Progress | None = None,
) -> Tables:
    """Load a simulated shop, generated unless the cache has it.

    Parameters
    ----------
    path : Path, optional
        Folder in which worlds are cached; ``simulated`` in the data folder without it.
    customers, seed, days, lines_per_order, rhythm, channel_quality, campaigns, events_per_customer
        See `crm_ml.datasets._simulation.world.World`.
    progress : callable, optional
        Called with the name of each step.

    Returns
    -------
    Tables
        All tables, on DuckDB. Their rows are accepted as they are made: contracts hold by construction.

    Raises
    ------
    InputError
        If a setting is out of range; the message names all.
    IntegrityError
        If the files of a cached world have changed.
    """
    world = World(
        customers, seed, days, lines_per_order, rhythm, channel_quality, campaigns, events_per_customer
    )
    return _tables(_folder(world, path, progress), {}).identified(_identity(world))


def truth(path: Path | None = None, **settings: Any) -> Truth:
    """Return the truth behind the tables that `load` returns for the same settings."""
    import pandas as pd

    folder = _folder(World(**settings), path, None)
    people = pd.read_parquet(folder / "truth_customers.parquet").set_index("customer_id")
    effects = pd.read_parquet(folder / "truth_effects.parquet")
    return Truth(people, effects.set_index(["campaign_id", "customer_id"]))


def profiles(path: Path | None = None, **settings: Any) -> "ChannelProfiles":
    """Return the profiles of app, mini-program, web and shop behind the customers that `load` returns.

    They have phones, mail addresses, devices, open ids, cards, names, birth dates and addresses, each where
    its channel shows it, and ten kinds of bad ones (`crm_ml.datasets._channel_profiles.BAD`): placeholders
    and shared devices, numbers that were given on. `crm_ml.identity.resolve` is to find whose each is.

    Parameters
    ----------
    path : Path, optional
        As in `load`.
    **settings
        Of the world, as in `load`.
    """
    from crm_ml.datasets._channel_profiles import channel_profiles

    world = World(**settings)
    customers = load(path, **settings).pandas("customers").sort_values("customer_id")
    first_days = customers["registered_at_epoch_s"].to_numpy().astype("datetime64[s]").astype("datetime64[D]")
    return channel_profiles(customers["customer_id"].to_list(), first_days, world.seed)


def play_out(
    contacted: "pd.DataFrame", folder: Path, path: Path | None = None, draw: int = 0, **settings: Any
) -> "tuple[Tables, pd.DataFrame]":
    """Let the customers live on for 14 days after a list that was made on the day after the last one.

    Purchases go on by BG/NBD at the mean speed of the year; the visits of a campaign follow the arm that each
    customer is contacted with, all others are its control.

    Parameters
    ----------
    contacted : pandas.DataFrame
        customer_id and arm (coupon or reminder) of the rows of the list.
    folder : Path
        Takes the rows that come anew, which the tables read.
    path : Path, optional
        As in `load`.
    draw : int
        Number of the random draw of what happens.
    **settings
        Of the world, as in `load`.

    Returns
    -------
    tables : Tables
        Those of `load` and, from the day of the list on, order lines, a campaign, touches and responses.
    effects : pandas.DataFrame
        Indexed by customer_id, for all who were contacted: arm, visit_effect (change of the probability of a
        visit) and paid_cents_effect (change of the mean that is paid).

    Raises
    ------
    InputError
        If a customer is unknown or stands twice, or an arm is none.
    """
    from crm_ml.datasets import _played_list

    world = World(**settings)
    aftermath = _played_list.play(world, truth(path, **settings).customers, contacted, draw)
    return _tables(_folder(world, path, None), _played_list.write(aftermath, folder)), aftermath.effects


def _tables(folder: Path, further: Mapping[str, Path]) -> Tables:
    """Return the tables of a world, with the rows of further files beneath its own."""
    connection = connect()
    relations: dict[str, Any] = {}
    for name in contracts():
        files = [folder / f"{name}.parquet", *([further[name]] if name in further else [])]
        relations[name] = connection.sql(f"FROM {parquet_rows(*(file.resolve() for file in files))}")
    return Tables(**relations, cursors=ThreadCursors(connection))


def _folder(world: World, path: Path | None, progress: Progress | None) -> Path:
    """Return the folder of a world, generated unless the cache has it."""
    parent = data_folder() / "simulated" if path is None else path
    folder = parent / f"{world.customers}-{_identity(world)[:16]}"
    if not folder.exists():
        try:
            with manifest.new_folder(folder, **asdict(world)) as part:
                generate(world, part, progress)
        except AlreadyPublished:  # by a run beside this one
            pass
    manifest.verify(folder)
    return folder


def _identity(world: World) -> str:
    """Hash the settings and the code that makes tables of them."""
    here = Path(__file__).parent
    total = hashlib.sha256(json.dumps(asdict(world), sort_keys=True).encode())
    for file in sorted([*(here / "_simulation").glob("*.py")]):
        total.update(file.read_bytes())
    for contract in contracts().values():
        total.update(repr(contract).encode())
    return total.hexdigest()
