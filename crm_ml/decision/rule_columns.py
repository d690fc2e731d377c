"""Which columns the rules of a list may name, known before anything is computed."""

import difflib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from crm_ml.actions.catalog import Action
from crm_ml.errors import ConfigError
from crm_ml.features import groups as package_groups
from crm_ml.features.attributes import names_of as attribute_names
from crm_ml.features.feature_groups import group_of
from crm_ml.rules.grammar import Test, columns, parse
from crm_ml.score_tables.champion_set import Champions
from crm_ml.score_tables.columns import numbered_column
from crm_ml.score_tables.families import family_of
from crm_ml.tables.bundle import Tables


def known_columns(tables: Tables, models: Champions, actions: Sequence[Action]) -> list[str] | None:
    """Return the columns that rules may name: features, attributes and scores.

    None where a group of one's own is among the features, which may give more columns than it declares.

    Parameters
    ----------
    tables : Tables
    models : Champions
    actions : sequence of Action
        Each on one channel, in the order of their numbers.
    """
    groups = [group_of(name) for name in dict.fromkeys([*package_groups(), *models.groups])]
    if not all(getattr(group, "__name__", "").startswith("crm_ml.features.") for group in groups):
        return None
    features = [column for group in groups for column in group.COLUMNS]
    scores = [
        numbered_column(column, number) if source.per_action else column
        for source in models.sources
        for column in source.columns
        for number in range(len(actions) if source.per_action else 1)
    ]
    return ["customer_id", *features, *attribute_names(tables), *scores]


def check_rule_columns(
    actions: Sequence[Action], tags: Mapping[str, str], known: Collection[str] | None
) -> None:
    """Refuse rules that name columns which will not be there.

    Parameters
    ----------
    actions : sequence of Action
    tags : mapping of str to str
        Name to rule; a rule may name the column ``tag_<name>``.
    known : collection of str, optional
        Nothing is refused without it; rules meet the columns themselves later.

    Raises
    ------
    ConfigError
        With a line for each such rule, with near names or the model that gives the column.
    """
    if known is None:
        return
    present = [*known, *(f"tag_{name}" for name in tags)]
    breaches = {
        f"  {where}: {text}": None
        for where, rule in _rules(actions, tags)
        for text in _unknown(columns(parse(rule)), present)
    }
    if breaches:
        raise ConfigError("rules that don't fit the features and scores\n" + "\n".join(breaches))


def _rules(actions: Iterable[Action], tags: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    yield from ((f"tag {name}", rule) for name, rule in tags.items())
    for action in actions:
        rules = {"eligible": action.audience.eligible, "applicable": action.audience.applicable}
        rules |= {f"context {number}": weight.when for number, weight in enumerate(action.value.context, 1)}
        yield from ((f"action {action.action_id}, {name}", rule) for name, rule in rules.items() if rule)


def _unknown(tests: Iterable[Test], present: Sequence[str]) -> Iterator[str]:
    for test in tests:
        where = f"at character {test.position}: there is no column {test.column!r}"
        family = family_of(test.column)
        near = [repr(name) for name in difflib.get_close_matches(test.column, present, n=3)]
        if test.column in present or (family is not None and test.operator == "null"):
            continue
        if family is not None:
            yield f"{where} without a model of {family}"
        else:
            hint = f"did you mean {' or '.join(near)}?" if near else f"there are {len(present)} columns"
            yield f"{where}; {hint}"
