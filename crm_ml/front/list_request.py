"""The arguments of a list as a catalogue and a policy: amounts in major units become those of the tables."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from crm_ml.actions.catalog import Action, Catalog
from crm_ml.actions.simple_action import Amount
from crm_ml.config.loading import load
from crm_ml.decision.list_policy import ListPolicy
from crm_ml.errors import ConfigError, Mistakes
from crm_ml.storage.paths import project_root
from crm_ml.tables import Tables
from crm_ml.tables.currencies import currency_of, minor_units
from crm_ml.tables.strict import Strict, validate

if TYPE_CHECKING:
    from crm_ml.actions.contact.contact_policy import ContactPolicy

SALT: Final = "crm_ml.decide"  # one for all lists, so that the same customers are in control of each


def stated_consent(consent: str | None, tables: Tables) -> str:
    """Return what the consent of each row rests on: the table where there is one, else what was stated.

    Raises
    ------
    ConfigError
        If the tables have no consents and nothing was stated.
    """
    if consent is None and not tables.has("consents"):
        raise ConfigError(
            'consent: the tables have no consents; say consent="assumed" where it is certain that all these '
            "customers may be contacted, which every row will say too"
        )
    return consent or "table"


def currency_for(
    actions: "Catalog | str | Path | Action | Sequence[Action]", tables: Tables, currency: str | None
) -> str:
    """Return the currency of all amounts: the one that is named, of the orders, or of their mapping.

    Raises
    ------
    ConfigError
        If none is named.
    """
    declared = "" if tables.report is None else tables.report.currency
    code = currency or currency_of(tables.frame("order_lines")) or declared
    if not code and not isinstance(actions, Catalog | str | Path):
        raise ConfigError('currency: the orders name none; say the one of all amounts, such as "EUR"')
    return code


def catalog_of(
    actions: "Catalog | str | Path | Action | Sequence[Action]",
    currency: str,
    contact_policy: "ContactPolicy | Mapping[str, Any] | None",
) -> Catalog:
    """Return the catalogue of some actions, or the one of a file.

    Raises
    ------
    ConfigError
        If an action is wrong, or the catalogue has another currency or a contact policy of its own.
    """
    if isinstance(actions, str | Path):
        path = Path(actions) if Path(actions).is_file() else project_root() / actions
        actions = load(path, Catalog)
    if isinstance(actions, Catalog):
        if contact_policy is not None:
            raise ConfigError("contact_policy: the catalogue has its own; write it there")
        if currency not in ("", actions.currency):
            raise ConfigError(f"actions: the catalogue is in {actions.currency}, and the list in {currency}")
        return actions
    if isinstance(actions, Mapping) or not isinstance(actions, Action | Iterable):
        kind = type(actions).__name__
        raise ConfigError(f"actions: {kind} is no action; give what crm_ml.Action.simple returns, or a list")
    content = {"currency": currency, "actions": [actions] if isinstance(actions, Action) else list(actions)}
    policy = {} if contact_policy is None else {"contact_policy": contact_policy}
    return validate(content | policy, Catalog, "actions")


@dataclass(frozen=True)
class Limits:
    """The limits of a list as `crm_ml.decide` takes them."""

    daily_cap: int | None
    channel_caps: Mapping[str, int] | None
    budgets: Any
    hold_out: Any
    explore: Any
    drift: Any

    def policy(
        self, name: str, consent: str, catalog: Catalog | None, mistakes: Mistakes
    ) -> ListPolicy | None:
        """Return the policy of a list; None where it is wrong, which is noted then.

        Budgets are of a catalogue; they are not read without one.
        """
        before = len(mistakes.errors)
        content: dict[str, Any] = {"name": name, "consent": consent, "daily_cap": self.daily_cap}
        content["channel_caps"] = self.channel_caps or {}
        with mistakes.noted():
            content["budgets"] = [] if catalog is None else _budgets(self.budgets, catalog)
        with mistakes.noted():
            content["hold_out"] = _share("hold_out", self.hold_out, "universal")
        with mistakes.noted():
            content["explore"] = _share("explore", self.explore, "share")
        with mistakes.noted():
            drift = {} if self.drift is None else {"drift": self.drift}
            policy = validate(content | drift, ListPolicy, "limits")
        return None if len(mistakes.errors) > before else policy


def _share(argument: str, share: Any, field: str) -> Any:
    """Return a bare share with the salt of all lists; settings stay as they are."""
    if isinstance(share, Strict | Mapping) or not share:
        return share or None
    if not isinstance(share, int | float) or not 0 < share <= 0.5:
        raise ConfigError(f"{argument}: {share!r} is no share of the customers; write one up to 0.5")
    return {"salt": SALT, field: float(share)}


def _budgets(budgets: Any, catalog: Catalog) -> list[Any]:
    if budgets is None:
        return []
    if isinstance(budgets, Mapping):
        return [_named_budget(name, amount, catalog) for name, amount in budgets.items()]
    if isinstance(budgets, Sequence) and not isinstance(budgets, str):
        return [_whole_budget(budget, catalog.currency) for budget in budgets]
    return [{"name": "all", "cents": _cents("budgets", budgets, catalog.currency)}]


def _named_budget(name: str, amount: Amount, catalog: Catalog) -> dict[str, Any]:
    """Return the budget of a channel or of an action, whichever has the name."""
    channels = {channel for action in catalog.actions for channel in action.identity.channel_names}
    names = {action.action_id for action in catalog.actions}
    if name in channels and name in names:
        raise ConfigError(f"budgets: {name} is a channel and an action; give a list of Budget, which says it")
    if name not in channels | names:
        known = ", ".join(sorted(channels | names))
        raise ConfigError(f"budgets: {name} is neither a channel nor an action; there are {known}")
    of_what = "channels" if name in channels else "actions"
    return {"name": name, "cents": _cents(f"budgets: {name}", amount, catalog.currency), of_what: (name,)}


def _whole_budget(budget: Any, currency: str) -> Any:
    if not isinstance(budget, Mapping) or "amount" not in budget:
        return budget
    rest = {key: value for key, value in budget.items() if key != "amount"}
    return {**rest, "cents": _cents(f"budgets: {rest.get('name', '')}", budget["amount"], currency)}


def _cents(where: str, amount: Amount, currency: str) -> int:
    try:
        return minor_units(amount, currency)
    except ConfigError as error:
        raise ConfigError(f"{where}: {error}") from None
