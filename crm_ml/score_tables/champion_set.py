"""The models of a list, of several families, and what they need of the features."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from crm_ml.actions.catalog import Action
from crm_ml.errors import ConfigError
from crm_ml.score.settings import ScoreSettings
from crm_ml.score_tables.champions import (
    champion_effects,
    champion_items,
    champion_responder,
    champion_scorer,
    champion_valuation,
)
from crm_ml.score_tables.churn import Scorer
from crm_ml.score_tables.clv import Valuation
from crm_ml.score_tables.propensity import Responder, unanswerable
from crm_ml.score_tables.recommend import ItemModel
from crm_ml.score_tables.score_rows import Groups, Reasons
from crm_ml.score_tables.uplift import UpliftScorer, unknown_arms
from crm_ml.tables.bundle import Tables


@dataclass(frozen=True, eq=False)
class Models:
    """What scores the customers; each may be absent.

    Parameters
    ----------
    churn : Scorer, optional
        Gives p_churn.
    value : Valuation, optional
        Gives clv_cents and p_alive.
    response : Responder, optional
        Gives p_response of each action with an answer.
    uplift : UpliftScorer, optional
        Gives the effects of arms.
    items : ItemModel, optional
        Gives the items of each action that recommends, with P(buy).
    """

    churn: Scorer | None = None
    value: Valuation | None = None
    response: Responder | None = None
    uplift: UpliftScorer | None = None
    items: ItemModel | None = None

    @property
    def sums(self) -> dict[str, str]:
        """Name of each model to the hash of its files."""
        return {one.name: one.sums for one in self._given}

    @property
    def verified(self) -> tuple[str, ...]:
        """Arms whose effect values actions."""
        return () if self.uplift is None else tuple(self.uplift.verified)

    def value_bases(self, actions: Sequence[Action]) -> list[str]:
        """Say for each action what its value rests on."""
        model = "" if self.uplift is None else f"{self.uplift.name}@{self.uplift.sums[:12]}"
        return [action.value_basis(self.verified, model) for action in actions]

    @property
    def reasons(self) -> dict[str, Reasons]:
        """Score to what gives the reason codes of its rows."""
        found = {"p_churn": self.churn, "p_response": self.response}
        return {score: one.reasons for score, one in found.items() if one is not None and one.reasons}

    @property
    def groups(self) -> dict[str, Mapping[str, Any]]:
        """Feature groups with the options that all models share.

        Raises
        ------
        ConfigError
            If two models want a group with different options; the message names all such groups.
        """
        wanted: dict[str, dict[str, Mapping[str, Any]]] = {}
        for one in (self.churn, self.response, self.uplift):
            if one is not None:
                for group, options in _options(one.groups).items():
                    wanted.setdefault(group, {})[one.name] = options
        breaches = [
            f"  {group}: " + ", ".join(f"{name} {dict(options)}" for name, options in by_model.items())
            for group, by_model in sorted(wanted.items())
            if any(options != next(iter(by_model.values())) for options in by_model.values())
        ]
        if breaches:
            raise ConfigError(
                "models of one list want a feature group with different options; train them with the same, "
                "or write two lists\n" + "\n".join(breaches)
            )
        return {group: next(iter(by_model.values())) for group, by_model in wanted.items()}

    @property
    def _given(self) -> list[Scorer | Valuation | Responder | UpliftScorer | ItemModel]:
        all_of_them = (self.churn, self.value, self.response, self.uplift, self.items)
        return [one for one in all_of_them if one is not None]

    def _without_items(self, actions: Sequence[Action]) -> list[str]:
        if self.items is None:
            recommending = [one.action_id for one in actions if one.recommend is not None]
            return [f"{one}: recommend needs an item_model in the settings" for one in recommending]
        if self.items.calibrated:
            return []
        valued = [one.action_id for one in actions if one.score == "p_items"]
        return [f"{one}: score p_items needs probabilities; {self.items.name} gives none" for one in valued]

    def check(self, actions: Sequence[Action], tables: Tables) -> None:
        """Refuse actions that the models have no score for.

        Raises
        ------
        ConfigError
            With all that is wrong: a score without its model, a kind of action or an arm that was never
            seen, an answer that covers nothing, and two models of one name.
        """
        lacking = {"p_churn": ("model", self.churn), "p_response": ("response_model", self.response)}
        breaches = [
            f"{action.action_id}: score {action.score} needs a {lacking[action.score][0]} in the settings"
            for action in actions
            if action.score in lacking and lacking[action.score][1] is None
        ]
        if self.value is None:
            kept = [one.action_id for one in actions if one.retention is not None]
            breaches += [f"{one}: retention needs a value_model in the settings" for one in kept]
        breaches += self._without_items(actions)
        breaches += [] if self.response is None else unanswerable(actions, tables, self.response)
        breaches += [] if self.uplift is None else unknown_arms(actions, self.uplift)
        names = Counter(one.name for one in self._given)
        breaches += [f"{name} stands for {n} models; names must differ" for name, n in names.items() if n > 1]
        if breaches:
            told = dict.fromkeys(f"  {breach}" for breach in breaches)  # once for all channels of an action
            raise ConfigError("the models do not fit the actions\n" + "\n".join(told))


def champions(settings: ScoreSettings) -> Models:
    """Load the registered models of a scoring run; raises as `crm_ml.score_tables.champions`."""
    churn, value = settings.model, settings.value_model
    response, uplift, items = settings.response_model, settings.uplift_model, settings.item_model
    return Models(
        churn=None if churn is None else champion_scorer(churn, settings.day),
        value=None if value is None else champion_valuation(value, settings.day),
        response=None if response is None else champion_responder(response, settings.day),
        uplift=None if uplift is None else champion_effects(uplift, settings.day),
        items=None if items is None else champion_items(items, settings.day),
    )


def _options(groups: Groups) -> Mapping[str, Mapping[str, Any]]:
    return groups if isinstance(groups, Mapping) else {name: {} for name in groups}
