"""An action as a notebook gives it: a few names, amounts in the major unit, defaults in words."""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from crm_ml.actions.action_parts import PARTS
from crm_ml.errors import ConfigError
from crm_ml.pages.number_format import count
from crm_ml.tables.currencies import minor_units

Amount = float | Decimal | str
_NO_LIMIT, _EXPIRES_AFTER_DAYS = 10**9, 14
_MADE: Final = {
    "cost_cents": "cost", "margin_cents": "margin", "assumed_effect": "effect", "assumption": "source",
    "uplift": "arm",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class SimpleAction:
    """The arguments of `crm_ml.actions.catalog.Action.simple`, which has their meaning."""

    action_id: str
    channel: str
    amounts: Mapping[str, Amount | None]
    effect: float | None
    arm: str | None
    retention: bool
    recommend: int | Mapping[str, Any] | None
    source: str | None
    fields: Mapping[str, Any]

    @property
    def words(self) -> dict[str, str]:
        """Field of a catalogue to the argument that it is made of, for errors."""
        values = {f"value.{field}": word for field, word in _MADE.items()}
        return {**_MADE, **values, "uplift.arm": "arm", "retention.at_most_cents": "at_most"}

    def content(self, code: str) -> dict[str, Any]:
        """Return the fields of a catalogue, with amounts in the minor unit of a currency.

        Raises
        ------
        ConfigError
            With every amount that is none, and every argument that is no field.
        """
        breaches, cents = self._unknown(), {}
        for name, amount in self.amounts.items():
            try:
                cents[name] = None if amount is None else minor_units(amount, code)
            except ConfigError as error:
                breaches.append(f"{name}: {error}")
        breaches += self._missing()
        if breaches:
            lines = "\n".join(f"  {breach}" for breach in breaches)
            raise ConfigError(f"action {self.action_id}: {count(len(breaches), 'mistake')}\n{lines}")
        named = {"action_id": self.action_id, "channel": self.channel, "cost_cents": cents["cost"]}
        parts = (self._earned(cents), self._effect(cents["margin"]), self._score())
        merged = {field: value for part in parts for field, value in part.items()}
        return {**named, **merged, "expires_after_days": _EXPIRES_AFTER_DAYS, **self.fields}

    def _missing(self) -> list[str]:
        """Return the arguments that need or exclude each other."""
        breaches = []
        if (self.amounts["margin"] is None) != self.retention:
            breaches.append(
                "margin: give what is earned when it works, or retention=True for the lifetime value"
            )
        if self.amounts["at_most"] is not None and not self.retention:
            breaches.append("at_most: it belongs to retention=True")
        if self.effect is None and self.retention:
            breaches.append(
                "effect: say how often it works, such as 0.05; with retention=True no model measures it"
            )
        return breaches

    def _unknown(self) -> list[str]:
        """Return the arguments that are no field of an action, or are given in major units."""
        known = {name for part in PARTS.values() for name in part.model_fields} - {*_MADE, "retention"}
        return [
            f"{name}: write {_MADE[name]}="
            if name in _MADE
            else f"{name}: no field of an action; did you mean {', '.join(near)}?"
            if (near := difflib.get_close_matches(name, [*known, *_MADE.values()], n=1))
            else f"{name}: no field of an action"
            for name in self.fields
            if name not in known
        ]

    def _earned(self, cents: Mapping[str, int | None]) -> dict[str, Any]:
        content: dict[str, Any] = {} if cents["margin"] is None else {"margin_cents": cents["margin"]}
        if self.retention:
            limit = cents["at_most"]
            most = _NO_LIMIT if limit is None else limit
            content["retention"] = {"if_alive": limit is not None, "at_most_cents": most}
        return content

    def _effect(self, margin_cents: int | None) -> dict[str, Any]:
        """Return how often the action works: as stated, else as an uplift model has measured it."""
        if self.effect is None:
            text, arm = (
                "nothing is assumed: an uplift model has measured the effect",
                self.arm or self.action_id,
            )
        else:
            text, arm = (
                f"a share of {self.effect} is assumed to work, as stated; not measured",
                self.arm or "",
            )
        content: dict[str, Any] = {"assumed_effect": self.effect, "assumption": self.source or text}
        if arm and margin_cents:
            content["uplift"] = {"arm": arm, "worth_cents": float(margin_cents)}
        return content

    def _score(self) -> dict[str, Any]:
        content: dict[str, Any] = {}
        if "answer" in self.fields:
            content["score"] = "p_response"
        if self.recommend is not None:
            items = {"items": self.recommend} if isinstance(self.recommend, int) else self.recommend
            content |= {"score": "p_items", "recommend": items}
        return content
