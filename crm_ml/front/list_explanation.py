"""Why a customer is in a list, or for each action the first reason why not."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crm_ml.actions.catalog import Action
from crm_ml.decision.open_actions import STATUS
from crm_ml.errors import InputError
from crm_ml.front.list_frame import sentences_of
from crm_ml.front.list_views import TEMPLATES
from crm_ml.pages import Currency
from crm_ml.rules.grammar import columns, parse

if TYPE_CHECKING:
    import pandas as pd

_SCORES = ("p_churn", "p_response", "uplift", "clv")


@dataclass(frozen=True, eq=False)
class ListExplanation:
    """What became of a customer.

    Parameters
    ----------
    customer_id : str
    as_of : date
    decision : str
        What the customer gets, at what value, or that nothing is sent.
    reasons : tuple of str
        Why, in words.
    actions : pandas.DataFrame
        For each action-channel ``outcome`` (listed, or the first reason why not), ``expected_value`` (major
        unit, missing where something is), ``shown`` (with the currency) and ``why`` in words.
    """

    customer_id: str
    as_of: date
    decision: str
    reasons: tuple[str, ...]
    actions: "pd.DataFrame"

    def __str__(self) -> str:
        lines = [f"customer {self.customer_id} on {self.as_of}: {self.decision}"]
        lines += [f"- {reason}" for reason in self.reasons]
        return "\n".join([*lines, *(f"{key}: {why}" for key, why in self.actions["why"].items())])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        from crm_ml.pages.render import render

        rows = [
            [
                key,
                row["outcome"],
                "" if row["expected_value"] != row["expected_value"] else row["shown"],
                row["why"],
            ]
            for key, row in self.actions.iterrows()
        ]
        return render(TEMPLATES, "list_explanation.html", why=self, rows=rows)


@dataclass(frozen=True, eq=False)
class Decisions:
    """What a list was made from, customer by customer.

    Parameters
    ----------
    features, weighed : Path
        The features of all customers, and the status and value of each action-channel
        (`crm_ml.decision.open_actions.weigh`), both Parquet.
    rows : pandas.DataFrame
        Of the list, with `crm_ml.front.list_frame.rows_of`.
    actions : sequence of Action
        Each on one channel, in the order of their numbers.
    abouts : mapping of str to str
        Score to the rule of whom its model is about.
    currency : Currency
    zone : str
        Of the hours in reasons.
    as_of : date
    """

    features: Path
    weighed: Path
    rows: "pd.DataFrame"
    actions: Sequence[Action]
    abouts: Mapping[str, str]
    currency: Currency
    zone: str
    as_of: date

    def explain(self, customer_id: str) -> ListExplanation:
        """Explain what became of a customer.

        Raises
        ------
        InputError
            If the customer is not known on the day.
        """
        import pandas as pd

        weighed, features = _row(self.weighed, customer_id), _row(self.features, customer_id)
        if weighed is None:
            raise InputError(
                f"this customer is not known on {self.as_of}: no order and no registration of this "
                "customer_id lies before that day"
            )
        values = {**(features or {}), **weighed}
        mine = self.rows[self.rows["customer_id"].astype(str) == customer_id]
        row = None if mine.empty else mine.iloc[0]
        lines = [self._of_action(number, values, row) for number in range(len(self.actions))]
        table = pd.DataFrame(lines, index=[action.key for action in self.actions])
        if row is None:
            return ListExplanation(customer_id, self.as_of, "nothing is sent", (), table)
        worth, cost = (self.currency.amount(row[f"{name}_cents"]) for name in ("expected_value", "cost"))
        decision = f"{row['action_id']} by {row['channel']}, worth {worth} after a cost of {cost}"
        drawn = ["drawn at random, to learn from it"] if row["arm"] == "explore" else []
        told = sentences_of(row, self.currency, self.zone)
        scores = [f"{name} is {row[name]:.3g}" for name in _SCORES if row[name] == row[name]]
        reasons = (*drawn, *told, *scores, *filter(None, [row["assumption"]]))
        return ListExplanation(customer_id, self.as_of, decision, reasons, table)

    def _of_action(self, number: int, values: Mapping[str, Any], row: Any) -> dict[str, Any]:
        action, status = self.actions[number], STATUS[int(values[f"status_{number}"])]
        cents = values[f"money_{number}"]
        known = cents is not None and cents == cents
        worth = f"{self.currency.amount(cents)}" if known else ""
        if row is not None and (row["action_id"], row["channel"]) == (action.action_id, action.channel):
            outcome = why = "listed"
        else:
            outcome, why = self._not_listed(number, status, values, worth, is_listed=row is not None)
        major = cents / 10**self.currency.digits if known else float("nan")
        return {"outcome": outcome, "expected_value": major, "shown": worth, "why": why}

    def _not_listed(
        self, number: int, status: str, values: Mapping[str, Any], worth: str, *, is_listed: bool
    ) -> tuple[str, str]:
        action = self.actions[number]
        if status == "not_eligible":
            return "not eligible", f"not true: {_with_values(str(action.audience.eligible), values)}"
        if status == "not_applicable":
            return "not applicable", self._not_applicable(action, values)
        if status == "no_consent":
            identity = action.identity
            return "no consent", f"no consent to {identity.purpose} by {identity.channel}"
        if status == "contact_policy":
            return "contact policy", f"the rule {values[f'rule_{number}']} forbids a contact"
        if status == "not_worth_it":
            return "not worth it", f"it is expected to earn {worth}, after its cost"
        if status == "held_out":
            which = "everything" if values.get("universal") else "this action"
            return "held out", f"held out of {which}, to measure the effect; it would be worth {worth}"
        if is_listed:
            return "another action", f"worth {worth}; another action earns the list more"
        return "no room", f"worth {worth}, but the limits went to others{self._price(action)}"

    def _not_applicable(self, action: Action, values: Mapping[str, Any]) -> str:
        if action.audience.applicable:
            return f"not true: {_with_values(action.audience.applicable, values)}"
        for score in action.value.needed_scores.values():
            if values.get(score, "") is None:
                about = self.abouts.get(score)
                whom = f"; its model is about {_with_values(about, values)}" if about else ""
                return f"no {score} of this customer{whom}"
        return "sold out, or a score that its value needs is missing"

    def _price(self, action: Action) -> str:
        same = (self.rows["action_id"] == action.action_id) & (self.rows["channel"] == action.channel)
        paid = self.rows.loc[same, "price_paid"]
        return "" if paid.empty else f": a row of it had to be worth {self.currency.amount(paid.max())}"


def _row(path: Path, customer_id: str) -> dict[str, Any] | None:
    import pyarrow.parquet as pq

    rows = pq.read_table(path, filters=[("customer_id", "==", customer_id)]).to_pylist()
    return rows[0] if rows else None


def _with_values(rule: str, values: Mapping[str, Any]) -> str:
    """Return a rule with the values of the columns that it names."""
    shown = dict(_values(rule, values))
    here = ", ".join(f"{name} is {value}" for name, value in shown.items())
    return rule + (f" ({here})" if here else "")


def _values(rule: str, values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for test in columns(parse(rule)):
        if test.column in values:
            value = values[test.column]
            empty = value is None or value != value
            yield (
                test.column,
                "unknown" if empty else f"{value:g}" if isinstance(value, float) else f"{value}",
            )
