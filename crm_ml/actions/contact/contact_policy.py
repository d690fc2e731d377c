"""The contact policy: the section ``contact_policy`` of an action catalogue."""

import difflib
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from typing import Annotated, Any, Self

from pydantic import ConfigDict, Field, field_validator, model_validator

from crm_ml.actions.action_identity import ActionIdentity
from crm_ml.actions.contact.local_clock import check_zone
from crm_ml.actions.contact.touch_rules import ContactCoolDown, ContactWindow, Exclusive, NeverAfter
from crm_ml.actions.field_types import Name, Names
from crm_ml.errors import ConfigError
from crm_ml.tables.strict import Strict


class QuietHours(Strict):
    """Hours of the customer's clock at which nothing is sent: from `from` on, until before `to`.

    Parameters
    ----------
    starts : int
        First quiet hour, 0 to 23 (``from`` in YAML); 21 to 9 goes over midnight.
    ends : int
        First hour that is not quiet, 0 to 24 (``to`` in YAML).
    """

    model_config = ConfigDict(populate_by_name=True)

    starts: Annotated[int, Field(ge=0, le=23, alias="from")]
    ends: Annotated[int, Field(ge=0, le=24, alias="to")]

    @model_validator(mode="after")
    def _not_all(self) -> Self:
        if self.starts == self.ends % 24:
            raise ValueError(f"from {self.starts} to {self.ends} leaves no hour or is none; give two hours")
        return self

    def is_quiet(self, hour: int) -> bool:
        """Say whether an hour of the day (0 to 23) is quiet."""
        if self.starts < self.ends:
            return self.starts <= hour < self.ends
        return hour >= self.starts or hour < self.ends


class SendTime(Strict):
    """How the hour of sending is learned; see `crm_ml.actions.contact.send_time`.

    Parameters
    ----------
    prior_strength : float
        Number of events that the habits of the segment (and those of everybody, for the segment) count for.
    segment : str, optional
        Feature that is the segment; everybody without it.
    events : bool
        Whether times of events count.
    orders : bool
        Whether times of orders count.
    within_hours : int
        The hour starts less than so many hours after ``as_of``.
    """

    prior_strength: Annotated[float, Field(gt=0, le=1e6, allow_inf_nan=False)] = 20.0
    segment: str | None = None
    events: bool = True
    orders: bool = True
    within_hours: Annotated[int, Field(ge=1, le=168)] = 24

    @model_validator(mode="after")
    def _learns(self) -> Self:
        if not (self.events or self.orders):
            raise ValueError("events and orders are both off; there is nothing to learn an hour from")
        return self


class ContactPolicy(Strict):
    """How often, after what and when a customer may be contacted; without a rule nothing is forbidden.

    Parameters
    ----------
    groups : mapping of str to tuple of str
        Groups of actions, which may overlap.
    windows : tuple of ContactWindow
    cool_downs : tuple of ContactCoolDown
    exclusive : tuple of Exclusive
    never_after : tuple of NeverAfter
    quiet_hours : QuietHours, optional
    time_zone : str
        IANA name of the zone of customers whose own is not known; that of the tables where it is left out.
    time_zone_column : str, optional
        Attribute of the customers with IANA names.
    send_time : SendTime, optional
        Learn the hour of sending; without it a row is sent at the first moment that is not quiet.

    Examples
    --------
    >>> policy = ContactPolicy(windows=(ContactWindow(at_most=2, days=7),))
    >>> policy.rule_names
    ('at_most_2_in_7d_per_customer',)
    """

    groups: Mapping[Name, Annotated[Names, Field(min_length=1)]] = Field(default_factory=dict)
    windows: Annotated[tuple[ContactWindow, ...], Field(strict=False)] = ()
    cool_downs: Annotated[tuple[ContactCoolDown, ...], Field(strict=False)] = ()
    exclusive: Annotated[tuple[Exclusive, ...], Field(strict=False)] = ()
    never_after: Annotated[tuple[NeverAfter, ...], Field(strict=False)] = ()
    quiet_hours: QuietHours | None = None
    time_zone: str = "UTC"
    time_zone_column: str | None = None
    send_time: SendTime | None = None

    @field_validator("time_zone")
    @classmethod
    def _zone(cls, name: str) -> str:
        try:
            return check_zone(name)
        except ConfigError as error:
            raise ValueError(str(error)) from error

    @model_validator(mode="after")
    def _names(self) -> Self:
        repeated = [name for name, n in Counter(self.rule_names).items() if n > 1]
        if repeated:
            raise ValueError(f"more than one rule is called {', '.join(repeated)}; give them names")
        return self

    def zone_beside(self, zone: str) -> str:
        """Return the zone of customers whose own is not known: the declared one, else that of the tables."""
        return self.time_zone if "time_zone" in self.model_fields_set else zone

    @property
    def rules(self) -> tuple[ContactWindow | ContactCoolDown | Exclusive | NeverAfter, ...]:
        """All rules that block, in the order in which the first one counts."""
        return (*self.windows, *self.cool_downs, *self.exclusive, *self.never_after)

    @property
    def rule_names(self) -> tuple[str, ...]:
        """Names of `rules`, under which their blocks are counted."""
        return tuple(rule.rule for rule in self.rules)

    def groups_of(self, action_id: str) -> tuple[str, ...]:
        """Return the groups that an action is in, in alphabetical order."""
        return tuple(sorted(name for name, actions in self.groups.items() if action_id in actions))

    def check(self, actions: Iterable[ActionIdentity]) -> None:
        """Refuse a policy that names what the catalogue does not have.

        Parameters
        ----------
        actions : iterable of ActionIdentity
            The whole catalogue, also what is not offered today.

        Raises
        ------
        ConfigError
            With every unknown action, channel and group, and the name that it may have meant.
        """
        known: dict[str, set[str]] = {"action": set(), "channel": set(), "group": set(self.groups)}
        for action in actions:
            known["action"].add(action.action_id)
            known["channel"].update(action.channel_names)
        breaches = [
            f"  {place}: there is no {kind} {name!r}; {_hint(kind, name, known[kind])}"
            for place, kind, name in self._named()
            if name not in known[kind]
        ]
        if not self.groups:
            breaches += [f"  {rule.rule}: there is no group at all" for rule in self.rules if _by_group(rule)]
        if breaches:
            raise ConfigError(
                f"contact_policy: {len(breaches)} names that the catalogue does not have\n"
                + "\n".join(breaches)
            )

    def _named(self) -> list[tuple[str, str, str]]:
        """List the place, kind and name of everything that the rules name."""
        names = [(f"groups.{name}", "action", id_) for name, ids in self.groups.items() for id_ in ids]
        for section, rules in (("windows", self.windows), ("cool_downs", self.cool_downs)):
            names += [(f"{section}[{i}].of", r.per, r.of) for i, r in enumerate(rules) if r.of is not None]
        for number, rule in enumerate(self.exclusive):
            names += [(f"exclusive[{number}].actions", "action", id_) for id_ in rule.actions]
        for number, never in enumerate(self.never_after):
            names.append((f"never_after[{number}].action", "action", never.action))
            names.append((f"never_after[{number}].after", "action", never.after))
        return names


def _by_group(rule: Any) -> bool:
    """Say whether a rule is about every group, without naming one."""
    scopes = {getattr(rule, "per", None), getattr(rule, "blocks", None)}
    return "group" in scopes and getattr(rule, "of", None) is None


def _hint(kind: str, name: str, known: Collection[str]) -> str:
    near = difflib.get_close_matches(name, sorted(known), n=1)
    if near:
        return f"did you mean {near[0]!r}?"
    return f"known are {', '.join(sorted(known))}" if known else f"there is no {kind} at all"
