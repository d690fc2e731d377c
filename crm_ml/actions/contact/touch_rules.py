"""Rules of a contact policy: windows, cool-downs, actions that exclude each other or never follow."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from crm_ml.actions.field_types import Name, Names
from crm_ml.tables.strict import Strict

Days = Annotated[int, Field(ge=1, le=3650)]
Times = Annotated[int, Field(ge=1, le=1000)]
Scope = Literal["customer", "channel", "group", "action"]


class Scoped(Strict):
    """A rule about contacts that belong together.

    Parameters
    ----------
    name : str, optional
        What the rule is called where its blocks are counted; without it the name is made from its content.
    per : {"customer", "channel", "group", "action"}
        Contacts of the customer, or those on one channel, of one group of actions, or of one action. A
        contact whose channel or action is unknown belongs to the customer only.
    of : str, optional
        The channel, group or action that the rule is about; without it the rule is about each on its own.
    """

    name: Name | None = None
    per: Scope = "customer"
    of: Name | None = None

    @model_validator(mode="after")
    def _of_what(self) -> Self:
        if self.per == "customer" and self.of is not None:
            raise ValueError(f"of: {self.of!r} needs per: channel, group or action")
        return self

    @property
    def _scope(self) -> str:
        return f"per_{self.per}" + (f"_{self.of}" if self.of else "")


class ContactWindow(Scoped):
    """At most so many contacts in any `days` days.

    A contact sent at s counts for a list of ``as_of`` while ``s > as_of - days * 86400``: one sent exactly
    `days` days ago no longer does. A list that gives a customer at most one row, sent at or after ``as_of``,
    then never fills a half-open interval of `days` days beyond `at_most`: of the contacts in
    ``[t, t + days)`` let the last one decided have been decided at a and sent at ``s >= a``; as
    ``t > s - days >= a - days``, all others in the interval counted at a, so there were fewer than `at_most`.

    Parameters
    ----------
    at_most : int
        The most contacts within the window.
    days : int
        Length of the window.
    """

    at_most: Times
    days: Days

    @property
    def rule(self) -> str:
        """Name under which blocks are counted."""
        return self.name or f"at_most_{self.at_most}_in_{self.days}d_{self._scope}"


class ContactCoolDown(Scoped):
    """No contact for some days after something happened.

    What happened are the outcomes that followed touches of the scope (`per`, `of`): at or after the touch and
    less than `within_days` days after it, the last such touch being the one they follow. An outcome at t
    holds while ``t > as_of - days * 86400``.

    Parameters
    ----------
    after : {"bought", "responded", "complained", "ignored"}
        An order; a response, but not one to a campaign of another action; an event of the kind `kind`
        (per customer it counts without a touch too); or the last `times` touches were followed by neither
        order nor response. A touch younger than `within_days` is not yet ignored, though it may be answered
        already; the cool-down of ignored touches starts where the `within_days` of the last one end.
    times : int
        So many outcomes within the last `days` days, or so many touches ignored in a row.
    days : int
        How long the cool-down lasts.
    blocks : {"customer", "channel", "group", "action"}, optional
        Everything, or what shares channel, group or action with the touches that the outcomes followed
        (with the ignored ones). As `per` without it.
    within_days : int
        Days after a touch in which an outcome counts as its own.
    kind : str
        Kind of event that is a complaint.
    """

    after: Literal["bought", "complained", "ignored", "responded"]
    times: Times = 1
    days: Days
    blocks: Scope | None = None
    within_days: Days = 7
    kind: Annotated[str, Field(min_length=1)] = "complaint"

    @property
    def blocked(self) -> Scope:
        """What is blocked."""
        return self.blocks or self.per

    @property
    def rule(self) -> str:
        """Name under which blocks are counted."""
        often = "" if self.times == 1 else f"_{self.times}x"
        return self.name or f"{self.blocked}_{self.days}d_after_{self.after}{often}_{self._scope}"


class Exclusive(Strict):
    """Actions that exclude each other: a customer who had one within `days` days gets none of the others.

    Parameters
    ----------
    actions : tuple of str
        Actions of which a customer gets one.
    days : int
        How long an action excludes the others.
    name : str, optional
        What the rule is called where its blocks are counted.
    """

    actions: Annotated[Names, Field(min_length=2)]
    days: Days
    name: Name | None = None

    @property
    def rule(self) -> str:
        """Name under which blocks are counted."""
        return self.name or f"exclusive_{'_'.join(self.actions)}_{self.days}d"


class NeverAfter(Strict):
    """An action that a customer does not get who had another one, ever or within `days` days.

    Parameters
    ----------
    action : str
        Action that the customer does not get.
    after : str
        Action that the customer had; the same as `action` for one that comes once.
    days : int, optional
        How long; for ever without it.
    name : str, optional
        What the rule is called where its blocks are counted.
    """

    action: Name
    after: Name
    days: Days | None = None
    name: Name | None = None

    @property
    def rule(self) -> str:
        """Name under which blocks are counted."""
        reach = "" if self.days is None else f"_{self.days}d"
        return self.name or f"{self.action}_never_after_{self.after}{reach}"
