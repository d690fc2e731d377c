"""One verb that makes a list: who gets which action on a day, at what value, and why."""

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any

from crm_ml.actions.catalog import Action, Catalog
from crm_ml.actions.simple_action import Amount
from crm_ml.decision.allocation_limits import Budget
from crm_ml.decision.list_policy import ListPolicy
from crm_ml.errors import Mistakes
from crm_ml.front.days import day_of
from crm_ml.front.decided_list import DecidedList
from crm_ml.front.list_models import Model, models_of
from crm_ml.front.list_request import Limits, catalog_of, currency_for, stated_consent
from crm_ml.front.scored_day import identified, stages
from crm_ml.private_files import private_files
from crm_ml.score.batch import publish_list
from crm_ml.score.prepared_list import prepare
from crm_ml.tables import Tables
from crm_ml.tables.bundle import need_tables

if TYPE_CHECKING:
    from crm_ml.actions.contact.contact_policy import ContactPolicy
    from crm_ml.decision.exploration import Explore
    from crm_ml.decision.holdouts import HoldOut
    from crm_ml.monitoring.drift_limits import DriftLimits

_NO_CURRENCY = "XXX"  # the code of ISO 4217 for none


@private_files()
def decide(
    tables: Tables,
    as_of: date | str,
    models: "Model | Sequence[Model]" = (),
    actions: "Catalog | str | Path | Action | Sequence[Action]" = (),
    *,
    currency: str | None = None,
    daily_cap: int | None = None,
    channel_caps: Mapping[str, int] | None = None,
    budgets: "Amount | Mapping[str, Amount] | Sequence[Budget | Mapping[str, Any]] | None" = None,
    hold_out: "float | HoldOut | Mapping[str, Any] | None" = None,
    explore: "float | Explore | Mapping[str, Any] | None" = None,
    contact_policy: "ContactPolicy | Mapping[str, Any] | None" = None,
    consent: str | None = None,
    drift: "DriftLimits | Mapping[str, Any] | None" = None,
    name: str = "list",
    out: str | Path | None = None,
) -> DecidedList:
    """Decide who gets which action on a day, within all limits, with reasons and a proof of how good it is.

    It is the nightly job ``python -m crm_ml.score`` on tables in memory: the same models, actions and limits
    give the same list to the byte. Until it is saved, it stands in a temporary folder that goes with it.

    Parameters
    ----------
    tables : Tables
        Of `crm_ml.tables.from_frame`, `crm_ml.datasets.load` or a mapping.
    as_of : date or str
        Day of the list; only what was before it is known.
    models : sequence of FittedModel, str or Path
        What `crm_ml.fit` returns, folders that it was saved to, or registered models (``"churn@champion"``);
        at most one of a family.
    actions : sequence of Action, Catalog, str or Path
        `crm_ml.Action.simple` in major units, or a catalogue or its file.
    currency : str, optional
        Of all amounts; by default the one that the orders name.
    daily_cap : int, optional
        At most so many rows.
    channel_caps : mapping of str to int, optional
        At most so many rows by channel.
    budgets : amount, mapping or sequence, optional
        In major units: one amount for all costs, amounts by channel or action, or mappings with name,
        amount, and actions or channels.
    hold_out : float or HoldOut, optional
        Share of customers who get nothing, so that the effect of the list can be measured.
    explore : float or Explore, optional
        Share that is drawn at random.
    contact_policy : ContactPolicy or mapping, optional
        How often, after what and when a customer may be contacted.
    consent : {"table", "assumed"}, optional
        ``"table"`` where the tables have consents. Without them it must be said that consent is assumed,
        which every row of the list says too.
    drift : DriftLimits or mapping, optional
        How far the data may have moved from those of the training, such as ``{"accept": ["volume"]}``.
    name : str
        Of the list.
    out : str or Path, optional
        Folder of all lists, as the nightly job has one: earlier lists of the name in it count as contacts,
        and ``.save()`` publishes into it.

    Returns
    -------
    DecidedList

    Raises
    ------
    ConfigError
        With everything that is wrong, before anything is computed: an amount, a rule, a limit, an action
        whose score no model gives, tables of another zone or currency, consent that nobody stated.
    LeakError
        If nothing is wrong but that a model knows labels of after `as_of`.
    InputError
        If a prediction is none, or minimums can't be met within the caps.
    DriftLimit
        If the data are too unlike those of the training.
    """
    need_tables(tables, "crm_ml.decide")
    mistakes, tables = Mistakes(), identified(tables)
    day, catalog, loaded = None, None, None
    code = _NO_CURRENCY
    with mistakes.noted():
        consent = stated_consent(consent, tables)
    with mistakes.noted():
        day = day_of(as_of)
    with mistakes.noted():
        loaded = models_of(models, day)
    with mistakes.noted():
        code = currency_for(actions, tables, currency)
    with mistakes.noted():
        catalog = catalog_of(actions, code, contact_policy)
    limits = Limits(daily_cap, channel_caps, budgets, hold_out, explore, drift)
    policy = limits.policy(name, consent or "assumed", catalog, mistakes)
    if day is None or catalog is None or loaded is None:
        raise mistakes.error("decide")
    policy = policy or ListPolicy(name="list", consent="table" if tables.has("consents") else "assumed")
    mistakes.errors += loaded.leaks
    target = None if out is None else Path(out) / name
    job = prepare(policy, day, catalog, tables, loaded.champions, target, mistakes)
    home = Path(mkdtemp(prefix="crm_ml_list_"))
    try:
        published = publish_list(job, home / "lists", stages(), trace=home)
    except BaseException:
        rmtree(home, ignore_errors=True)
        raise
    return DecidedList(job, published, home, loaded.notes, None if out is None else Path(out))
