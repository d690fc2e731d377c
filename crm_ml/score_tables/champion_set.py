"""The champions of a list, one a family, and whether they fit its actions."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Any

from crm_ml.actions.catalog import Action
from crm_ml.errors import ConfigError, InputError
from crm_ml.models.model_folder import own_modules
from crm_ml.score_tables.families import family_module, family_of, probability_scores
from crm_ml.score_tables.score_rows import Reasons
from crm_ml.score_tables.source import Source, options_by_group
from crm_ml.snapshots import check_scored_after
from crm_ml.tables.bundle import Tables

if TYPE_CHECKING:
    from crm_ml.tracking import ModelVersion


@dataclass(frozen=True, eq=False)
class Champions:
    """What scores the customers of a list.

    Parameters
    ----------
    sources : sequence of Source
        At most one of a family, in the order of families.
    """

    sources: Sequence[Source] = ()

    @property
    def sums(self) -> dict[str, str]:
        """Name of each model to the hash of its files."""
        return {source.name: source.sums for source in self.sources}

    @property
    def registered(self) -> dict[str, str]:
        """Name of each registered model to the hash that the registry has of it."""
        return {source.name: source.registered for source in self.sources if source.registered}

    @property
    def verified(self) -> tuple[str, ...]:
        """Arms whose measured effect values actions."""
        return tuple(arm for source in self.sources for arm in source.verified)

    @property
    def cautions(self) -> dict[str, list[str]]:
        """Name of each model to sentences on what the data behind it do not know, where there are any."""
        return {source.name: [*source.cautions] for source in self.sources if source.cautions}

    def value_bases(self, actions: Sequence[Action]) -> list[str]:
        """Return for each action what its value rests on."""
        measuring = {arm: source.versioned_name for source in self.sources for arm in source.verified}
        return [action.value.basis(measuring) for action in actions]

    @property
    def reasons(self) -> dict[str, Reasons]:
        """Score to what gives the reason codes of its rows."""
        return {
            score: source.reasons for source in self.sources if source.reasons for score in source.columns
        }

    @property
    def groups(self) -> dict[str, Mapping[str, Any]]:
        """Feature groups with the options that all models share.

        Raises
        ------
        ConfigError
            If two models want a group with different options; the message names all such groups.
        """
        wanted: dict[str, dict[str, Mapping[str, Any]]] = {}
        for source in self.sources:
            for group, options in options_by_group(source.groups).items():
                wanted.setdefault(group, {})[source.name] = options
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

    def check(self, actions: Sequence[Action], tables: Tables) -> None:
        """Refuse actions that the models have no score for, and models of days of another zone.

        Raises
        ------
        ConfigError
            With all that is wrong: a model of another zone, a score without its model, a kind of action or an
            arm that was never seen, an answer that covers nothing, and two models of one name.
        """
        breaches = [
            f"{source.name} was trained on days of {source.zone} and the tables declare {tables.zone}; train "
            "it again with these tables, or declare its timezone"
            for source in self.sources
            if source.zone != tables.zone
        ]
        breaches += [breach for action in actions for breach in self._lacking(action)]
        breaches += [breach for source in self.sources for breach in source.breaches(actions, tables)]
        names = Counter(source.name for source in self.sources)
        breaches += [f"{name} stands for {n} models; names must differ" for name, n in names.items() if n > 1]
        if breaches:
            lines = dict.fromkeys(f"  {breach}" for breach in breaches)  # once for all channels of an action
            raise ConfigError("the models do not fit the actions\n" + "\n".join(lines))

    def _lacking(self, action: Action) -> list[str]:
        """Return the scores that an action needs and no model gives."""
        available = {column for source in self.sources for column in source.columns}
        breaches = []
        for what, score in action.value.needed_scores.items():
            family = family_of(score)
            if score == action.value.score and score not in probability_scores():
                breaches.append(_no_probability(action.action_id, score))
            elif score not in available:
                line = f"models: {{{family}: {family}@champion}}"
                breaches.append(
                    f"{action.action_id}: {what} needs a model of {family} in the settings ({line}), which "
                    f"in a notebook crm_ml.fit({family!r}, ...) gives"
                )
        return breaches + unmeasured(action, self.verified)


def _no_probability(action_id: str, score: str) -> str:
    """Return that the stated effect of an action can't be multiplied by a score, and by which it can."""
    return (
        f"{action_id}: score {score} is no probability that a family gives, and an action's value is a "
        f"probability times its effect; there are {', '.join(probability_scores())}"
    )


def unmeasured(action: Action, verified: Collection[str]) -> list[str]:
    """Return why an action has no value: it states no effect, and its arm is not verified."""
    value = action.value
    if value.assumed_effect is not None or value.uplift is None or value.measured(verified):
        return []
    pays = f"; it pays from {value.cost_cents / value.uplift.worth_cents:.2%} on"
    return [
        f"{action.action_id}: no effect is stated and no model has verified that of arm {value.uplift.arm}, "
        f"so every value would be invented; state how often it works{pays if value.cost_cents else ''} "
        "(assumed_effect, effect= in Action.simple), or add an uplift model that has measured it"
    ]


def champions(models: Mapping[str, str | None], as_of: date) -> Champions:
    """Load the registered models of a list, after their sums were checked.

    Parameters
    ----------
    models : mapping of str to str
        Family to ``<name>@<alias>``, such as ``{"churn": "churn@champion"}``; null for none.
    as_of : date
        Day that is scored; it must not lie before the end of the labels that a model was trained on.

    Raises
    ------
    InputError
        If there is no such family, no model has the alias, it is of another family, or its manifest does not
        say what scoring needs.
    LeakError
        If a model has seen labels of after `as_of`.
    IntegrityError
        If a file of a model does not agree with its manifest (exit code 4).
    """
    for family in models:
        family_module(family)  # a name that is none is refused, also where it has no model
    wanted = {family: model for family, model in sorted(models.items()) if model is not None}
    from crm_ml.tracking import ModelAbsent

    sources, absent = [], []
    for family, model in wanted.items():
        try:
            sources.append(_champion(family, model, as_of))
        except ModelAbsent:
            absent.append(_absent(family, model))
    if absent:
        raise InputError("\n  ".join(absent))
    return Champions(sources)


def _absent(family: str, model: str) -> str:
    """Return that a model is not registered, and the command that mends it."""
    from crm_ml import tracking
    from crm_ml.config.uses import runs_registering
    from crm_ml.next_steps import without_model

    name = model.partition("@")[0]
    others = sorted({"challenger", "previous"} & set(tracking.aliases_of(name)))
    mend = without_model(family, name, others, runs_registering(family, name))
    return f"no model {model} is registered in {tracking.store_name()}; {mend}"


def _champion(family: str, model: str, as_of: date) -> Source:
    from crm_ml import tracking

    name, _, alias = model.partition("@")
    version = tracking.champion(name, alias)
    source = source_of(version, family, model)
    check_scored_after(version.details["labels_end"], as_of, model)
    return source


def source_of(version: "ModelVersion", family: str, model: str) -> Source:
    """Return the source of a model on local disk.

    Parameters
    ----------
    version : ModelVersion
    family : str
    model : str
        What errors call it.

    Raises
    ------
    InputError
        If there is no such family, the model is of another one, or its manifest does not say what scoring
        needs.
    """
    module = family_module(family)
    _check(version, model, family, (*module.NEEDS, "labels_end"))
    source: Source = module.load(version)
    zone = str(version.details.get("timezone", "UTC"))
    labels_end = str(version.details["labels_end"])
    target = version.details.get("target") or {}
    horizon = int(version.details.get("horizon_days") or target.get("horizon_days") or 0)
    modules = own_modules(version.folder)
    return replace(
        source, registered=version.registered, modules=modules, zone=zone, labels_end=labels_end,
        horizon_days=horizon,
    )  # fmt: skip


def _check(version: "ModelVersion", model: str, family: str, needed: Sequence[str]) -> None:
    own = version.details.get("family")
    if own != family:
        raise InputError(f"{model}: it is a model of family {own}, and one of {family} is needed here")
    missing = [key for key in needed if key not in version.details]
    if missing:
        raise InputError(f"{model}: its manifest has no {', '.join(missing)}; train it again")
